"""States of one run of a depth-D network along what gradient flow conserves; one step of descent leaves it by O(x²).

Derived here; at D = 2 it is the form of `core.implicit_bias.certificate`.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from core.data.row_space import InterpolatorSet
from core.implicit_bias.deep_flow import deep_flow_end
from core.implicit_bias.gradient_flow import squared_flow_multipliers
from core.networks.network import Diagonal, power

Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FlowEnd:
    """Where flow from a state ends, with the predictor to the accuracy of the solver.

    `change` = basis·`multipliers` is τ at D ≥ 3 and 2τ at D = 2, where û±² = u±²·e^(±change).
    """

    state: "ConservedForm"
    predictor: Vector
    multipliers: Float64[np.ndarray, " rank"]
    change: Vector


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ConservedForm:
    """β = u₊^D − u₋^D = Σ_k ε_k w_k^D with w_k = |u_k| and ε_k = ±1, and the moves of it that gradient flow makes.

    Flow moves w_k^(2−D) by −ε_k·τ and at D = 2 ln w_k by ε_k·τ, with one τ ∈ rowspace(X) for both parts, so that
    dβ/dτ is proportional to the `weights` z. The step of descent with x = Dηg, w → w(1 − ε·w^(D−2)·x), makes that move
    with τ = −(D−2)·x (−x at D = 2), and to second order shrinks w_k by ½(D−1)·w_k^(2D−3)·x² more.
    """

    theta: Float64[np.ndarray, "2 dim"]
    depth: int

    @property
    def is_regular(self) -> bool:
        """No parameter is zero, where it would stay, nor so far from 1 that its powers are not positive numbers."""
        squares, weights = np.square(self.theta), self.weights
        return bool(((squares > 0) & (squares < np.inf)).all() and ((weights > 0) & (weights < np.inf)).all())

    @property
    def predictor(self) -> Vector:
        """u₊^D − u₋^D."""
        predictor: Vector = power(self.theta[0], self.depth) - power(self.theta[1], self.depth)
        return predictor

    @property
    def volume(self) -> Vector:
        """|u₊|^D + |u₋|^D ≥ |β|, in whose digits β is lost where it is small."""
        volume: Vector = np.abs(power(self.theta, self.depth)).sum(axis=0)
        return volume

    @property
    def weights(self) -> Vector:
        """The z = u₊^(2(D−1)) + u₋^(2(D−1)) of each coordinate."""
        weights: Vector = np.square(power(self.theta, self.depth - 1)).sum(axis=0)
        return weights

    @property
    def tangent_weights(self) -> Vector:
        """The c = D²z of each coordinate: the Hessian at an interpolator has the spectrum of (1/N)·X diag(c) Xᵀ."""
        return self.depth**2 * self.weights

    @property
    def stretch(self) -> Vector:
        """max_k w_k^(D−2), so that the relative steps are stretch·|x| at most; 1 at D = 2."""
        stretch: Vector = np.abs(power(self.theta, self.depth - 2)).max(axis=0)
        return stretch

    @property
    def drift(self) -> Vector:
        """|∂β/∂(x²)| of the shrinkage by which a step of descent leaves the form: ½D(D−1)·|Σ_k ε_k w_k^(3D−4)|.

        At D = 2 it is |β|.
        """
        powers = Diagonal(self.depth).signs(self.theta) * np.abs(power(self.theta, 3 * self.depth - 4))
        drift: Vector = self.depth * (self.depth - 1) / 2 * np.abs(powers.sum(axis=0))
        return drift

    @property
    def tangent_weight_slope(self) -> float:
        """To first order the most that an entry of c changes where β changes by 1: 2D(D−1)·max stretch, 4 at D = 2."""
        return 2 * self.depth * (self.depth - 1) * float(self.stretch.max())

    def moved(self, change: Vector) -> "ConservedForm":
        """The state to which flow moves this one by τ = `change`, at D = 2 by 2τ: that of `FlowEnd`."""
        return replace(self, theta=Diagonal(self.depth).moved_along_flow(self.theta, change))

    def flowed(self, space: InterpolatorSet) -> FlowEnd:
        """Where the flow from here ends: the interpolator of the same form. Cost: 20 to 100 steps of O(d·rank²)."""
        if self.depth == 2:
            return self._flowed_squares(space)
        end = deep_flow_end(space, self.theta, self.depth)
        change = space.basis @ end.multipliers
        return FlowEnd(state=self.moved(change), predictor=end.predictor, multipliers=end.multipliers, change=change)

    def _flowed_squares(self, space: InterpolatorSet) -> FlowEnd:
        size = np.abs(self.theta)
        product, asymmetry = size[0] * size[1], np.log(size[0]) - np.log(size[1])
        multipliers, _ = squared_flow_multipliers(space, product, asymmetry)
        change = space.basis @ multipliers
        predictor = 2 * product * np.sinh(asymmetry + change)
        return FlowEnd(state=self.moved(change), predictor=predictor, multipliers=multipliers, change=change)
