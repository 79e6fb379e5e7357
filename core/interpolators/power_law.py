"""The power law c(β) = κ|β|^p by which tangent weights grow, and Hölder's lower bound on Σ w_i|β_i|^p over Xβ = y."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerLaw:
    """c_i = coefficient·|β_i|^power, the least tangent weight of coordinate i; 1 ≤ power < 2."""

    coefficient: float
    power: float

    @property
    def sign_freedom(self) -> float:
        """2^(1−p): what is left of c where β is halved between two parameters, each free in its sign."""
        return float(2 ** (1 - self.power))


def tangent_weight_law(network: Network) -> PowerLaw:
    """κ and p = 2(D−1)/D of a network of degree D ≥ 2, whose least tangent weights are homogeneous of degree p in β."""
    coefficient = float(network.least_tangent_weights(np.ones(1))[0])
    return PowerLaw(coefficient=coefficient, power=2 * (network.degree - 1) / network.degree)


def dual_norm(vector: Float64[np.ndarray, " dim"], weights: Float64[np.ndarray, " dim"], power: float) -> float:
    """The largest sᵀβ under Σ w_i|β_i|^p ≤ 1 for s = `vector`: (Σ w_i(|s_i|/w_i)^q)^(1/q) with 1/p + 1/q = 1.

    At p = 1 that is max|s_i|/w_i. Infinite where s_i ≠ 0 and w_i = 0.
    """
    touched = vector != 0
    if (weights[touched] <= 0).any():
        return float("inf")
    ratios = np.abs(vector[touched]) / weights[touched]
    largest = float(ratios.max(initial=0.0))
    if power == 1 or largest == 0:
        return largest
    conjugate = power / (power - 1)
    total = float((weights[touched] * (ratios / largest) ** conjugate).sum())
    return float(largest * total ** (1 / conjugate))


def power_sum_bound(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    weights: Float64[np.ndarray, " dim"],
    dual: Float64[np.ndarray, " sample"],
    power: float,
) -> float:
    """A proven lower bound of min Σ w_i|β_i|^p over Xβ = y, from any ν whatever, for p ≥ 1 and w ≥ 0.

    Hölder's inequality: yᵀν = Σ (Xᵀν)_iβ_i ≤ ‖Xᵀν‖_*·(Σ w_i|β_i|^p)^(1/p) with the `dual_norm`, so the sum is at least
    (yᵀν/‖Xᵀν‖_*)^p; at p = 1 a ν that violates |Xᵀν| ≤ w, as a solver's does by its tolerance, is divided by the
    largest ratio. Rounding is charged against the bound. It is 0 where ν meets a coordinate of weight 0.
    """
    norm = dual_norm(np.abs(X.T @ dual) + dual_rounding(X, dual), weights, power)
    value = dual_value(y, dual)
    if not (norm > 0 and value > 0):
        return 0.0
    return float((value / norm) ** power) * (1 - 8 * (weights.size + 1) * EPSILON)


def dual_rounding(
    X: Float64[np.ndarray, "sample dim"], dual: Float64[np.ndarray, " sample"]
) -> Float64[np.ndarray, " dim"]:
    """Bound on the rounding error of X.T @ dual, entry by entry: N machine epsilons of the sum of absolute terms."""
    error: Float64[np.ndarray, " dim"] = len(dual) * EPSILON * (np.abs(X).T @ np.abs(dual))
    return error


def dual_value(y: Float64[np.ndarray, " sample"], dual: Float64[np.ndarray, " sample"]) -> float:
    """A lower bound of yᵀν in exact arithmetic."""
    return float(y @ dual - len(y) * EPSILON * (np.abs(y) @ np.abs(dual)))
