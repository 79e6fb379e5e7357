"""Gradient descent on many runs at once (depth 2): β = u₊² − u₋² (eq. 4), every run with its own step size.

The runs ("lanes") of a batch share X and y. Lanes are padded to whole tiles of 16, and every matrix product is made
tile by tile, so all products have one shape whatever the batch: the bits of a lane depend on nothing but the lane and
the BLAS kernel, neither on its place in the batch nor on its company (a test proves this on the machine at hand).
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

TILE: Final = 16
"""Lanes of one matrix product."""


def padded(lanes: int) -> int:
    """`lanes` rounded up to whole tiles."""
    return -(-lanes // TILE) * TILE


class Descent:
    """The state of a batch of lanes and the buffers to advance it in place.

    `u` holds u₊ and u₋, shape (2, lane, dim); `gradient_sum` is Σ_t x_t with x_t = 2η_t·g_t, shape (lane, dim), the
    accumulator of the implicit-bias certificate (`core.implicit_bias`). Lanes beyond `lanes` are idle copies of lane 0.

    Cost: 4·N·d flops and nine passes over (lane, dim) per lane and step.
    """

    def __init__(
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        u: Float64[np.ndarray, "2 run dim"],
        gradient_sum: Float64[np.ndarray, "run dim"],
    ) -> None:
        samples, dim = X.shape
        self.lanes = u.shape[1]
        width = padded(self.lanes)
        order = np.arange(width)
        order[self.lanes :] = 0
        self._X = np.ascontiguousarray(X)
        self._X_transposed = np.ascontiguousarray(X.T)
        self._y = y
        self._u = np.ascontiguousarray(u[:, order])
        self._gradient_sum = np.ascontiguousarray(gradient_sum[order])
        self._squares = np.empty((2, width, dim))
        self._factors = np.empty((2, width, dim))
        self._predictor = np.empty((width, dim))
        self._residual = np.empty((width, samples))
        self._x = np.empty((width, dim))
        tiles = width // TILE
        self._predictor_tiles = self._predictor.reshape(tiles, TILE, dim)
        self._residual_tiles = self._residual.reshape(tiles, TILE, samples)
        self._x_tiles = self._x.reshape(tiles, TILE, dim)

    @property
    def u(self) -> Float64[np.ndarray, "2 run dim"]:
        """u₊ and u₋ of the lanes; a view, valid until the next step."""
        return self._u[:, : self.lanes]

    @property
    def gradient_sum(self) -> Float64[np.ndarray, "run dim"]:
        """Σ_t x_t of the lanes; a view, valid until the next step."""
        return self._gradient_sum[: self.lanes]

    def advance(self, step_sizes: Float64[np.ndarray, "step run"]) -> None:
        """Take one step for each row of `step_sizes`: u± ← u±∘(1 ∓ x), x = 2η·Xᵀ(Xβ − y)/N.

        Overflow is no error here: a lane that diverges goes to infinity or NaN by itself and disturbs no other.
        """
        coefficients = np.ones((len(step_sizes), self._u.shape[1], 1))
        coefficients[:, : self.lanes, 0] = step_sizes * (2.0 / len(self._y))
        # Idle lanes step as lane 0 does: they stay its copies, finite for as long as it is.
        coefficients[:, self.lanes :] = coefficients[:, :1]
        with np.errstate(all="ignore"):
            for coefficient in coefficients:
                self._compute_residual()
                np.multiply(self._residual, coefficient, out=self._residual)
                np.matmul(self._residual_tiles, self._X, out=self._x_tiles)
                self._move()

    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""
        with np.errstate(all="ignore"):
            self._compute_residual()
            # One row at a time, so that a lane's bits cannot depend on how many rows there are.
            squares = [float(row @ row) for row in self._residual[: self.lanes]]
            return np.array(squares) / (2 * len(self._y))

    def kick(self, lane: int, step_size: float, residual: Float64[np.ndarray, " sample"]) -> None:
        """One step of one lane with the given residual in place of its own.

        The step stays in the row space of X and enters the lane's `gradient_sum`, so the certificate goes on holding.
        """
        x = (2.0 * step_size / len(self._y)) * (residual @ self._X)
        self._u[0, lane] *= 1.0 - x
        self._u[1, lane] *= 1.0 + x
        self._gradient_sum[lane] += x

    def _compute_residual(self) -> None:
        np.multiply(self._u, self._u, out=self._squares)
        np.subtract(self._squares[0], self._squares[1], out=self._predictor)
        np.matmul(self._predictor_tiles, self._X_transposed, out=self._residual_tiles)
        np.subtract(self._residual, self._y, out=self._residual)

    def _move(self) -> None:
        np.subtract(1.0, self._x, out=self._factors[0])
        np.add(1.0, self._x, out=self._factors[1])
        np.multiply(self._u, self._factors, out=self._u)
        np.add(self._gradient_sum, self._x, out=self._gradient_sum)
