"""What is stored of a run beside its summary: the curves that it recorded, and the state in which it ended."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Shaped

from core.descent.schedule import scheduled
from core.implicit_bias.certificate import effective_initialization
from core.results.labelled_arrays import LabelledArrays, Meaning
from core.results.result import Summary
from core.results.variables import VARIABLES
from core.sweep.grid_run import Run

_RECORD: Final = ("record_step",)
_COORDINATE: Final = ("coordinate",)

TRAJECTORY: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "record_step": Meaning(dims=_RECORD, symbol="t", description="Steps taken before the record was made."),
        "train_loss": Meaning(dims=_RECORD, symbol="L(t)", description="‖Xβ − y‖²/(2N)."),
        "excess_risk": Meaning(dims=_RECORD, symbol="R(t)", description=VARIABLES["excess_risk"].description),
        "test_loss": Meaning(dims=_RECORD, symbol="R(t) + ½σ²_noise", description=VARIABLES["test_loss"].description),
        "l1_norm": Meaning(dims=_RECORD, symbol="‖β‖₁", description="Σ|β_i|."),
        "effective_init": Meaning(dims=_RECORD, symbol="mean √A", description=VARIABLES["effective_init"].description),
        "sharpness": Meaning(
            dims=_RECORD, symbol="λ_max", description="The largest eigenvalue of the Hessian of the loss."
        ),
        "stability_threshold": Meaning(
            dims=_RECORD,
            symbol="2/η_t",
            description=(
                "The largest sharpness at which the step that follows is stable: 2/η_t, which comes down to 2/η as the "
                "step size warms up; with momentum the optimiser's stability limit over η_t."
            ),
        ),
    }
)
"""The arrays of a trajectory. Curves are stored in float32, with a relative error of 6e-8."""

END: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "u_plus": Meaning(dims=_COORDINATE, symbol="u₊", description="Parameters at the end."),
        "u_minus": Meaning(dims=_COORDINATE, symbol="u₋", description="Parameters at the end."),
        "v_plus": Meaning(dims=_COORDINATE, symbol="v₊", description="Parameters at the end; UV alone has them."),
        "v_minus": Meaning(dims=_COORDINATE, symbol="v₋", description="Parameters at the end; UV alone has them."),
        "predictor": Meaning(dims=_COORDINATE, symbol="β", description="u₊^D − u₋^D; for UV u₊v₊ − u₋v₋."),
        "effective_init": Meaning(
            dims=_COORDINATE,
            symbol="√A",
            description=(
                "√|u₊u₋|, for UV that of the equivalent squared model, for u∘v √|u² − v²|. Not with momentum or "
                "parameter noise, nor at depth 3 and more."
            ),
        ),
        "gradient_sum": Meaning(
            dims=_COORDINATE,
            symbol="S",
            description=(
                "Σ_t c·η_t·g_t over all steps, with g_t the gradient of a step in the predictor (Xᵀr/N without noise) "
                "and c = D, for UV c = 1."
            ),
        ),
        "true_predictor": Meaning(dims=_COORDINATE, symbol="β*", description="The true predictor, where it is known."),
    }
)
"""The arrays of a run's end, in float64. A run that was completed ends at its limit."""

_VECTOR: Final = ("record_step", "coordinate")
_PLATEAU: Final = ("plateau",)
_OF_PLATEAU: Final = ("plateau", "coordinate")

VECTORS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "record_step": TRAJECTORY["record_step"],
        "training_time": Meaning(
            dims=_RECORD,
            symbol="T",
            description="Σ_s η_s of the steps taken, as they were: with warm-up, 0 where held.",
        ),
        "rescaled_time": Meaning(
            dims=_RECORD,
            symbol="s",
            description=(
                "T in the time that a coordinate with |x_iᵀr| = 1 takes to grow from α to 1, N·ln(1/α)/2 at D = 2; "
                "null from α = 1 on."
            ),
        ),
        "lasso_gap": Meaning(
            dims=_RECORD,
            symbol="",
            description=(
                "By how much the time average misses the lasso at λ = 1/s at most: the duality gap of ½‖Xβ̄ − y‖² + "
                "‖β̄‖₁/s over ½‖y‖². Small as α → 0 where that path is monotone (Berthier 2025)."
            ),
        ),
        "nonzeros": Meaning(
            dims=_RECORD, symbol="‖β‖₀", description="Coordinates in the support: |β_i| > support_threshold."
        ),
        "predictor": Meaning(dims=_VECTOR, symbol="β(t)", description="The predictor of the iterate."),
        "support": Meaning(dims=_VECTOR, symbol="", description="1 where |β_i| > support_threshold, else 0."),
        "time_average": Meaning(
            dims=_VECTOR,
            symbol="β̄(t)",
            description="Σ_s η_sβ_s/Σ_s η_s over all steps s < t, not the recorded ones alone; null before the first.",
        ),
        "balance": Meaning(
            dims=_VECTOR,
            symbol="Q",
            description=(
                "What flow conserves of a coordinate: u₊u₋ at D = 2, u₊^(2−D) + u₋^(2−D) from u± > 0 at D ≥ 3, "
                "u₊² − v₊² of UV, u² − v² of u∘v. Steps of descent keep it to second order."
            ),
        ),
        "balance_minus": Meaning(dims=_VECTOR, symbol="Q₋", description="u₋² − v₋²; UV alone has it."),
        "plateau_step": Meaning(
            dims=_PLATEAU,
            symbol="t",
            description="The recorded step nearest to the middle of the plateau, where it is seen.",
        ),
        "plateau_entered": Meaning(
            dims=_PLATEAU,
            symbol="s",
            description="The rescaled time at which half of the fall to this plateau is done; 0 for the first.",
        ),
        "plateau_left": Meaning(
            dims=_PLATEAU,
            symbol="s",
            description=(
                "The rescaled time at which half of the fall to the next plateau is done, from the last one to 0; "
                "linear between records, null where that is not recorded."
            ),
        ),
        "plateau_due": Meaning(
            dims=_PLATEAU,
            symbol="s",
            description=(
                "The rescaled time at which, with β at rest, the first |q_i| off the support comes to 1: the end of "
                "the plateau as α → 0."
            ),
        ),
        "plateau_loss": Meaning(dims=_PLATEAU, symbol="L", description="The training loss."),
        "plateau_support_size": Meaning(dims=_PLATEAU, symbol="‖β‖₀", description="Coordinates in the support."),
        "plateau_kkt_distance": Meaning(
            dims=_PLATEAU,
            symbol="",
            description=(
                "How far q is from the subgradients of ‖β‖₁: the largest |q_i − sgn β_i| on the support and |q_i| − 1 "
                "off it; of order 1/ln(1/α) where a run follows the path of the lasso."
            ),
        ),
        "plateau_stationarity": Meaning(
            dims=_PLATEAU,
            symbol="",
            description="max|β_i·x_iᵀ(y − Xβ)|/(max|β_i|·max|x_iᵀy|) over the support, 0 at a saddle.",
        ),
        "plateau_predictor": Meaning(dims=_OF_PLATEAU, symbol="β", description="The predictor there."),
        "plateau_dual": Meaning(
            dims=_OF_PLATEAU,
            symbol="q",
            description="s·Xᵀ(y − Xβ̄), the integrated correlations: ±1 on the equicorrelation set as α → 0.",
        ),
    }
)
"""What is recorded of every coordinate, in float64: what the spec asks for, and plateaus where β and β̄ are there."""

