"""The analysis of a problem: its reference interpolators, and the largest step size at which one is stable."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.analysis.penalised import penalised_references
from core.analysis.problem_analysis import ProblemAnalysis, ReferenceInterpolator
from core.data.regression import Dataset, risks
from core.errors import NoInterpolator, SolverFailure
from core.interpolators.flattest import Flattest, flattest_interpolator
from core.interpolators.least_norm import (
    Interpolator,
    least_parameter_norm,
    least_stability_measure,
    least_trace,
    min_l1,
    min_l2,
)
from core.networks.network import Network
from core.stability.max_stable_step import max_stable_step
from core.stability.sharpness import interpolator_sharpness_of

LARGEST_MAGNITUDE: Final = 1e100
"""Largest entry, or inverse of it, of data that are analysed: the sharpness of an interpolator is of order X·y."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AnalysedProblem:
    """The analysis of a problem, and the predictors of the interpolators it speaks of; none where nothing is one."""

    analysis: ProblemAnalysis
    interpolators: Mapping[str, Float64[np.ndarray, " dim"]] = field(default_factory=dict)


def analyse_problem(dataset: Dataset, network: Network, data_key: str) -> AnalysedProblem:
    """What is known of a problem before any training."""
    known = _before_interpolation(dataset, network, data_key)
    try:
        return _interpolated(dataset, network, known)
    except NoInterpolator as reason:
        known = replace(known, **_penalised_references(dataset, network), **_never_stable_above(dataset, network))
        sentence = reason.message
    except (SolverFailure, np.linalg.LinAlgError) as failure:
        sentence = f"its interpolators could not be computed in float64 ({failure})"
    return AnalysedProblem(analysis=replace(known, no_interpolator=sentence))


@np.errstate(all="ignore")
def _never_stable_above(dataset: Dataset, network: Network) -> dict[str, Any]:
    """Above which step sizes nothing is stable where nothing interpolates.

    The least squares are the interpolators of what they fit, and there ∇L = 0 and the sharpness is that of these.
    """
    X = dataset.X
    try:
        flattest = flattest_interpolator(X, X @ np.linalg.lstsq(X, dataset.y)[0], network)
    except (NoInterpolator, SolverFailure, np.linalg.LinAlgError):
        return {}
    return {
        "never_stable_above": finite(max_stable_step(flattest.sharpness_lower)),
        "never_stable_above_sign_free": finite(max_stable_step(flattest.sign_free_lower)),
    }


def _penalised_references(dataset: Dataset, network: Network) -> dict[str, Any]:
    """What runs are compared with in place of interpolators; nothing where float64 does not find it."""
    try:
        return penalised_references(dataset, network)
    except (np.linalg.LinAlgError, ValueError) as failure:
        return {"penalised_left_out": f"the least squares are not found in float64 ({failure})"}


@np.errstate(over="ignore")
def _before_interpolation(dataset: Dataset, network: Network, data_key: str) -> ProblemAnalysis:
    """What the data say by themselves."""
    X = dataset.X
    return ProblemAnalysis(
        data_key=data_key,
        network=network.key,
        depth=network.degree,
        digest=dataset.digest,
        samples=len(dataset.y),
        dimension=X.shape[1],
        least_squared_mean=finite(np.square(X.mean(axis=0)).min()),
        largest_second_moment=finite(np.square(X).mean(axis=0).max()),
    )


# Numbers may be of any size: what overflows is found by its consequences, below.
@np.errstate(all="ignore")
def _interpolated(dataset: Dataset, network: Network, known: ProblemAnalysis) -> AnalysedProblem:
    _require_magnitudes(dataset)
    X, y = dataset.X, dataset.y
    flattest = flattest_interpolator(X, y, network)
    if not np.isfinite(flattest.sharpness_upper):
        raise SolverFailure("the least sharpness overflows")
    found = [min_l1(X, y), min_l2(X, y), least_trace(X, y, network), least_stability_measure(X, y, network)]
    if network.degree > 2:
        found.append(least_parameter_norm(X, y, network.degree))
    interpolators = {entry.name.value: _reference(dataset, network, entry) for entry in found}
    analysis = replace(
        known,
        interpolators=interpolators | {"flattest": _flattest_reference(dataset, network, flattest)},
        min_sharpness_upper=finite(flattest.sharpness_upper),
        min_sharpness_lower=finite(flattest.sharpness_lower),
        min_sharpness_gap=finite(flattest.gap),
        max_stable_step=finite(max_stable_step(flattest.sharpness_upper)),
        never_stable_above=finite(max_stable_step(flattest.sharpness_lower)),
        min_sharpness_sign_free_upper=finite(flattest.sign_free_upper),
        min_sharpness_sign_free_lower=finite(flattest.sign_free_lower),
        max_stable_step_sign_free=finite(max_stable_step(flattest.sign_free_upper)),
        never_stable_above_sign_free=finite(max_stable_step(flattest.sign_free_lower)),
    )
    predictors = {entry.name.value: entry.predictor for entry in found} | {"flattest": flattest.predictor}
    return AnalysedProblem(analysis=analysis, interpolators=predictors)


def _require_magnitudes(dataset: Dataset) -> None:
    """Refuse numbers whose squares would vanish or overflow without a word, and with them every norm and sharpness."""
    X, y = np.abs(dataset.X).max(), np.abs(dataset.y).max()
    for size in (X, y, y / X if X else 0.0):
        if size and not 1 / LARGEST_MAGNITUDE <= size <= LARGEST_MAGNITUDE:
            raise SolverFailure(f"entries of X are up to {X:.3g} and those of y up to {y:.3g}: scale them")


def _reference(dataset: Dataset, network: Network, found: Interpolator) -> ReferenceInterpolator:
    return replace(
        worth(dataset, network, found.predictor),
        objective=finite(found.objective),
        lower_bound=finite(found.lower_bound),
        residual=finite(found.residual),
    )


def _flattest_reference(dataset: Dataset, network: Network, flattest: Flattest) -> ReferenceInterpolator:
    return replace(
        worth(dataset, network, flattest.predictor),
        objective=flattest.sharpness_upper,
        lower_bound=finite(flattest.sharpness_lower),
        residual=finite(flattest.residual),
    )


def worth(dataset: Dataset, network: Network, predictor: Float64[np.ndarray, " dim"]) -> ReferenceInterpolator:
    """Its risks, its norms, and its sharpness at the flattest parameters θ ≥ 0 that have it."""
    excess, test_loss = risks(predictor, dataset)
    return ReferenceInterpolator(
        excess_risk=finite(excess),
        test_loss=finite(test_loss),
        l1_norm=finite(np.abs(predictor).sum()),
        l2_norm=finite(np.sqrt(np.square(predictor).sum())),
        sharpness=finite(interpolator_sharpness_of(dataset.X, network.least_tangent_weights(predictor)).value),
    )


def finite(value: Any) -> float | None:
    """A float as JSON can say it."""
    return float(value) if value is not None and math.isfinite(value) else None
