"""The way of gradient flow from a state of the conserved form to its interpolator: how sharp it becomes in between.

Descent follows this way only while it is stable on all of it. Where samples are nearly equal, what the loss no longer
sees may still move β a long way, and sharpness may rise above 2/η between two ends at which it is below.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

from core.completion.remaining_descent import Spectrum
from core.data.normal_equations import rooted_solution
from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm

REACH: Final = 0.25
"""Largest relative change of a parameter in one step along the way."""

STRAIGHT: Final = 0.01
"""A step is the last where it is, to this part of `REACH`, the straight line to the limit."""

MOST_STEPS: Final = 120
"""A way that is longer, as from tiny parameters, is not followed."""


def sharpness_on_the_way(space: InterpolatorSet, gram: Spectrum, state: ConservedForm, *, enough: float) -> float:
    """The largest sharpness λ_max of the Gram matrix along the flow from a state to its limit, both excluded.

    Or the first that is `enough`, beyond which nobody asks.

    With τ = basis·κ flow is dκ/dt ∝ −Σ²(basisᵀβ − coordinates), X = UΣ·basisᵀ, and dβ/dτ ∝ z: linearly implicit Euler
    steps, whose lengths adapt. At D = 2 each tangent weight is convex in τ, so that no point of the line between
    two of them is sharper than both. ∞ where the way is not followed to its end. Cost: 8 to 25 ms at
    N = 50, d = 100, as a rule.
    """
    inertia = np.linalg.norm(space.to_dual, axis=0)  # Σ⁻¹
    slope = 1.0 if state.depth == 2 else state.depth / (state.depth - 2)
    sharpness, time = 0.0, float(np.square(inertia).min() / (slope * state.weights).max())
    for _ in range(MOST_STEPS):
        root = np.sqrt(slope * state.weights)[:, None] * space.basis
        missing = space.basis.T @ state.predictor - space.coordinates
        change = space.basis @ rooted_solution(np.concatenate([root, np.diag(inertia / np.sqrt(time))]), -missing)
        size = _size(state, change)
        if not np.isfinite(size):
            return np.inf
        if size <= REACH:
            straight = space.basis @ rooted_solution(root, -missing)
            if sharpness >= enough or _size(state, straight - change) <= STRAIGHT * REACH:
                return sharpness
            state = state.moved(change)
            sharpness = max(sharpness, gram.largest(state.tangent_weights))
        time *= min(4.0, 0.9 * REACH / max(size, 1e-3 * REACH))
    return np.inf


def _size(state: ConservedForm, change: Float64[np.ndarray, " dim"]) -> float:
    return float((state.stretch * np.abs(change)).max())
