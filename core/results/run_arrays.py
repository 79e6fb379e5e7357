"""What is stored of a run beside its summary: the curves that it recorded, and the state in which it ended."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Shaped

from core.descent.schedule import warmed_up
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
    eta = np.array([warmed_up(size, warmup, step, step + 1)[0, 0] for step in steps.tolist()])
    return np.array([run.optimizer.largest_stable_sharpness(each) for each in eta.astype(np.float64)])


def _attributes(run: Run, summary: Summary) -> dict[str, Any]:
    return {"run": run.index} | {name: summary.get(name) for name in _ATTRIBUTES}
