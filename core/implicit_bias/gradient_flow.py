"""Where gradient flow ends, without following it: the interpolator that its initialisation singles out."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from core.data.normal_equations import settled_solution
from core.data.row_space import InterpolatorSet, interpolator_set
from core.implicit_bias.deep_flow import deep_flow_end
from core.networks.network import Network

LARGEST_CHANGE = 5.0
"""Most that any exponent may change in a Newton step. 1 and 20 need more steps; none of the three ever failed."""

MAX_ITERATIONS = 500
"""About 30 steps do from init_scale 1e-10; the exponents, of order ln(1/A), then need ln(1/A)/5 steps at most."""

ROUNDING_LEVEL = 1e-12
"""Relative residual under which a step that does not improve it means that rounding has been reached."""

OVERSHOOT = 0.9
"""Part of the slope that may be left, with its sign turned, after a step; more means the step was too long."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FlowLimit:
    """The interpolator of the form that the flow conserves; 2A∘sinh(δ + Xᵀ`dual`) with A = init_scale² at D = 2.

    Having that form it is optimal among all β with the same Xβ; `residual`, max|Xβ − y|/max|y|, therefore is the whole
    certificate. Its sharpness is that of its `tangent_weights`, at D = 2 the 4(u₊² + u₋²) = 8A∘cosh(δ + Xᵀ`dual`) of
    the parameters that the flow ends at. `iterations` counts Newton steps.
    """

    predictor: Float64[np.ndarray, " dim"]
    tangent_weights: Float64[np.ndarray, " dim"]
    dual: Float64[np.ndarray, " sample"]
    residual: float
    iterations: int


def flow_limit(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    *,
    init_scale: Float64[np.ndarray, " dim"],
    asymmetry: Float64[np.ndarray, " dim"],
    space: InterpolatorSet | None = None,
) -> FlowLimit:
    """Minimise Σ[β asinh(β/2A) − √(β²+4A²) − δβ] over Xβ = y, with A = init_scale² > 0 and δ = asymmetry.

    Gradient flow from u± = α_i ends there with init_scale = α_i and asymmetry = 0 (Woodworth et al. 2020); in general
    init_scale = √|u₊u₋| and asymmetry = ln|u₊/u₋| at the start. A run of finite steps ends there with its effective
    values (`core.implicit_bias`). Solved by damped Newton in the dual, min over ν of Σ 2A cosh(δ + Xᵀν) − νᵀy, in
    coordinates of the row space, where α → 0 (least ℓ1) and α → ∞ (weighted least ℓ2) are equally well conditioned;
    `space` has them, where they are known. Cost: a step is O(d·rank²); 1 to 3 ms in all at N = 50, d = 100.

    Raises:
        NoInterpolator: Xβ = y has no solution.
        ValueError: an entry of `init_scale` is not positive, or so small that its square is not.
    """
    product = np.square(init_scale)
    if not ((init_scale > 0) & (product > 0)).all():
        raise ValueError("every init_scale must be positive, and its square too")
    space = space or interpolator_set(X, y)
    multipliers, rounds = squared_flow_multipliers(space, product, asymmetry)
    exponent = asymmetry + space.basis @ multipliers
    predictor = 2 * product * np.sinh(exponent)
    return FlowLimit(
        predictor=predictor,
        tangent_weights=8 * product * np.cosh(exponent),
        dual=space.to_dual @ multipliers,
        residual=space.residual(predictor),
        iterations=rounds,
    )


def squared_flow_multipliers(
    space: InterpolatorSet, product: Float64[np.ndarray, " dim"], asymmetry: Float64[np.ndarray, " dim"]
) -> tuple[Float64[np.ndarray, " rank"], int]:
    """The multipliers κ with basisᵀ·2A sinh(δ + basis·κ) = coordinates, and the number of steps, each O(d·rank²)."""
    multipliers = np.zeros_like(space.coordinates)
    scale = float(np.abs(space.coordinates).max(initial=0.0)) or 1.0
    gradient, best = _gradient(space, product, asymmetry, multipliers), np.inf
    for rounds in range(MAX_ITERATIONS):
        residual = float(np.abs(gradient).max(initial=0.0)) / scale
        if residual == 0 or (residual <= ROUNDING_LEVEL and residual >= best):
            return multipliers, rounds
        best = min(best, residual)
        slope = 2 * product * np.cosh(asymmetry + space.basis @ multipliers)
        step = -settled_solution(space.basis, slope, gradient)
        length = min(1.0, LARGEST_CHANGE / float(np.abs(space.basis @ step).max()))
        allowed = OVERSHOOT * abs(float(step @ gradient))
        # The slope along the step is what is searched, not the convex objective itself, whose differences drown in
        # rounding long before its slope does.
        while True:
            trial = _gradient(space, product, asymmetry, multipliers + length * step)
            if float(step @ trial) <= allowed or length < np.finfo(np.float64).eps:
                break
            length /= 2
        multipliers, gradient = multipliers + length * step, trial
    return multipliers, MAX_ITERATIONS


def _gradient(
    space: InterpolatorSet,
    product: Float64[np.ndarray, " dim"],
    asymmetry: Float64[np.ndarray, " dim"],
    multipliers: Float64[np.ndarray, " rank"],
) -> Float64[np.ndarray, " rank"]:
    predictor = 2 * product * np.sinh(asymmetry + space.basis @ multipliers)
    gradient: Float64[np.ndarray, " rank"] = space.basis.T @ predictor - space.coordinates
    return gradient


def flow_limit_from(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    theta: Float64[np.ndarray, "part dim"],
    network: Network,
    space: InterpolatorSet | None = None,
) -> FlowLimit:
    """The limit of gradient flow of a network from θ; `dual` is ν of the conserved form, in the units of its depth.

    D = 2 by `flow_limit`, UV as the squared model that it is equivalent to, D ≥ 3 by `core.implicit_bias.deep_flow`.
    `space` is the set of solutions of Xβ = y, where it is known.

    Raises:
        NoInterpolator: Xβ = y has no solution.
        ValueError: a parameter starts at zero, or so small that its square is.
    """
    squared = network.as_squared(theta)
    if squared is None:
        space = space or interpolator_set(X, y)
        end = deep_flow_end(space, theta, network.degree)
        return FlowLimit(
            predictor=end.predictor,
            tangent_weights=end.tangent_weights,
            dual=space.to_dual @ end.multipliers,
            residual=space.residual(end.predictor),
            iterations=end.iterations,
        )
    init_scale = np.sqrt(np.abs(squared[0])) * np.sqrt(np.abs(squared[1]))
    with np.errstate(divide="ignore"):
        asymmetry = np.log(np.abs(squared[0])) - np.log(np.abs(squared[1]))
    limit = flow_limit(X, y, init_scale=init_scale, asymmetry=asymmetry, space=space)
    return replace(limit, tangent_weights=limit.tangent_weights * network.squared_step_ratio)
