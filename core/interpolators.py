"""Reference interpolators: the solutions of Xβ = y that are least in a norm, each with a residual and a lower bound."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float64

from core.bounds import stability_weights, trace_weights
from core.linear_programme import least
from core.row_space import InterpolatorSet, interpolator_set


class InterpolatorName(StrEnum):
    """What an interpolator minimises among all of them."""

    MIN_L1 = "min_l1"
    MIN_L2 = "min_l2"
    LEAST_TRACE = "least_trace"
    LEAST_STABILITY_MEASURE = "least_stability_measure"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Interpolator:
    """A predictor with Xβ = y and the least `objective`, up to what its certificate leaves open.

    `residual` is max|Xβ − y|/max|y|. `lower_bound` is the value of a feasible dual point: no interpolator whatever has
    a smaller objective. `gap` = objective − lower_bound.
    """

    name: InterpolatorName
    predictor: Float64[np.ndarray, " dim"]
    objective: float
    residual: float
    lower_bound: float

    @property
    def gap(self) -> float:
        """How far from least the objective can be, at most."""
        return self.objective - self.lower_bound


def min_l2(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Interpolator:
    """The interpolator of least ‖β‖₂. Dual bound: ‖β‖₂ ≥ yᵀν/‖Xᵀν‖₂ for every ν, here with Xᵀν = β.

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    space = interpolator_set(X, y)
    predictor = space.nearest_to_zero
    dual = space.to_dual @ space.coordinates
    slope = float(np.linalg.norm(np.abs(X.T @ dual) + _rounding(X, dual)))
    return Interpolator(
        name=InterpolatorName.MIN_L2,
        predictor=predictor,
        objective=float(np.linalg.norm(predictor)),
        residual=space.residual(predictor),
        lower_bound=_value(y, dual) / slope if slope > 0 else 0.0,
    )


def min_l1(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Interpolator:
    """The interpolator of least ‖β‖₁ (a vertex where several tie).

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    return _least_weighted_l1(InterpolatorName.MIN_L1, interpolator_set(X, y), np.ones(X.shape[1]))


def least_trace(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Interpolator:
    """The interpolator of least Σ 4Ê[x_i²]|β_i|, the trace of the Hessian at its flattest parameters.

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    return _least_weighted_l1(InterpolatorName.LEAST_TRACE, interpolator_set(X, y), trace_weights(X))


def least_stability_measure(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Interpolator:
    """The interpolator of least Σ 4(Êx_i)²|β_i|, the stability measure at its flattest parameters.

    Not unique, and without meaning, where a column of X has mean zero: that coordinate is free of charge.

    Raises:
        NoInterpolator: Xβ = y has no solution.
    """
    name = InterpolatorName.LEAST_STABILITY_MEASURE
    return _least_weighted_l1(name, interpolator_set(X, y), stability_weights(X))


def weighted_l1_bound(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    weights: Float64[np.ndarray, " dim"],
    dual: Float64[np.ndarray, " sample"],
) -> float:
    """A proven lower bound of min Σ w_i|β_i| over Xβ = y, from any ν whatever.

    If |Xᵀν| ≤ w then yᵀν = βᵀXᵀν ≤ Σ w_i|β_i|. A ν that violates the condition, as a solver's does by its tolerance, is
    divided by the largest ratio |Xᵀν|_i/w_i. The rounding of both products is charged against the bound.
    """
    reach = np.abs(X.T @ dual) + _rounding(X, dual)
    touched = reach > 0
    if not touched.any() or (weights[touched] <= 0).any():
        return 0.0
    return max(0.0, _value(y, dual) / float((reach[touched] / weights[touched]).max()))


def _least_weighted_l1(
    name: InterpolatorName, space: InterpolatorSet, weights: Float64[np.ndarray, " dim"]
) -> Interpolator:
    predictor, dual = _solve(space, weights)
    return Interpolator(
        name=name,
        predictor=predictor,
        objective=float((weights * np.abs(predictor)).sum()),
        residual=space.residual(predictor),
        lower_bound=weighted_l1_bound(space.X, space.y, weights, dual),
    )


def _solve(
    space: InterpolatorSet, weights: Float64[np.ndarray, " dim"]
) -> tuple[Float64[np.ndarray, " dim"], Float64[np.ndarray, " sample"]]:
    """The minimiser of Σ w_i|β_i| and its multipliers, from a linear programme in units where both are of order 1."""
    size, price = float(np.linalg.norm(space.coordinates)), float(weights.max())
    if size == 0 or price == 0:
        return space.nearest_to_zero, np.zeros_like(space.y)
    solution = least(
        np.tile(weights / price, 2),
        equal=(np.hstack([space.basis.T, -space.basis.T]), space.coordinates / size),
        at_most=(np.zeros((0, 2 * weights.size)), np.zeros(0)),
    )
    positive, negative = np.split(solution.minimiser, 2)
    predictor = space.polished(size * (positive - negative))
    multipliers = _sharpened(solution.equality_multipliers, space, np.sign(predictor) * weights / price)
    return predictor, space.to_dual @ (price * multipliers)


def _sharpened(
    multipliers: Float64[np.ndarray, " rank"], space: InterpolatorSet, slope: Float64[np.ndarray, " dim"]
) -> Float64[np.ndarray, " rank"]:
    """Multipliers κ with basis·κ = w∘sgn(β) on the support of β to rounding, not to the solver's tolerance."""
    support = np.flatnonzero(slope)
    missing = (slope - space.basis @ multipliers)[support]
    sharpened: Float64[np.ndarray, " rank"] = multipliers + np.linalg.lstsq(space.basis[support], missing)[0]
    return sharpened


def _rounding(
    X: Float64[np.ndarray, "sample dim"], dual: Float64[np.ndarray, " sample"]
) -> Float64[np.ndarray, " dim"]:
    """Bound on the rounding error of X.T @ dual, entry by entry: N machine epsilons of the sum of absolute terms."""
    error: Float64[np.ndarray, " dim"] = len(dual) * np.finfo(np.float64).eps * (np.abs(X).T @ np.abs(dual))
    return error


def _value(y: Float64[np.ndarray, " sample"], dual: Float64[np.ndarray, " sample"]) -> float:
    """A lower bound of yᵀν in exact arithmetic."""
    return float(y @ dual - len(y) * np.finfo(np.float64).eps * (np.abs(y) @ np.abs(dual)))
