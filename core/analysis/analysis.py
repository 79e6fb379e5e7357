"""The analysis of a problem and of a trained run, as the documents that are stored.

A problem is a data set with a network: all that is known before any training belongs to the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64

from core.data.regression import Dataset, excess_risk, train_loss
from core.data.regression import test_loss as risk_of
from core.data.row_space import row_space
from core.errors import NoInterpolator, SolverFailure
from core.implicit_bias.certificate import certificate_residual, mean_effective_init
from core.implicit_bias.gradient_flow import FlowLimit, flow_limit_from
from core.interpolators.flattest import Flattest, flattest_interpolator
from core.interpolators.least_norm import Interpolator, least_stability_measure, least_trace, min_l1, min_l2
from core.networks.network import Network
from core.outcome import Outcome
from core.stability import bounds
from core.stability.sharpness import Eigenpair, interpolator_sharpness_of, top_hessian_eigenpair
from core.stability.tangent_kernel import kernel_change
from core.training.training_run import TrainedRun

LARGEST_MAGNITUDE = 1e100
"""Largest entry, or inverse of it, of data that are analysed: the sharpness of an interpolator is of order X·y."""

FLOW_TOLERANCE = 1e-8
"""Largest relative residual of a flow limit that is reported: ten times what a consistent system may leave."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AnalysedProblem:
    """The analysis of a problem, and the predictors of the interpolators it speaks of; none where nothing is one."""

    document: dict[str, Any]
    interpolators: Mapping[str, Float64[np.ndarray, " dim"]] = field(default_factory=dict)


def analyse_problem(dataset: Dataset, network: Network, data_key: str) -> dict[str, Any]:
    """The document of `analysed_problem`."""
    return analysed_problem(dataset, network, data_key).document


def analysed_problem(dataset: Dataset, network: Network, data_key: str) -> AnalysedProblem:
    """What is known of a problem before any training: its reference interpolators and the largest stable step.

    `min_sharpness_lower` ≤ min λ_max ≤ `min_sharpness_upper`; `max_stable_step` is 2/upper, and no interpolator is
    stable above `never_stable_above` = 2/lower. At odd depth these are for parameters θ ≥ 0; the same for parameters of
    any sign, which may be flatter, has `sign_free` in its name. Where nothing interpolates, or float64 does not suffice
    to say what does, these are null and `no_interpolator` says why.
    """
    X = dataset.X
    document: dict[str, Any] = {
        "data_key": data_key,
        "network": network.key,
        "depth": network.degree,
        "digest": dataset.digest,
        "samples": len(dataset.y),
        "dimension": X.shape[1],
        "no_interpolator": None,
        "interpolators": {},
    } | dict.fromkeys(_STABILITY)
    with np.errstate(over="ignore"):
        document["least_squared_mean"] = _finite(np.square(X.mean(axis=0)).min())
        document["largest_second_moment"] = _finite(np.square(X).mean(axis=0).max())
    try:
        known, interpolators = _interpolation(dataset, network)
    except NoInterpolator as reason:
        return AnalysedProblem(document=document | {"no_interpolator": reason.message})
    except (SolverFailure, np.linalg.LinAlgError) as failure:
        reason_text = f"its interpolators could not be computed in float64 ({failure})"
        return AnalysedProblem(document=document | {"no_interpolator": reason_text})
    return AnalysedProblem(document=document | known, interpolators=interpolators)


_STABILITY = (
    "min_sharpness_upper",
    "min_sharpness_lower",
    "min_sharpness_gap",
    "max_stable_step",
    "never_stable_above",
    "min_sharpness_sign_free_upper",
    "min_sharpness_sign_free_lower",
    "max_stable_step_sign_free",
    "never_stable_above_sign_free",
)


# Numbers may be of any size: what overflows is found by its consequences, below.
@np.errstate(all="ignore")
def _interpolation(dataset: Dataset, network: Network) -> tuple[dict[str, Any], dict[str, Float64[np.ndarray, " dim"]]]:
    _require_magnitudes(dataset)
    X, y = dataset.X, dataset.y
    flattest = flattest_interpolator(X, y, network)
    if not np.isfinite(flattest.sharpness_upper):
        raise SolverFailure("the least sharpness overflows")
    found = [min_l1(X, y), min_l2(X, y), least_trace(X, y, network), least_stability_measure(X, y, network)]
    interpolators = {entry.name.value: _interpolator_document(dataset, network, entry) for entry in found}
    interpolators["flattest"] = _flattest_document(dataset, network, flattest)
    upper, lower = flattest.sharpness_upper, flattest.sharpness_lower
    free_upper, free_lower = flattest.sign_free_upper, flattest.sign_free_lower
    restricted = (upper, lower, flattest.gap, _step(upper), _step(lower))
    sign_free = (free_upper, free_lower, _step(free_upper), _step(free_lower))
    predictors = {entry.name.value: entry.predictor for entry in found} | {"flattest": flattest.predictor}
    return {"interpolators": interpolators} | {
        name: _finite(value) for name, value in zip(_STABILITY, (*restricted, *sign_free), strict=True)
    }, predictors


