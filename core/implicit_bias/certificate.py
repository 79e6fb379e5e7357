"""The implicit bias of finite steps: which interpolator the path of a run singles out (squared model, depth 2).

The identities hold for any step sizes and any gradients in the row space of X: gradient descent with warm-up, minibatch
SGD, label noise; not momentum. They are those of Even et al. 2023, re-derived here for this parametrisation. With
x_t = 2η_t g_t a step is u±(t+1) = u±(t)(1 ∓ x_t), and with S = Σ x_t and q±(x) = ∓2x − ln (1 ∓ x)²,

    α±² = u±(0)² exp(−Σ q±(x_t)) = u±(t)² exp(±2S),

so that the effective A = α₊α₋ and δ = ln(α₊/α₋) of the whole path are functions of its last state and of S alone.
At every t, β_t = 2A sinh(δ − 2S). A run that interpolates therefore minimises Σ[β asinh(β/2A) − √(β²+4A²) − δβ] over
Xβ = y, as gradient flow started from (√A, δ) would.
"""

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network


def effective_initialization(
    u_plus: Float64[np.ndarray, "*run dim"], u_minus: Float64[np.ndarray, "*run dim"]
) -> Float64[np.ndarray, "*run dim"]:
    """√A = √|u₊u₋| of each coordinate: the scale from which gradient flow would end where this run does.

    At a uniform start it is α; finite steps only shrink it, by exp(−½Σ(q₊ + q₋)/2) ≈ exp(−½Σ x²).
    """
    scale: Float64[np.ndarray, "*run dim"] = np.sqrt(np.abs(u_plus)) * np.sqrt(np.abs(u_minus))
    return scale


def mean_effective_init(network: Network, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run"]:
    """The mean of √A over the coordinates, one number for the regime: small is rich (ℓ1), large is kernel (ℓ2).

    Of the squared model that the network trains as, in the units of the network's own starts; NaN at depth D ≥ 3, which
    has none.
    """
    squared = network.as_squared(theta)
    if squared is None:
        return np.full(theta.shape[1:-1], np.nan)
    mean = effective_initialization(squared[0], squared[1]).mean(axis=-1)
    return np.asarray(network.squared_scale_ratio * mean)


def effective_asymmetry(
    u_plus: Float64[np.ndarray, "*run dim"],
    u_minus: Float64[np.ndarray, "*run dim"],
    gradient_sum: Float64[np.ndarray, "*run dim"],
) -> Float64[np.ndarray, "*run dim"]:
    """δ = ln|u₊/u₋| + 2S of each coordinate, S = Σ 2η_t g_t since the start; 0 for gradient flow from u₊ = u₋.

    It starts at ln|u₊(0)/u₋(0)| and moves by 2x + ln|1−x| − ln|1+x| = −⅔x³ + O(x⁵) a step.
    """
    log_ratio = np.log(np.abs(u_plus)) - np.log(np.abs(u_minus))
    asymmetry: Float64[np.ndarray, "*run dim"] = log_ratio + 2 * gradient_sum
    return asymmetry


def potential(
    predictor: Float64[np.ndarray, " dim"],
    *,
    init_scale: Float64[np.ndarray, " dim"],
    asymmetry: Float64[np.ndarray, " dim"],
) -> float:
    """Σ[β asinh(β/2A) − √(β²+4A²) − δβ] with A = init_scale² > 0 and δ = asymmetry; strictly convex in β.

    A converged run is its minimiser over Xβ = y, with the run's effective values of both. For δ = 0 it is, up to a
    constant, the potential of Woodworth et al. 2020.
    """
    width = 2 * np.square(init_scale)
    terms = predictor * (np.arcsinh(predictor / width) - asymmetry) - np.hypot(predictor, width)
    return float(terms.sum())


def certificate_residual(
    row_space_basis: Float64[np.ndarray, "dim rank"],
    u_plus: Float64[np.ndarray, " dim"],
    u_minus: Float64[np.ndarray, " dim"],
    gradient_sum: Float64[np.ndarray, " dim"],
) -> float:
    """The part of asinh(β/2A) − δ outside the row space of X, relative to the whole; 0 before the first step.

    With β = u₊² − u₋², A = |u₊u₋| and δ = `effective_asymmetry`, this is the condition under which β minimises
    `potential` among all predictors with the same Xβ.

    What a small value proves: the accumulated S belongs to the row space, and float64 still resolves β/2A and the
    state from which A and δ are read, so together with a small loss β is that minimiser to the same accuracy. What it
    does not prove: that (A, δ) are those of the path. δ is read from the last state, not accumulated as Σ q±, so a
    state that did not move by u±(1 ∓ x) (momentum, a lost step whose x was still counted) shows in δ, not here.

    Raises:
        ValueError: an entry of u₊ or u₋ is zero, where A has vanished and there is no potential.
    """
    product = np.abs(u_plus) * np.abs(u_minus)
    if not (product > 0).all():
        raise ValueError("the effective initialization has vanished in a coordinate")
    # the difference of squares as a product: u₊ ≈ u₋ wherever β is small, and the squares would cancel
    predictor = (np.abs(u_plus) - np.abs(u_minus)) * (np.abs(u_plus) + np.abs(u_minus))
    mirror = np.arcsinh(predictor / (2 * product)) - effective_asymmetry(u_plus, u_minus, gradient_sum)
    size = float(np.linalg.norm(mirror))
    outside = mirror - row_space_basis @ (row_space_basis.T @ mirror)
    return float(np.linalg.norm(outside)) / (size or 1.0)
