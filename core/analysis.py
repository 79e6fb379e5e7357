"""The analysis of a data set and of a trained run, as the documents that are stored."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from core import bounds
from core.errors import NoInterpolator, SolverFailure
from core.flattest import Flattest, flattest_interpolator
from core.gradient_flow import FlowLimit, flow_limit
from core.implicit_bias import certificate_residual, mean_effective_initialization
from core.interpolators import Interpolator, least_stability_measure, least_trace, min_l1, min_l2
from core.outcome import Outcome
from core.regression import Dataset, HeldOut, excess_risk, sparse_regression
from core.regression import test_loss as risk_of
from core.row_space import row_space
from core.sharpness import Eigenpair, hessian_sharpness, interpolator_sharpness
from core.training import TrainedRun

LARGEST_HESSIAN = 1000
"""Largest 2d for which the full Hessian's sharpness is computed at the end of a run that did not interpolate."""

LARGEST_MAGNITUDE = 1e100
"""Largest entry, or inverse of it, of data that are analysed: the sharpness of an interpolator is of order X·y."""

FLOW_TOLERANCE = 1e-8
"""Largest relative residual of a flow limit that is reported: ten times what a consistent system may leave."""


def dataset_of(document: Mapping[str, Any]) -> Dataset:
    """The data set that the `data` part of a run's document describes.

    Raises:
        InvalidData: the arrays are no regression problem.
    """
    fields = {name: value for name, value in document.items() if name != "kind"}
    if document["kind"] == "sparse_regression":
        return sparse_regression(**fields)
    held_out = None
    if fields["held_out_X"] is not None:
        held_out = HeldOut(X=np.array(fields["held_out_X"]), y=np.array(fields["held_out_y"]))
    truth = fields["true_predictor"]
    return Dataset(
        X=np.array(fields["X"], dtype=np.float64),
        y=np.array(fields["y"], dtype=np.float64),
        true_predictor=None if truth is None else np.array(truth, dtype=np.float64),
        held_out=held_out,
    )


def analyse_dataset(dataset: Dataset, data_key: str) -> dict[str, Any]:
    """What is known of a data set before any training: its reference interpolators and the largest stable step.

    `min_sharpness_lower` ≤ min λ_max ≤ `min_sharpness_upper`; `max_stable_step` is 2/upper, and no interpolator is
    stable above `never_stable_above` = 2/lower. Where nothing interpolates, or float64 does not suffice to say what
    does, these are null and `no_interpolator` says why.
    """
    document: dict[str, Any] = {
        "data_key": data_key,
        "digest": dataset.digest,
        "samples": len(dataset.y),
        "dimension": dataset.X.shape[1],
        "no_interpolator": None,
        "interpolators": {},
        "min_sharpness_upper": None,
        "min_sharpness_lower": None,
        "min_sharpness_gap": None,
        "max_stable_step": None,
        "never_stable_above": None,
    }
    try:
        return document | _interpolation(dataset)
    except NoInterpolator as reason:
        return document | {"no_interpolator": reason.message}
    except (SolverFailure, np.linalg.LinAlgError) as failure:
        return document | {"no_interpolator": f"its interpolators could not be computed in float64 ({failure})"}


# Numbers may be of any size: what overflows is found by its consequences, below.
@np.errstate(all="ignore")
def _interpolation(dataset: Dataset) -> dict[str, Any]:
    _require_magnitudes(dataset)
    flattest = flattest_interpolator(dataset.X, dataset.y)
    if not np.isfinite(flattest.sharpness_upper):
        raise SolverFailure("the least sharpness overflows")
    found = [solve(dataset.X, dataset.y) for solve in (min_l1, min_l2, least_trace, least_stability_measure)]
    interpolators = {entry.name.value: _interpolator_document(dataset, entry) for entry in found}
    interpolators["flattest"] = _flattest_document(dataset, flattest)
    return {
        "interpolators": interpolators,
        "min_sharpness_upper": flattest.sharpness_upper,
        "min_sharpness_lower": _finite(flattest.sharpness_lower),
        "min_sharpness_gap": _finite(flattest.gap),
        "max_stable_step": _finite(flattest.max_stable_step),
        "never_stable_above": _finite(flattest.unstable_step),
    }


def _require_magnitudes(dataset: Dataset) -> None:
    """Refuse numbers whose squares would vanish or overflow without a word, and with them every norm and sharpness."""
    X, y = np.abs(dataset.X).max(), np.abs(dataset.y).max()
    for size in (X, y, y / X if X else 0.0):
        if size and not 1 / LARGEST_MAGNITUDE <= size <= LARGEST_MAGNITUDE:
            raise SolverFailure(f"entries of X are up to {X:.3g} and those of y up to {y:.3g}: scale them")