def _step(sharpness: float) -> float:
    """The step size 2/λ at which a minimum of this sharpness loses its stability; infinite for λ = 0."""
    return 2 / sharpness if sharpness > 0 else np.inf


def _require_magnitudes(dataset: Dataset) -> None:
    """Refuse numbers whose squares would vanish or overflow without a word, and with them every norm and sharpness."""
    X, y = np.abs(dataset.X).max(), np.abs(dataset.y).max()
    for size in (X, y, y / X if X else 0.0):
        if size and not 1 / LARGEST_MAGNITUDE <= size <= LARGEST_MAGNITUDE:
            raise SolverFailure(f"entries of X are up to {X:.3g} and those of y up to {y:.3g}: scale them")


class RunAnalysis:
    """Analysis of the trained runs of one problem; what they share is computed once."""

    def __init__(self, dataset: Dataset, network: Network, analysis: Mapping[str, Any]) -> None:
        self._dataset = dataset
        self._network = network
        self._analysis = analysis
        self._row_space = row_space(dataset.X)
        self._flow_limits: dict[bytes, dict[str, float | None]] = {}

    # What overflows in a run that diverged becomes null, and is nothing to warn of.
    @np.errstate(all="ignore")
    def summary(self, trained: TrainedRun, *, init_scale: float, kernel_id: str) -> dict[str, Any]:
        """The scalars of a run: how it ended, where, and what the theory says of that point. NaN becomes null."""
        run, completion, network, X = trained.run, trained.completion, self._network, self._dataset.X
        predictor, tangent_weights = network.predictor(trained.end), network.tangent_weights(trained.end)
        sharpness = self._sharpness(trained, tangent_weights)
        values: dict[str, Any] = {
            "train_loss": trained.loss if completion is None else train_loss(predictor, X, self._dataset.y),
            **self._risks(predictor),
            "iterate_train_loss": trained.loss,
            "iterate_excess_risk": excess_risk(network.predictor(trained.theta), self._dataset),
            "completion_error_estimate": np.nan if completion is None else completion.estimate,
            "completion_error_bound": np.nan if completion is None else completion.bound,
            "predictor_error": self._predictor_error(predictor),
            "l1_norm": np.abs(predictor).sum(),
            "l2_norm": np.sqrt(np.square(predictor).sum()),
            "sharpness": sharpness.value,
            "sharpness_residual": sharpness.residual,
            "sharpness_lower_bound": bounds.stability_measure(X, tangent_weights),
            "sharpness_upper_bound": bounds.sharpness_upper_bound(X, tangent_weights),
            "weighted_norm": bounds.weighted_norm(X, network, predictor),
            "stability_threshold": run.optimizer.stability_limit / run.step_size,
            "kernel_change": kernel_change(X, tangent_weights, network.tangent_weights(run.initial)),
            "smallest_parameter": trained.end.min(),
            **self._implicit_bias(trained),
            "min_sharpness": self._analysis["min_sharpness_upper"],
            "max_stable_step": self._max_stable_step(trained),
            **self._flow_limit(run.initial),
        }
        return {
            "outcome": trained.outcome.value,
            "finished_by": "iteration" if completion is None else "completion",
            "steps": trained.steps,
            "kicks": trained.perturbations,
            "network": network.key,
            "depth": network.degree,
            "step_size": run.step_size,
            "init_scale": init_scale,
            "kernel_id": kernel_id,
            "data_key": self._analysis["data_key"],
        } | {name: _finite(value) for name, value in values.items()}

    def _risks(self, predictor: Float64[np.ndarray, " dim"]) -> dict[str, Any]:
        return {
            "excess_risk": excess_risk(predictor, self._dataset),
            "test_loss": risk_of(predictor, self._dataset),
        }

    def _predictor_error(self, predictor: Float64[np.ndarray, " dim"]) -> float:
        truth = self._dataset.true_predictor
        return np.nan if truth is None else float(np.linalg.norm(predictor - truth))

    def _max_stable_step(self, trained: TrainedRun) -> float | None:
        """η* for the optimiser of the run: (2 + 2m)/min λ_max with momentum m."""
        step: float | None = self._analysis["max_stable_step"]
        return None if step is None else step * trained.run.optimizer.stability_limit / 2

    def _sharpness(self, trained: TrainedRun, tangent_weights: Float64[np.ndarray, " dim"]) -> Eigenpair:
        X, y = self._dataset.X, self._dataset.y
        if trained.outcome in {Outcome.CONVERGED, Outcome.UNSTABLE_INTERPOLATOR}:
            return interpolator_sharpness_of(X, tangent_weights)
        if trained.outcome is Outcome.DIVERGED:
            return Eigenpair(value=np.nan, vector=tangent_weights, residual=np.nan)
        return top_hessian_eigenpair(X, y, trained.theta, self._network)

    def _implicit_bias(self, trained: TrainedRun) -> dict[str, float]:
        """NaN for momentum and at depth D ≥ 3, where the identities of finite steps do not hold.

        The certificate is that of the iterate, which was computed step by step. It is NaN, too, where a coordinate of u
        has vanished or overflowed: no potential is left there.
        """
        nothing = {"effective_init": np.nan, "certificate_residual": np.nan}
        squared = self._network.as_squared(trained.theta)
        if squared is None or not trained.run.optimizer.keeps_row_space_form:
            return nothing
        known = nothing | {"effective_init": float(mean_effective_init(self._network, trained.end))}
        product = squared[0] * squared[1]
        if not (np.isfinite(product).all() and product.all()):
            return known
        return known | {
            "certificate_residual": certificate_residual(self._row_space, squared[0], squared[1], trained.gradient_sum)
        }

    def _flow_limit(self, initial: Float64[np.ndarray, "part dim"]) -> dict[str, float | None]:
        start = initial.tobytes()
        if start not in self._flow_limits:
            self._flow_limits[start] = self._solve_flow(initial)
        return self._flow_limits[start]

    def _solve_flow(self, initial: Float64[np.ndarray, "part dim"]) -> dict[str, float | None]:
        limit = None
        if self._analysis["no_interpolator"] is None:
            limit = _flow_limit_of(self._dataset, self._network, initial)
        if limit is None:
            return {"flow_excess_risk": None, "flow_test_loss": None}
        return {f"flow_{name}": _finite(value) for name, value in self._risks(limit.predictor).items()}


