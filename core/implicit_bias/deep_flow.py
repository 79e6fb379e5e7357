"""Where gradient flow of a deep diagonal network ends (depth D ≥ 3), in the dual.

Along the flow u₊^(2−D) and u₋^(2−D) move linearly. Write θ_k for either part and ε_k = ±1 for the sign with which it
enters β (at odd D a negative u enters with the other sign; no parameter changes its sign). With w = |θ_k|,

    w(t)^(2−D) = w(0)^(2−D) − ε_k·τ,   τ = −D(D−2)∫g ∈ rowspace(X),   β = Σ_k ε_k·(w(0)^(2−D) − ε_k·τ)^(−D/(D−2)),

so the limit is the interpolator with this form: its τ solves a convex problem, β being the gradient of one. Derived
here; for u± = α it is the form q' = h⁻¹, h(z) = (1−z)^(−D/(D−2)) − (1+z)^(−D/(D−2)), of Woodworth et al. 2020.
"""

from dataclasses import dataclass, replace
from itertools import count
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

from core.data.normal_equations import settled_solution
from core.data.row_space import InterpolatorSet
from core.networks.network import Diagonal

MAX_ITERATIONS: Final = 400
"""Some 20 to 100 steps do; each may shrink a slack at most tenfold, and slacks are of order α^(2−D) at the start."""

LEAST_SHRINKAGE: Final = 0.1
"""No slack w^(2−D) falls below this part of itself in one step: where it vanishes, β is infinite."""

ROUNDING_LEVEL: Final = 1e-12
"""Relative residual under which a step that does not improve it means that rounding has been reached."""

OVERSHOOT: Final = 0.9
"""Part of the slope that may be left, with its sign turned, after a step; more means the step was too long."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DeepFlowEnd:
    """The limit of the flow: its predictor, its tangent weights c = D²Σ_k w_k^(2D−2), and κ with τ = basis·κ.

    `iterations` counts Newton steps.
    """

    predictor: Float64[np.ndarray, " dim"]
    tangent_weights: Float64[np.ndarray, " dim"]
    multipliers: Float64[np.ndarray, " rank"]
    iterations: int


def deep_flow_end(space: InterpolatorSet, theta: Float64[np.ndarray, "2 dim"], depth: int) -> DeepFlowEnd:
    """Where gradient flow from θ ends; a Newton step is O(d·rank²).

    Raises:
        ValueError: a parameter starts at zero, where it stays.
    """
    if not (theta != 0).all():
        raise ValueError("every parameter must start off zero")
    path = _Path.begin(theta, depth)
    multipliers = np.zeros_like(space.coordinates)
    scale = float(np.abs(space.coordinates).max(initial=0.0)) or 1.0
    gradient, best = space.basis.T @ path.predictor - space.coordinates, np.inf
    for rounds in count():
        residual = float(np.abs(gradient).max(initial=0.0)) / scale
        is_settled = residual == 0 or (residual <= ROUNDING_LEVEL and residual >= best)
        if is_settled or not np.isfinite(residual) or rounds == MAX_ITERATIONS:
            break
        best = min(best, residual)
        step = -settled_solution(space.basis, path.slope, gradient)
        change = space.basis @ step
        allowed, length = OVERSHOOT * abs(float(step @ gradient)), path.room(change)
        while True:
            moved = path.moved(length * change)
            trial = space.basis.T @ moved.predictor - space.coordinates
            if float(step @ trial) <= allowed or length < np.finfo(np.float64).eps:
                break
            length /= 2
        multipliers, path, gradient = multipliers + length * step, moved, trial
    # dβ/dτ = D/(D−2)·Σ_k w_k^(2D−2)
    tangent_weights = depth * (depth - 2) * path.slope
    return DeepFlowEnd(
        predictor=path.predictor, tangent_weights=tangent_weights, multipliers=multipliers, iterations=rounds
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Path:
    """A point on the way: for each parameter its slack relative to that of the start, ρ = 1 − ζ = (w/w(0))^(2−D).

    ρ and ζ are both carried along, never one computed from the other: where α is small ρ vanishes (and τ, of order
    α^(2−D), has lost it), where α is large ζ does. So β comes out to rounding, and τ is in the row space to rounding.
    """

    depth: int
    signs: Float64[np.ndarray, "2 dim"]
    start: Float64[np.ndarray, "2 dim"]
    remaining: Float64[np.ndarray, "2 dim"]
    spent: Float64[np.ndarray, "2 dim"]

    @classmethod
    def begin(cls, theta: Float64[np.ndarray, "2 dim"], depth: int) -> Self:
        ones = np.ones_like(theta)
        return cls(depth=depth, signs=Diagonal(depth).signs(theta), start=np.abs(theta), remaining=ones, spent=0 * ones)

    @property
    def _log_remaining(self) -> Float64[np.ndarray, "2 dim"]:
        small = np.abs(self.spent) < 0.5
        logarithm: Float64[np.ndarray, "2 dim"] = np.where(
            small, np.log1p(-np.where(small, self.spent, 0.0)), np.log(self.remaining)
        )
        return logarithm

    @property
    def predictor(self) -> Float64[np.ndarray, " dim"]:
        """β = β(0) + Σ_k ε_k·w(0)^D·(ρ^(−D/(D−2)) − 1)."""
        volume = self.start**self.depth
        growth = np.expm1(-self.depth / (self.depth - 2) * self._log_remaining)
        start, change = (self.signs * volume).sum(axis=0), (self.signs * volume * growth).sum(axis=0)
        predictor: Float64[np.ndarray, " dim"] = start + change
        return predictor

    @property
    def slope(self) -> Float64[np.ndarray, " dim"]:
        """dβ/dτ = D/(D−2)·Σ_k w^(2D−2) > 0."""
        powers = np.exp(-(2 * self.depth - 2) / (self.depth - 2) * self._log_remaining)
        slope: Float64[np.ndarray, " dim"] = (self.start ** (2 * self.depth - 2) * powers).sum(axis=0)
        slope *= self.depth / (self.depth - 2)
        return slope

    def room(self, change: Float64[np.ndarray, " dim"]) -> float:
        """The longest part of a change of τ, up to 1, that leaves every slack a tenth of itself."""
        spending = self._spending(change)
        shrinking = spending > 0
        room = (1 - LEAST_SHRINKAGE) * self.remaining[shrinking] / spending[shrinking]
        return min(1.0, float(room.min(initial=np.inf)))

    def moved(self, change: Float64[np.ndarray, " dim"]) -> Self:
        """The point after a change of τ."""
        spending = self._spending(change)
        return replace(self, remaining=self.remaining - spending, spent=self.spent + spending)

    def _spending(self, change: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, "2 dim"]:
        spending: Float64[np.ndarray, "2 dim"] = self.signs * change * self.start ** (self.depth - 2)
        return spending
