"""The gradient step of each network, in place on a batch of runs.

With g the gradient in the predictor and x = rate·η·g every part of θ moves by a product of other parts with x:

    squared (D = 2)   rate 2   u± ← u±∘(1 ∓ x)
    depth D           rate D   u± ← u± ∓ u±^(D−1)∘x
    UV                rate 1   u± ← u± ∓ v±∘x,  v± ← v± ∓ u±∘x

so Σ_t x_t, which lies in the row space of X, is what a run accumulates for its certificate (`core.implicit_bias`).
"""

from typing import Protocol

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network, StepKind


class GradientStep(Protocol):
    """A network's step with its buffers, for θ of one fixed shape (part, lane, dim)."""

    rate: float

    def predict(self, theta: Float64[np.ndarray, "part run dim"], out: Float64[np.ndarray, "run dim"]) -> None:
        """Write β(θ) to `out`."""
        ...

    def move(self, theta: Float64[np.ndarray, "part run dim"], x: Float64[np.ndarray, "run dim"]) -> None:
        """Take one step: θ ← θ + change(θ, x), where `predict` was called last on this θ."""
        ...

    def change(
        self, theta: Float64[np.ndarray, "part run dim"], x: Float64[np.ndarray, "run dim"]
    ) -> Float64[np.ndarray, "part run dim"]:
        """What one step would add to θ, as `move`, in a buffer that is valid until the next call."""
        ...


def gradient_step(network: Network, lanes: int, dim: int) -> GradientStep:
    """The step of a network for θ of shape (part, lanes, dim)."""
    match network.step_kind:
        case StepKind.SQUARED:
            return _SquaredStep(lanes, dim)
        case StepKind.DEEP:
            return _DeepStep(network.degree, lanes, dim)
        case StepKind.UV:
            return _UVStep(lanes, dim)


class _SquaredStep:
    rate = 2.0

    def __init__(self, lanes: int, dim: int) -> None:
        self._squares = np.empty((2, lanes, dim))

    def predict(self, theta: np.ndarray, out: np.ndarray) -> None:
        np.multiply(theta, theta, out=self._squares)
        np.subtract(self._squares[0], self._squares[1], out=out)

    def move(self, theta: np.ndarray, x: np.ndarray) -> None:
        factors = self._squares
        np.subtract(1.0, x, out=factors[0])
        np.add(1.0, x, out=factors[1])
        np.multiply(theta, factors, out=theta)

    def change(self, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
        np.multiply(theta, x, out=self._squares)
        np.negative(self._squares[0], out=self._squares[0])
        return self._squares


class _DeepStep:
    def __init__(self, depth: int, lanes: int, dim: int) -> None:
        self.rate = float(depth)
        self._squarings = bin(depth - 1)[3:]
        self._powers = np.empty((2, lanes, dim))  # u^(D−1), from `predict` to the step
        self._products = np.empty((2, lanes, dim))

    def predict(self, theta: np.ndarray, out: np.ndarray) -> None:
        self._raise(theta)
        np.multiply(self._powers, theta, out=self._products)
        np.subtract(self._products[0], self._products[1], out=out)

    def move(self, theta: np.ndarray, x: np.ndarray) -> None:
        np.multiply(self._powers, x, out=self._products)
        np.subtract(theta[0], self._products[0], out=theta[0])
        np.add(theta[1], self._products[1], out=theta[1])

    def change(self, theta: np.ndarray, x: np.ndarray) -> np.ndarray:  # noqa: ARG002 - its powers are there
        np.multiply(self._powers, x, out=self._products)
        np.negative(self._products[0], out=self._products[0])
        return self._products

    def _raise(self, theta: np.ndarray) -> None:
        """By repeated squaring from the leading bit of the exponent; the first product needs no copy of θ."""
        power = theta
        for bit in self._squarings:
            np.multiply(power, power, out=self._powers)
            power = self._powers
            if bit == "1":
                np.multiply(power, theta, out=power)


class _UVStep:
    rate = 1.0

    def __init__(self, lanes: int, dim: int) -> None:
        self._products = np.empty((4, lanes, dim))

    def predict(self, theta: np.ndarray, out: np.ndarray) -> None:
        np.multiply(theta[:2], theta[2:], out=self._products[:2])
        np.subtract(self._products[0], self._products[1], out=out)

    def move(self, theta: np.ndarray, x: np.ndarray) -> None:
        np.add(theta, self.change(theta, x), out=theta)

    def change(self, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
        np.multiply(theta[2:], x, out=self._products[:2])
        np.multiply(theta[:2], x, out=self._products[2:])
        np.negative(self._products[::2], out=self._products[::2])
        return self._products