def _flow_limit_of(dataset: Dataset, network: Network, initial: Float64[np.ndarray, "part dim"]) -> FlowLimit | None:
    """The limit of gradient flow from the start; None where float64 does not reach it, or a coordinate starts at 0."""
    # β = 2α² sinh(exponent) at D = 2, and sinh ends at an exponent of 710: outside this the solver would try in vain.
    scale = np.abs(initial) ** network.degree
    if not ((scale >= 1e-300) & (scale <= 1e300)).all():
        return None
    try:
        limit = flow_limit_from(dataset.X, dataset.y, initial, network)
    except np.linalg.LinAlgError:  # a Newton step whose matrix underflowed
        return None
    return limit if limit.residual <= FLOW_TOLERANCE else None


def _interpolator_document(dataset: Dataset, network: Network, found: Interpolator) -> dict[str, Any]:
    return _predictor_document(dataset, network, found.predictor) | {
        "objective": _finite(found.objective),
        "lower_bound": _finite(found.lower_bound),
        "residual": _finite(found.residual),
    }


def _flattest_document(dataset: Dataset, network: Network, flattest: Flattest) -> dict[str, Any]:
    return _predictor_document(dataset, network, flattest.predictor) | {
        "objective": flattest.sharpness_upper,
        "lower_bound": _finite(flattest.sharpness_lower),
        "residual": _finite(flattest.residual),
    }


def _predictor_document(dataset: Dataset, network: Network, predictor: Float64[np.ndarray, " dim"]) -> dict[str, Any]:
    """What a predictor is worth, with its sharpness at the flattest parameters θ ≥ 0 that have it."""
    return {
        "excess_risk": _finite(excess_risk(predictor, dataset)),
        "test_loss": _finite(risk_of(predictor, dataset)),
        "l1_norm": _finite(np.abs(predictor).sum()),
        "l2_norm": _finite(np.sqrt(np.square(predictor).sum())),
        "sharpness": _finite(interpolator_sharpness_of(dataset.X, network.least_tangent_weights(predictor)).value),
    }


def _finite(value: Any) -> float | None:
    """A float as JSON can say it."""
    return float(value) if value is not None and np.isfinite(value) else None
