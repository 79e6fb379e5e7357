"""Reference interpolators: the solutions of Xβ = y that are least in a norm, each with a residual and a lower bound."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.data.row_space import interpolator_set
from core.interpolators.equilibration import equilibrated
from core.interpolators.power_law import (
    EPSILON,
    PowerLaw,
    dual_rounding,
    dual_value,
    power_sum_bound,
    tangent_weight_law,
)
from core.interpolators.power_sum import least_power_sum
from core.networks.network import Network


class InterpolatorName(StrEnum):
    """What an interpolator minimises among all of them."""

    MIN_L1 = "min_l1"
    MIN_L2 = "min_l2"
    LEAST_TRACE = "least_trace"
    LEAST_STABILITY_MEASURE = "least_stability_measure"
    LEAST_PARAMETER_NORM = "least_parameter_norm"


DAMPING: Final = tuple(10.0**-k for k in range(1, 8))
"""What is added to |β_i|/max|β| in the weights of the programmes of `least_parameter_norm`, from one to the next."""


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
    slope = float(np.linalg.norm(np.abs(X.T @ dual) + dual_rounding(X, dual)))
    return Interpolator(
        name=InterpolatorName.MIN_L2,
        predictor=predictor,
        objective=float(np.linalg.norm(predictor)),
        residual=space.residual(predictor),
        lower_bound=dual_value(y, dual) / slope if slope > 0 else 0.0,
    )


def min_l1(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> Interpolator:
    """The interpolator of least ‖β‖₁ (a vertex where several tie).

    Raises:
        NoInterpolator: Xβ = y has no solution.
        SolverFailure: it was not found in float64.
    """
    return _least(InterpolatorName.MIN_L1, X, y, PowerLaw(coefficient=1.0, power=1.0), np.ones(X.shape[1]))


def least_trace(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], network: Network
) -> Interpolator:
    """The interpolator of least Σ c_i(β)Ê[x_i²], the trace of the Hessian at the flattest parameters of a network.

    c_i = κ|β_i|^p are its least tangent weights.

    Raises:
        NoInterpolator: Xβ = y has no solution.
        SolverFailure: it was not found in float64.
    """
    return _least(InterpolatorName.LEAST_TRACE, X, y, tangent_weight_law(network), np.square(X).mean(axis=0))


def least_stability_measure(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], network: Network
) -> Interpolator:
    """The interpolator of least Σ c_i(β)(Êx_i)², the stability measure at the flattest parameters of a network.

    Not unique, and without meaning, where a column of X has mean zero (up to rounding): that coordinate is free of
    charge. The lower bound is then 0 unless the multipliers miss the free coordinates exactly.

    Raises:
        NoInterpolator: Xβ = y has no solution.
        SolverFailure: it was not found in float64.
    """
    means = X.mean(axis=0)
    centred = np.abs(means) <= len(X) * EPSILON * np.abs(X).mean(axis=0)
    weights = np.where(centred, 0.0, np.square(means))
    return _least(InterpolatorName.LEAST_STABILITY_MEASURE, X, y, tangent_weight_law(network), weights)


def least_parameter_norm(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], depth: int
) -> Interpolator:
    """An interpolator of locally least Σ|β_i|^(2/D), the ‖θ‖₂² with which a diagonal network of depth D can make β.

    Convex at D = 2, where it is `min_l1`. At D ≥ 3 the sum is concave on every orthant, and nothing is known of the
    least value of all: `lower_bound` is 0. Linear programmes that majorise Σ(|β_i| + ε)^(2/D) lead from `min_l1` from
    vertex to vertex while ε falls (Candès, Wakin and Boyd 2008), and the best of these is taken. A vertex is a strict
    local minimum: the columns of its support are independent, so that whoever leaves it along Xβ = y lets a coordinate
    grow from 0, at an infinite slope.

    Raises:
        NoInterpolator: Xβ = y has no solution.
        SolverFailure: it was not found in float64.
    """
    found, power = min_l1(X, y), 2 / depth
    vertices = [found.predictor]
    for damping in DAMPING if depth > 2 else ():
        size = np.abs(vertices[-1]) / (np.abs(vertices[-1]).max() or 1.0)
        weights = (size + damping) ** (power - 1)
        law = PowerLaw(coefficient=1.0, power=1.0)
        vertices.append(_least(InterpolatorName.LEAST_PARAMETER_NORM, X, y, law, weights).predictor)
    best = min(vertices, key=lambda vertex: float((np.abs(vertex) ** power).sum()))
    return Interpolator(
        name=InterpolatorName.LEAST_PARAMETER_NORM,
        predictor=best,
        objective=float((np.abs(best) ** power).sum()),
        residual=interpolator_set(X, y).residual(best),
        lower_bound=found.lower_bound if depth == 2 else 0.0,
    )


def _least(
    name: InterpolatorName,
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    law: PowerLaw,
    weights: Float64[np.ndarray, " dim"],
) -> Interpolator:
    problem = equilibrated(X, y)
    weights = law.coefficient * weights
    found = least_power_sum(problem, weights, law.power)
    objective = float((weights * np.abs(found.predictor) ** law.power).sum())
    return Interpolator(
        name=name,
        predictor=found.predictor,
        objective=objective,
        residual=problem.residual(found.predictor),
        # the objective itself is known to rounding only: what exceeds it is no knowledge
        lower_bound=min(objective, power_sum_bound(X, y, weights, found.dual, law.power)),
    )
