"""Descent on many runs at once, every run with its own step size.

The runs ("lanes") of a batch share X, y and the network. Lanes are padded to whole tiles of 16, and every matrix
product is made tile by tile, so all products have one shape whatever the batch: the bits of a lane depend on nothing
but the lane and the BLAS kernel, neither on its place in the batch nor on its company (a test proves this on the
machine at hand).
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

from core.gradient_noise import Perturbation
from core.gradient_step import gradient_step
from core.networks import Network

TILE: Final = 16
"""Lanes of one matrix product."""

UNPERTURBED: Final = Perturbation()


def padded(lanes: int) -> int:
    """`lanes` rounded up to whole tiles."""
    return -(-lanes // TILE) * TILE


class Descent:
    """The state of a batch of lanes and the buffers to advance it in place.

    `theta` holds the parameters, shape (part, lane, dim); `gradient_sum` is Σ_t x_t with x_t = rate·η_t·g_t, shape
    (lane, dim), the accumulator of the implicit-bias certificate (`core.gradient_step`). `velocity` is θ(t) − θ(t−1)
    for heavy-ball momentum, None for any other optimiser. Lanes beyond `lanes` are idle copies of lane 0.

    Cost at D = 2: 4·N·d flops and nine passes over (lane, dim) per lane and step.
    """

    def __init__(  # noqa: PLR0913 - the problem and the state, all named
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        *,
        network: Network,
        theta: Float64[np.ndarray, "part run dim"],
        gradient_sum: Float64[np.ndarray, "run dim"],
        velocity: Float64[np.ndarray, "part run dim"] | None = None,
    ) -> None:
        samples, dim = X.shape
        self.lanes = theta.shape[1]
        width = padded(self.lanes)
        order = np.arange(width)
        order[self.lanes :] = 0
        self._X = np.ascontiguousarray(X)
        self._X_transposed = np.ascontiguousarray(X.T)
        self._y = y
        self._step = gradient_step(network, width, dim)
        self._network = network
        self._theta = np.ascontiguousarray(theta[:, order])
        self._velocity = None if velocity is None else np.ascontiguousarray(velocity[:, order])
        self._gradient_sum = np.ascontiguousarray(gradient_sum[order])
        self._predictor = np.empty((width, dim))
        self._residual = np.empty((width, samples))
        self._x = np.empty((width, dim))
        tiles = width // TILE
        self._predictor_tiles = self._predictor.reshape(tiles, TILE, dim)
        self._residual_tiles = self._residual.reshape(tiles, TILE, samples)
        self._x_tiles = self._x.reshape(tiles, TILE, dim)

    @property
    def theta(self) -> Float64[np.ndarray, "part run dim"]:
        """The parameters of the lanes; a view, valid until the next step."""
        return self._theta[:, : self.lanes]

    @property
    def velocity(self) -> Float64[np.ndarray, "part run dim"] | None:
        """θ(t) − θ(t−1) of the lanes; a view, valid until the next step."""
        return None if self._velocity is None else self._velocity[:, : self.lanes]

    @property
    def gradient_sum(self) -> Float64[np.ndarray, "run dim"]:
        """Σ_t x_t of the lanes; a view, valid until the next step."""
        return self._gradient_sum[: self.lanes]

    def advance(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        *,
        perturbation: Perturbation = UNPERTURBED,
        momentum: Float64[np.ndarray, "step run"] | None = None,
    ) -> None:
        """Take one step for each row of `step_sizes`, with the residual of each step perturbed.

        `momentum` is what each step keeps of the velocity, where there is one. Overflow is no error here: a lane that
        diverges goes to infinity or NaN by itself and disturbs no other.
        """
        coefficients = self._wide(step_sizes * (self._step.rate / len(self._y)))[:, :, None]
        kept = None if momentum is None else self._wide(momentum)[:, :, None]
        with np.errstate(all="ignore"):
            for step, coefficient in enumerate(coefficients):
                self._compute_residual()
                self._perturb(perturbation, step)
                np.multiply(self._residual, coefficient, out=self._residual)
                np.matmul(self._residual_tiles, self._X, out=self._x_tiles)
                self._move(None if kept is None else kept[step])
                np.add(self._gradient_sum, self._x, out=self._gradient_sum)

    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""
        with np.errstate(all="ignore"):
            self._compute_residual()
            # One row at a time, so that a lane's bits cannot depend on how many rows there are.
            squares = [float(row @ row) for row in self._residual[: self.lanes]]
            return np.array(squares) / (2 * len(self._y))

    def kick(self, lane: int, step_size: float, residual: Float64[np.ndarray, " sample"]) -> None:
        """One plain gradient step of one lane with the given residual in place of its own.

        The step stays in the row space of X and enters the lane's `gradient_sum`, so the certificate goes on holding.
        """
        x = (self._step.rate * step_size / len(self._y)) * (residual @ self._X)
        theta = self._theta[:, lane : lane + 1]
        step = gradient_step(self._network, 1, len(x))
        with np.errstate(all="ignore"):  # a lane may have blown up since it was last looked at
            step.predict(theta, np.empty((1, len(x))))
            step.move(theta, x[None])
            self._gradient_sum[lane] += x

    def _wide(self, values: Float64[np.ndarray, "step run"]) -> Float64[np.ndarray, "step lane"]:
        """Values for all lanes: idle ones step as lane 0 does, and stay its copies, finite for as long as it is."""
        wide = np.empty((len(values), len(self._x)))
        wide[:, : self.lanes] = values
        wide[:, self.lanes :] = values[:, :1]
        return wide

    def _compute_residual(self) -> None:
        self._step.predict(self._theta, self._predictor)
        np.matmul(self._predictor_tiles, self._X_transposed, out=self._residual_tiles)
        np.subtract(self._residual, self._y, out=self._residual)

    def _perturb(self, perturbation: Perturbation, step: int) -> None:
        lanes, idle = self._residual[: self.lanes], self._residual[self.lanes :]
        if perturbation.shift is not None:
            np.subtract(lanes, perturbation.shift[step], out=lanes)
            np.subtract(idle, perturbation.shift[step, 0], out=idle)
        if perturbation.weight is not None:
            np.multiply(lanes, perturbation.weight[step], out=lanes)
            np.multiply(idle, perturbation.weight[step, 0], out=idle)

    def _move(self, kept: Float64[np.ndarray, "lane 1"] | None) -> None:
        if kept is None or self._velocity is None:
            self._step.move(self._theta, self._x)
            return
        np.multiply(self._velocity, kept, out=self._velocity)
        np.add(self._velocity, self._step.change(self._theta, self._x), out=self._velocity)
        np.add(self._theta, self._velocity, out=self._theta)