class RunAnalysis:
    """Analysis of the trained runs of one data set; what they share is computed once."""

    def __init__(self, dataset: Dataset, analysis: Mapping[str, Any]) -> None:
        self._dataset = dataset
        self._analysis = analysis
        self._row_space = row_space(dataset.X)
        self._flow_limits: dict[float, dict[str, float | None]] = {}

    # What overflows in a run that diverged becomes null, and is nothing to warn of.
    @np.errstate(over="ignore", invalid="ignore")
    def summary(self, trained: TrainedRun, *, kernel_id: str) -> dict[str, Any]:
        """The scalars of a run: how it ended, where, and what the theory says of that point. NaN becomes null."""
        run, u_plus, u_minus = trained.run, trained.u_plus, trained.u_minus
        predictor = np.square(u_plus) - np.square(u_minus)
        sharpness = self._sharpness(trained)
        X = self._dataset.X
        values: dict[str, Any] = {
            "train_loss": trained.loss,
            **self._risks(predictor),
            "l1_norm": np.abs(predictor).sum(),
            "l2_norm": np.sqrt(np.square(predictor).sum()),
            "sharpness": sharpness.value,
            "sharpness_residual": sharpness.residual,
            "sharpness_lower_bound": bounds.stability_measure(X, u_plus, u_minus),
            "sharpness_upper_bound": bounds.sharpness_upper_bound(X, u_plus, u_minus),
            "weighted_norm": bounds.weighted_norm(X, predictor),
            "stability_threshold": 2 / run.step_size,
            "effective_init": mean_effective_initialization(u_plus, u_minus),
            "certificate_residual": self._certificate(trained),
            "min_sharpness": self._analysis["min_sharpness_upper"],
            "max_stable_step": self._analysis["max_stable_step"],
            **self._flow_limit(run.init_scale),
        }
        return {
            "outcome": trained.outcome.value,
            "finished_by": "iteration",
            "steps": trained.steps,
            "kicks": trained.kicks,
            "depth": 2,
            "step_size": run.step_size,
            "init_scale": run.init_scale,
            "kernel_id": kernel_id,
            "data_key": self._analysis["data_key"],
        } | {name: _finite(value) for name, value in values.items()}

    def _risks(self, predictor: Float64[np.ndarray, " dim"]) -> dict[str, Any]:
        return {
            "excess_risk": excess_risk(predictor, self._dataset),
            "test_loss": risk_of(predictor, self._dataset),
        }

    def _sharpness(self, trained: TrainedRun) -> Eigenpair:
        u_plus, u_minus = trained.u_plus, trained.u_minus
        if trained.outcome in {Outcome.CONVERGED, Outcome.UNSTABLE_INTERPOLATOR}:
            return interpolator_sharpness(self._dataset.X, u_plus, u_minus)
        if trained.outcome is Outcome.DIVERGED or 2 * len(u_plus) > LARGEST_HESSIAN:
            return Eigenpair(value=np.nan, vector=u_plus, residual=np.nan)
        return hessian_sharpness(self._dataset.X, self._dataset.y, u_plus, u_minus)

    def _certificate(self, trained: TrainedRun) -> float:
        """NaN where a coordinate of u has vanished or overflowed, and no potential is left to certify."""
        product = trained.u_plus * trained.u_minus
        if not (np.isfinite(product).all() and product.all()):
            return float("nan")
        return certificate_residual(self._row_space, trained.u_plus, trained.u_minus, trained.gradient_sum)

    def _flow_limit(self, init_scale: float) -> dict[str, float | None]:
        if init_scale not in self._flow_limits:
            self._flow_limits[init_scale] = self._solve_flow(init_scale)
        return self._flow_limits[init_scale]

    def _solve_flow(self, init_scale: float) -> dict[str, float | None]:
        limit = None if self._analysis["no_interpolator"] is not None else _flow_limit_of(self._dataset, init_scale)
        if limit is None:
            return {"flow_excess_risk": None, "flow_test_loss": None}
        return {f"flow_{name}": _finite(value) for name, value in self._risks(limit.predictor).items()}


def _flow_limit_of(dataset: Dataset, init_scale: float) -> FlowLimit | None:
    """The limit of gradient flow from u± = init_scale; None where float64 does not reach it."""
    # β = 2α² sinh(exponent), and sinh ends at an exponent of 710: outside these bounds the solver would try in vain.
    if not 1e-300 <= init_scale * init_scale <= 1e300:
        return None
    dim = dataset.X.shape[1]
    try:
        limit = flow_limit(dataset.X, dataset.y, init_scale=np.full(dim, init_scale), asymmetry=np.zeros(dim))
    except np.linalg.LinAlgError:  # a Newton step whose matrix underflowed
        return None
    return limit if limit.residual <= FLOW_TOLERANCE else None


def _interpolator_document(dataset: Dataset, found: Interpolator) -> dict[str, Any]:
    return _predictor_document(dataset, found.predictor) | {
        "objective": _finite(found.objective),
        "lower_bound": _finite(found.lower_bound),
        "residual": _finite(found.residual),
    }


def _flattest_document(dataset: Dataset, flattest: Flattest) -> dict[str, Any]:
    return _predictor_document(dataset, flattest.predictor) | {
        "objective": flattest.sharpness_upper,
        "lower_bound": _finite(flattest.sharpness_lower),
        "residual": _finite(flattest.residual),
    }


def _predictor_document(dataset: Dataset, predictor: Float64[np.ndarray, " dim"]) -> dict[str, Any]:
    # An interpolator's flattest parameters have u₋ = 0 or u₊ = 0 in each coordinate, so u₊² + u₋² = |β|.
    u_plus, u_minus = np.sqrt(np.maximum(predictor, 0)), np.sqrt(np.maximum(-predictor, 0))
    return {
        "excess_risk": _finite(excess_risk(predictor, dataset)),
        "test_loss": _finite(risk_of(predictor, dataset)),
        "l1_norm": _finite(np.abs(predictor).sum()),
        "l2_norm": _finite(np.sqrt(np.square(predictor).sum())),
        "sharpness": _finite(interpolator_sharpness(dataset.X, u_plus, u_minus).value),
    }


def _finite(value: Any) -> float | None:
    """A float as JSON can say it."""
    return float(value) if value is not None and np.isfinite(value) else None