_ATTRIBUTES: Final = ("outcome", "finished_by", "steps", "network", "step_size")


# A run that diverged has overflowed, and its arrays say so.
@np.errstate(all="ignore")
def trajectory_of(run: Run, summary: Summary, stored: Mapping[str, Shaped[np.ndarray, "..."]]) -> LabelledArrays:
    """The recorded curves against the step; all are empty where nothing was recorded.

    Records are of iterates: the last one of a completed run is of the iterate from which its limit was found.
    """
    curves = {name: stored[name] for name in TRAJECTORY if name in stored}
    threshold = _stability_threshold(run, summary, stored["record_step"])
    return LabelledArrays(
        arrays=curves | {"stability_threshold": threshold},
        meanings=TRAJECTORY,
        attrs=_attributes(run, summary) | {"warmup_steps": run.warmup_steps},
        coordinate="record_step",
    )


def vectors_of(run: Run, summary: Summary, stored: Mapping[str, Shaped[np.ndarray, "..."]]) -> LabelledArrays:
    """What a run recorded of every coordinate, and its plateaus; the steps alone where no vectors were asked for."""
    arrays = {"record_step": stored["record_step"]}
    arrays |= {name: stored[f"vector_{name}"] for name in VECTORS if f"vector_{name}" in stored}
    if "plateau_record" in stored:
        arrays["plateau_step"] = stored["record_step"][stored["plateau_record"]]
        arrays |= {name: stored[name] for name in VECTORS if name.startswith("plateau_") and name in stored}
    attrs = _attributes(run, summary)
    if run.spec.recording.vectors:
        attrs["support_threshold"] = run.spec.recording.support_threshold
    return LabelledArrays(arrays=arrays, meanings=VECTORS, attrs=attrs, coordinate="record_step")


@np.errstate(all="ignore")  # likewise
def end_of(
    run: Run,
    summary: Summary,
    stored: Mapping[str, Shaped[np.ndarray, "..."]],
    true_predictor: Float64[np.ndarray, " dim"] | None,
) -> LabelledArrays:
    """θ by part, β and √A that follow from it, and S: what the certificate of the run is made of.

    At D = 2 asinh(β/2A) − δ is in the row space of X, with A = √A² and δ = ln|u₊/u₋| + 2S.
    """
    theta = np.stack([stored[part] for part in run.network.parts])
    arrays = dict(zip(run.network.parts, theta, strict=True)) | {"predictor": run.network.predictor(theta)}
    squared = run.network.as_squared(theta)
    if squared is not None and run.optimizer.in_effect.keeps_row_space_form:
        scale = effective_initialization(squared[0], squared[1])
        arrays["effective_init"] = run.network.squared_scale_ratio * scale
    arrays["gradient_sum"] = stored["gradient_sum"]
    if true_predictor is not None:
        arrays["true_predictor"] = true_predictor
    return LabelledArrays(arrays=arrays, meanings=END, attrs=_attributes(run, summary))


def _stability_threshold(
    run: Run, summary: Summary, steps: Shaped[np.ndarray, " record"]
) -> Float64[np.ndarray, " record"]:
    """The optimiser's stability limit over η_t at the steps t."""
    size, warmup = np.array([summary["step_size"]], dtype=np.float64), np.array([run.warmup_steps])
    shapes = [run.step_shape]
    eta = np.array([scheduled(size, warmup, shapes, step, step + 1)[0, 0] for step in steps.tolist()])
    return np.array([run.optimizer.largest_stable_sharpness(each) for each in eta.astype(np.float64)])


def _attributes(run: Run, summary: Summary) -> dict[str, Any]:
    return {"run": run.index} | {name: summary.get(name) for name in _ATTRIBUTES}
