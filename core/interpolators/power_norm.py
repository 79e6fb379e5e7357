"""The weighted p-norm for 1 < p < 2: the β of each subgradient s, and the multipliers of the least Σ w_i|β_i|^p.

β_i = sgn(s_i)(|s_i|/(p·w_i))^(1/(p−1)) is where Σ w_i|β_i|^p has the gradient s; 1/(p−1) = D/(D−2) is at most 3 for
depth D.
"""

import numpy as np
from jaxtyping import Float64

from core.data.normal_equations import ridged_solution

MAX_STEPS = 200
"""Most Newton steps. Fewer than ten do for weights of one order of magnitude."""

ROUNDING_LEVEL = 1e-13
"""Residual of basisᵀβ = target, relative to the target, below which Newton steps only move the last bits."""

LENGTHS = 0.5 ** np.arange(50)
"""Parts of a Newton step that are tried, until what is missing grows less."""


def predictor_at(
    subgradient: Float64[np.ndarray, " dim"], weights: Float64[np.ndarray, " dim"], power: float
) -> Float64[np.ndarray, " dim"]:
    """β(s)."""
    predictor: Float64[np.ndarray, " dim"] = np.sign(subgradient) * (np.abs(subgradient) / (power * weights)) ** (
        1 / (power - 1)
    )
    return predictor


def response_at(
    subgradient: Float64[np.ndarray, " dim"], weights: Float64[np.ndarray, " dim"], power: float
) -> Float64[np.ndarray, " dim"]:
    """dβ_i/ds_i."""
    growth = 1 / (power - 1)
    ratios = np.abs(subgradient) / (power * weights)
    response: Float64[np.ndarray, " dim"] = growth * ratios ** (growth - 1) / (power * weights)
    return response


def least_multipliers(
    basis: Float64[np.ndarray, "dim rank"],
    target: Float64[np.ndarray, " rank"],
    weights: Float64[np.ndarray, " dim"],
    power: float,
) -> Float64[np.ndarray, " rank"]:
    """The κ with basisᵀβ(basis·κ) = target, for w > 0: β is then the least Σ w_i|β_i|^p among all that fit.

    Newton's method, for the concave dual targetᵀκ − Σ (p−1)w_i(|s_i|/(p·w_i))^q: each step is shortened until the
    residual falls, and the first that does not is the last. Cost O(dim·rank²) a step.
    """
    multipliers = _best_on_ray(basis, target, weights, power)
    for _ in range(MAX_STEPS):
        subgradient = basis @ multipliers
        missing = target - basis.T @ predictor_at(subgradient, weights, power)
        distance = np.linalg.norm(missing)
        if distance <= ROUNDING_LEVEL * np.linalg.norm(target):
            break
        step = ridged_solution(basis, response_at(subgradient, weights, power), missing)
        trials = (multipliers + length * step for length in LENGTHS)
        better = next((trial for trial in trials if _distance(basis, target, weights, power, trial) < distance), None)
        if better is None:
            break
        multipliers = better
    return multipliers


def _distance(
    basis: Float64[np.ndarray, "dim rank"],
    target: Float64[np.ndarray, " rank"],
    weights: Float64[np.ndarray, " dim"],
    power: float,
    multipliers: Float64[np.ndarray, " rank"],
) -> float:
    missing = target - basis.T @ predictor_at(basis @ multipliers, weights, power)
    return float(np.linalg.norm(missing))


def _best_on_ray(
    basis: Float64[np.ndarray, "dim rank"],
    target: Float64[np.ndarray, " rank"],
    weights: Float64[np.ndarray, " dim"],
    power: float,
) -> Float64[np.ndarray, " rank"]:
    """The multipliers of the least Σ w_iβ_i², scaled to where the dual of power p is largest along them."""
    direction = ridged_solution(basis, 1 / weights, target)
    sum_there = (weights * np.abs(predictor_at(basis @ direction, weights, power)) ** power).sum()
    rise = target @ direction
    if not (rise > 0 and sum_there > 0):
        return direction
    scaled: Float64[np.ndarray, " rank"] = direction * (rise / (power * sum_there)) ** (power - 1)
    return scaled
