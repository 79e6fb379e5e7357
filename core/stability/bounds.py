"""Bounds on the sharpness at an interpolator that need no eigenvalue, for every network, each in O(Nd).

Where Xβ = y the Hessian has the spectrum of the Gram matrix (1/N)·X diag(c) Xᵀ, c the network's `tangent_weights`
(Lemmas 4.1, 6.1 and C.1 of Nacson et al. 2022; in their eq. 14 the factor D² belongs outside the norm).
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network

ROUNDING: Final = 1e-9
"""Relative excess that a comparison of these numbers forgives: rounding, and the tolerance of a converged run."""

Values = Float64[np.ndarray, "*run"] | np.float64


def squared_means(X: Float64[np.ndarray, "sample dim"]) -> Float64[np.ndarray, " dim"]:
    """(Êx_i)² for every coordinate i: the coefficient of its tangent weight in the stability measure."""
    means: Float64[np.ndarray, " dim"] = np.square(X.mean(axis=0))
    return means


def second_moments(X: Float64[np.ndarray, "sample dim"]) -> Float64[np.ndarray, " dim"]:
    """Ê[x_i²] for every coordinate i, at least (Êx_i)²: the coefficient of its tangent weight in the trace."""
    moments: Float64[np.ndarray, " dim"] = np.square(X).mean(axis=0)
    return moments


def stability_measure(X: Float64[np.ndarray, "sample dim"], tangent_weights: Float64[np.ndarray, "*run dim"]) -> Values:
    """Σ c_i(Êx_i)² ≤ λ_max at an interpolator: the lower bound of Lemmas 4.1, 6.1 and C.1 of Nacson et al. 2022.

    It is the Rayleigh quotient of the Gram matrix at the constant vector, so it is nearly sharp where data are far off
    centre and vanishes where they are centred.
    """
    return weighted_sum(squared_means(X), tangent_weights)


def sharpness_upper_bound(
    X: Float64[np.ndarray, "sample dim"], tangent_weights: Float64[np.ndarray, "*run dim"]
) -> Values:
    """Σ c_i Ê[x_i²] ≥ λ_max at an interpolator: the trace, upper bound of the same lemmas."""
    return weighted_sum(second_moments(X), tangent_weights)


def weighted_norm(
    X: Float64[np.ndarray, "sample dim"], network: Network, predictor: Float64[np.ndarray, "*run dim"]
) -> Values:
    """Σ c̲(β)_i(Êx_i)² with c̲ the network's `least_tangent_weights`: the predictor norm of Theorems 4.2, 6.2 and B.1.

    That is ‖4(Êx)²∘β‖₁ at D = 2, ‖2(Êx)²∘β‖₁ for UV. At most the stability measure of any parameters of β at even
    depth and for UV; at odd depth of parameters θ ≥ 0 only: u₊ = −u₋ has a smaller measure.
    """
    return weighted_sum(squared_means(X), network.least_tangent_weights(predictor))


def weighted_sum(weights: Float64[np.ndarray, " dim"], amounts: Float64[np.ndarray, "*run dim"]) -> Values:
    """Σ_i weights_i·amounts_i of every run."""
    # not amounts @ weights: a row of a matrix product may change its last bits with the number of rows
    total: Values = (amounts * weights).sum(axis=-1)
    return total
