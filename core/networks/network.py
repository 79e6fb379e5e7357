"""Diagonal linear networks: how the parameters θ make the predictor β, and the derivatives of β in them.

Parameters are an array of shape (part, ..., dim), one row for each part that a network names, such as u₊ and u₋. No
part of a coordinate meets another coordinate, so every derivative is a matter of one coordinate.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from jaxtyping import Float64

from core.networks import uv_equivalence


class StepKind(IntEnum):
    """Which step of descent a network takes (`core.descent.gradient_step`), by its number in native/common.h."""

    SQUARED = 0
    DEEP = 1
    UV = 2


class Network(Hashable, Protocol):
    """A parametrisation of the linear predictor β by θ.

    `parts` names the rows of θ. `degree` is D of β(cθ) = c^D·β(θ). With J the `jacobian` and r the residual, the loss
    L = ‖r‖²/(2N) has the gradient J∘g with g = Xᵀr/N; with c = `tangent_weights` its sharpness at an interpolator is
    the top eigenvalue of the Gram matrix (1/N)·X diag(c) Xᵀ.

    A new parametrisation is one class with these, and a step where none of `StepKind` is its own.
    """

    @property
    def parts(self) -> tuple[str, ...]:
        """The name of each row of θ."""
        ...

    @property
    def degree(self) -> int:
        """The degree D of homogeneity of β in θ."""
        ...

    @property
    def key(self) -> str:
        """One word for the network: what depends on data and network alone is kept under both their keys."""
        ...

    @property
    def step_kind(self) -> StepKind:
        """Which step of descent it takes."""
        ...

    @property
    def squared_step_ratio(self) -> float:
        """η of the model of `as_squared` over η of the network, and λ_max of the network over that of the model."""
        ...

    @property
    def squared_scale_ratio(self) -> float:
        """The scale of a start over that of the model of `as_squared`."""
        ...

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts that a start may choose and descent moves; any others are and stay 0."""
        ...

    def initial(self, scales: Float64[np.ndarray, "2 dim"], shape: float) -> Float64[np.ndarray, "part dim"]:
        """θ(0) from the scales of the positive and of the negative half; `shape` is that of UV alone."""
        ...

    def as_squared(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "2 *run dim"] | None:
        """(u₊, u₋) of β = u₊² − u₋² with the same β, now and after every step; None where there is no such model.

        What is known of finite steps (`core.implicit_bias`) is known of that model.
        """
        ...

    def moved_along_flow(
        self, theta: Float64[np.ndarray, "part *run dim"], change: Float64[np.ndarray, "*run dim"]
    ) -> Float64[np.ndarray, "part *run dim"]:
        """The θ that gradient flow reaches where its τ has grown by `change`, of the squared model 2τ.

        τ is that of `core.implicit_bias.deep_flow`, a multiple of −∫g.
        """
        ...

    def predictor(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """β(θ)."""
        ...

    def jacobian(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "part *run dim"]:
        """∂β_i/∂θ_ki; all other entries of the Jacobian vanish."""
        ...

    def second_derivative(
        self, theta: Float64[np.ndarray, "part *run dim"]
    ) -> Float64[np.ndarray, "part part *run dim"]:
        """∂²β_i/∂θ_ki∂θ_li, symmetric in k and l."""
        ...

    def tangent_weights(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """c_i = Σ_k (∂β_i/∂θ_ki)²."""
        ...

    def least_tangent_weights(self, predictor: Float64[np.ndarray, "*run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """The least c_i that parameters θ ≥ 0 with this predictor can have; convex in β."""
        ...


@dataclass(frozen=True, slots=True)
class Diagonal:
    """β = u₊^D − u₋^D with signed integer powers (eq. 12 of Nacson et al. 2022; eq. 4 at D = 2).

    c = D²(u₊^(2(D−1)) + u₋^(2(D−1))), and at least D²|β|^p with p = 2(D−1)/D.
    """

    depth: int

    @property
    def parts(self) -> tuple[str, ...]:
        """u₊ and u₋."""
        return ("u_plus", "u_minus")

    @property
    def degree(self) -> int:
        """The depth."""
        return self.depth

    @property
    def key(self) -> str:
        """The word diagonal-D."""
        return f"diagonal-{self.depth}"

    @property
    def predictor_power(self) -> float:
        """The power p = 2(D−1)/D of |β| in which tangent weights grow."""
        return 2 * (self.depth - 1) / self.depth

    @property
    def step_kind(self) -> StepKind:
        """Squares, or powers."""
        return StepKind.SQUARED if self.depth == 2 else StepKind.DEEP

    @property
    def squared_step_ratio(self) -> float:
        """1: at D = 2 it is the squared model itself."""
        return 1.0

    @property
    def squared_scale_ratio(self) -> float:
        """1, likewise."""
        return 1.0

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """Both."""
        return self.parts

    def initial(
        self,
        scales: Float64[np.ndarray, "2 dim"],
        shape: float,  # noqa: ARG002 - one layer has none
    ) -> Float64[np.ndarray, "2 dim"]:
        """u± are the scales."""
        return scales

    def as_squared(self, theta: Float64[np.ndarray, "2 *run dim"]) -> Float64[np.ndarray, "2 *run dim"] | None:
        """θ itself at D = 2; at D ≥ 3 finite steps have no such exact form."""
        return theta if self.depth == 2 else None

    def moved_along_flow(
        self, theta: Float64[np.ndarray, "2 *run dim"], change: Float64[np.ndarray, "*run dim"]
    ) -> Float64[np.ndarray, "2 *run dim"]:
        """|u_k|^(2−D) falls by ε_k·change, ∞ or NaN where it would vanish; at D = 2 ln u_k² grows by it."""
        signed = self.signs(theta) * change
        if self.depth == 2:
            return np.asarray(theta * np.exp(signed / 2))
        spent = signed * np.abs(power(theta, self.depth - 2))
        return np.asarray(theta * np.exp(-np.log1p(-spent) / (self.depth - 2)))

    def signs(self, theta: Float64[np.ndarray, "2 *run dim"]) -> Float64[np.ndarray, "2 *run dim"]:
        """The ε_k = ±1 of β = Σ_k ε_k|u_k|^D: at odd depth a negative u enters with the other sign."""
        signs = np.sign(theta) if self.depth % 2 else np.ones_like(theta)
        signs[1] *= -1
        return signs

    def predictor(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """u₊^D − u₋^D."""
        powers = power(theta, self.depth)
        predictor: Float64[np.ndarray, "*run dim"] = powers[0] - powers[1]
        return predictor

    def jacobian(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "part *run dim"]:
        """(D·u₊^(D−1), −D·u₋^(D−1))."""
        slopes = self.depth * power(theta, self.depth - 1)
        return np.stack([slopes[0], -slopes[1]])

    def second_derivative(
        self, theta: Float64[np.ndarray, "part *run dim"]
    ) -> Float64[np.ndarray, "part part *run dim"]:
        """diag(D(D−1)·u₊^(D−2), −D(D−1)·u₋^(D−2))."""
        second_derivatives = self.depth * (self.depth - 1) * power(theta, self.depth - 2)
        zero = np.zeros_like(second_derivatives[0])
        return np.stack([np.stack([second_derivatives[0], zero]), np.stack([zero, -second_derivatives[1]])])

    def tangent_weights(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """D²(u₊^(2(D−1)) + u₋^(2(D−1)))."""
        squares = np.square(power(theta, self.depth - 1))
        tangent_weights: Float64[np.ndarray, "*run dim"] = self.depth**2 * (squares[0] + squares[1])
        return tangent_weights

    def least_tangent_weights(self, predictor: Float64[np.ndarray, "*run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """D²|β|^p, where one of u₊ and u₋ vanishes; at odd D a negative entry of u may halve β: 2^(1−p) times that."""
        tangent_weights: Float64[np.ndarray, "*run dim"] = self.depth**2 * np.abs(predictor) ** self.predictor_power
        return tangent_weights


@dataclass(frozen=True, slots=True)
class UV:
    """β = u₊∘v₊ − u₋∘v₋ (eq. 34 of Nacson et al. 2022); c = u₊² + u₋² + v₊² + v₋², and at least 2|β|."""

    @property
    def parts(self) -> tuple[str, ...]:
        """u₊, u₋, v₊ and v₋."""
        return ("u_plus", "u_minus", "v_plus", "v_minus")

    @property
    def degree(self) -> int:
        """Two layers."""
        return 2

    @property
    def key(self) -> str:
        """The one word uv."""
        return "uv"

    @property
    def step_kind(self) -> StepKind:
        """Of two layers that are not tied."""
        return StepKind.UV

    @property
    def squared_step_ratio(self) -> float:
        """½."""
        return 0.5

    @property
    def squared_scale_ratio(self) -> float:
        """1: from u± = v± = α the equivalent u± are α."""
        return 1.0

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """All four."""
        return self.parts

    def initial(self, scales: Float64[np.ndarray, "2 dim"], shape: float) -> Float64[np.ndarray, "4 dim"]:
        """u± = a·√((1−s)/(1+s)) and v± = a·√((1+s)/(1−s)), of the product a², with the shape s (Azulay et al. 2021)."""
        stretch = np.sqrt((1 - shape) / (1 + shape))
        return np.concatenate([scales * stretch, scales / stretch])

    def as_squared(self, theta: Float64[np.ndarray, "4 *run dim"]) -> Float64[np.ndarray, "2 *run dim"]:
        """By `core.networks.uv_equivalence`."""
        return uv_equivalence.equivalent_squared_model(theta)

    def moved_along_flow(
        self, theta: Float64[np.ndarray, "4 *run dim"], change: Float64[np.ndarray, "*run dim"]
    ) -> Float64[np.ndarray, "4 *run dim"]:
        """A hyperbolic turn, by `core.networks.uv_equivalence`."""
        return uv_equivalence.moved_along_flow(theta, change)

    def predictor(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """u₊v₊ − u₋v₋."""
        predictor: Float64[np.ndarray, "*run dim"] = theta[0] * theta[2] - theta[1] * theta[3]
        return predictor

    def jacobian(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "part *run dim"]:
        """(v₊, −v₋, u₊, −u₋)."""
        return np.stack([theta[2], -theta[3], theta[0], -theta[1]])

    def second_derivative(
        self, theta: Float64[np.ndarray, "part *run dim"]
    ) -> Float64[np.ndarray, "part part *run dim"]:
        """1 between u₊ and v₊, −1 between u₋ and v₋."""
        second_derivatives = np.zeros((4, *theta.shape))
        second_derivatives[0, 2] = second_derivatives[2, 0] = 1.0
        second_derivatives[1, 3] = second_derivatives[3, 1] = -1.0
        return second_derivatives

    def tangent_weights(self, theta: Float64[np.ndarray, "part *run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """u₊² + u₋² + v₊² + v₋²."""
        tangent_weights: Float64[np.ndarray, "*run dim"] = np.square(theta).sum(axis=0)
        return tangent_weights

    def least_tangent_weights(self, predictor: Float64[np.ndarray, "*run dim"]) -> Float64[np.ndarray, "*run dim"]:
        """2|β|, where |u| = |v| and one of the two products vanishes."""
        tangent_weights: Float64[np.ndarray, "*run dim"] = 2 * np.abs(predictor)
        return tangent_weights


@dataclass(frozen=True, slots=True)
class Product(UV):
    """β = u∘v, the UV network whose u₋ and v₋ start at 0, where their gradients vanish as well: they stay there.

    So its steps, sharpness and tangent weights u² + v² are those of (u, v). With u± = (u ± v)/2 it is the squared model
    β = u₊² − u₋² at half the step size, and of twice the sharpness.
    """

    @property
    def key(self) -> str:
        """The word uv_product."""
        return "uv_product"

    @property
    def squared_scale_ratio(self) -> float:
        """2: from u = a·1 and v = 0 the equivalent u± are a/2."""
        return 2.0

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The two vectors u and v, which are called u₊ and v₊."""
        return ("u_plus", "v_plus")

    def initial(
        self,
        scales: Float64[np.ndarray, "2 dim"],
        shape: float,  # noqa: ARG002 - it starts at β = 0
    ) -> Float64[np.ndarray, "4 dim"]:
        """From the scales of the positive half u, and v = 0: as Andriushchenko and Flammarion 2022, and others."""
        return np.stack([scales[0], *np.zeros((3, *scales[0].shape))])


def power(base: Float64[np.ndarray, "..."], exponent: int) -> Float64[np.ndarray, "..."]:
    """base^exponent for a whole exponent ≥ 0, sign kept, by repeated squaring: many times faster than `**`."""
    result, square = None, base
    while exponent:
        if exponent % 2:
            result = square if result is None else result * square
        exponent //= 2
        if exponent:
            square = np.square(square)
    if result is None:
        return np.ones_like(base)
    return base.copy() if result is base else result
