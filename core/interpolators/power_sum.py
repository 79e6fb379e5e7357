"""The interpolator of least Σ w_i|β_i|^p: a linear programme at p = 1, Newton's method in the dual at 1 < p < 2."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.errors import SolverFailure
from core.interpolators.equilibration import Equilibrated
from core.interpolators.power_norm import least_multipliers, predictor_at
from core.interpolators.weighted_l1 import least_weighted_l1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LeastPowerSum:
    """A minimiser β that interpolates, and the multipliers ν of Xβ = y that prove it near the least."""

    predictor: Float64[np.ndarray, " dim"]
    dual: Float64[np.ndarray, " sample"]


def least_power_sum(problem: Equilibrated, weights: Float64[np.ndarray, " dim"], power: float) -> LeastPowerSum:
    """Minimise Σ w_i|β_i|^p over the interpolators, 1 ≤ p < 2 and w ≥ 0; a coordinate of weight 0 is free of charge.

    Solved in units where predictor and weights are of order 1. At p = 1 the minimiser is a vertex. Where coordinates
    are free the least value is right, but ν proves only 0 of it: rounding alone lets it meet them.

    Raises:
        SolverFailure: the linear programme or a Newton step was not solved.
    """
    space = problem.space
    scaled_weights = weights[problem.columns] / problem.lengths**power
    size, largest = float(np.linalg.norm(space.coordinates)), float(scaled_weights.max())
    if size == 0 or largest == 0:
        return LeastPowerSum(predictor=problem.predictor(space.nearest_to_zero), dual=np.zeros_like(space.y))
    target, scaled_weights = space.coordinates / size, scaled_weights / largest
    if power == 1:
        vertex = least_weighted_l1(space.basis, target, scaled_weights)
        scaled, multipliers = vertex.predictor, vertex.multipliers
    else:
        scaled, multipliers = _least_beyond_free(space.basis, target, scaled_weights, power)
    return LeastPowerSum(predictor=problem.predictor(size * scaled), dual=space.to_dual @ multipliers)


def _least_beyond_free(
    basis: Float64[np.ndarray, "dim rank"],
    target: Float64[np.ndarray, " rank"],
    weights: Float64[np.ndarray, " dim"],
    power: float,
) -> tuple[Float64[np.ndarray, " dim"], Float64[np.ndarray, " rank"]]:
    """What the free coordinates can reach costs nothing; Newton's method takes the rest.

    With K the directions of the row space that vanish on the free coordinates, basis·K has orthonormal columns again,
    so the rest is a problem of the same kind: (basis·K)ᵀβ = Kᵀ·target.
    """
    free = weights == 0
    predictor = np.zeros_like(weights)
    beyond = _null_space(basis[free])
    rest = (basis @ beyond)[~free]
    try:
        multipliers = least_multipliers(rest, beyond.T @ target, weights[~free], power)
    except np.linalg.LinAlgError as failure:
        raise SolverFailure(f"no least weighted norm was found: {failure}") from failure
    predictor[~free] = predictor_at(rest @ multipliers, weights[~free], power)
    predictor[free] = np.linalg.lstsq(basis[free].T, target - basis.T @ predictor)[0]
    return predictor, beyond @ multipliers


def _null_space(matrix: Float64[np.ndarray, "kept rank"]) -> Float64[np.ndarray, "rank nullity"]:
    """An orthonormal basis of the vectors that a matrix maps to 0."""
    if not len(matrix):
        return np.eye(matrix.shape[1])
    _, values, right = np.linalg.svd(matrix)
    rank = int((values > max(matrix.shape) * np.finfo(np.float64).eps).sum())
    null_space: Float64[np.ndarray, "rank nullity"] = right[rank:].T
    return null_space
