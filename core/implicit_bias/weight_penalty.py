"""What weight decay penalises in the predictor: at depth 2 the ℓ1 norm, so that runs tend to the lasso.

Of all θ with β = u₊² − u₋² the least ‖θ‖² = Σ(u₊² + u₋²) is ‖β‖₁, where one of u₊ and u₋ vanishes in each coordinate;
of all with β = u₊v₊ − u₋v₋ it is 2‖β‖₁. So the least L + ½λ‖θ‖² is that of the lasso L + κ‖β‖₁, with κ = λ/2 for the
squared model and κ = λ for UV and u∘v (Hoff 2017). At depth D it is ½λΣ|β_i|^(2/D), which is not convex from D = 3 on.
"""

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network


def l1_penalty(network: Network, rate: float) -> float | None:
    """κ of the lasso that weight decay of λ = `rate` leads to; None at depth D ≥ 3, where there is none."""
    return rate / (2 * network.squared_step_ratio) if network.degree == 2 else None


def lasso_dual(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    predictor: Float64[np.ndarray, " dim"],
    penalty: float,
) -> float:
    """A lower bound of min L + κ‖β‖₁, tight at its minimiser: yᵀν − ½N‖ν‖² at ν = (y − Xβ)/N, where ‖Xᵀν‖_∞ ≤ κ.

    Where it is more, ν is shrunk until that holds. Cost O(Nd).
    """
    dual = (y - X @ predictor) / len(y)
    steepest = float(np.abs(dual @ X).max())
    if steepest > penalty:
        dual = dual * (penalty / steepest)
    return float(y @ dual - len(y) * (dual @ dual) / 2)


def penalised_gap(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
    rate: float,
) -> float:
    """By how much L + ½λ‖θ‖² exceeds its least value, at most; NaN at depth D ≥ 3."""
    penalty, predictor = l1_penalty(network, rate), network.predictor(theta)
    if penalty is None:
        return np.nan
    residual = X @ predictor - y
    value = float(residual @ residual) / (2 * len(y)) + rate / 2 * float(np.square(theta).sum())
    return value - lasso_dual(X, y, predictor, penalty)
