"""The loop in NumPy, every buffer reused."""

import numpy as np

from benchmarks.baselines.batch import Batch


class NumpyLoop:
    """The step in place: two matrix products and the passes over (run, dim) that the formula has."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._u, self._powers = batch.theta.copy(), np.empty_like(batch.theta)
        self._u_plus, self._u_minus = self._u
        self._a, self._b = np.empty_like(self._u_plus), np.empty_like(self._u_plus)
        self._residual = np.empty((len(batch.step_sizes), len(batch.y)))
        self._x = np.empty_like(self._u_plus)

    def advance(self, steps: int) -> None:
        """Take steps."""
        step = self._squared_step if self._batch.depth == 2 else self._deep_step
        coefficients = self._batch.coefficients
        for _ in range(steps):
            step(coefficients)

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return self._u.copy()

    def _squared_step(self, coefficients: np.ndarray) -> None:
        np.multiply(self._u_plus, self._u_plus, out=self._a)
        np.multiply(self._u_minus, self._u_minus, out=self._b)
        self._compute_x(coefficients)
        np.subtract(1.0, self._x, out=self._a)
        np.multiply(self._u_plus, self._a, out=self._u_plus)
        np.add(1.0, self._x, out=self._a)
        np.multiply(self._u_minus, self._a, out=self._u_minus)

    def _deep_step(self, coefficients: np.ndarray) -> None:
        for u, power, product in zip(self._u, self._powers, (self._a, self._b), strict=True):
            np.multiply(u, u, out=power)
            for _ in range(self._batch.depth - 3):  # `np.power` is far slower
                np.multiply(power, u, out=power)
            np.multiply(power, u, out=product)
        self._compute_x(coefficients)
        np.multiply(self._powers, self._x, out=self._powers)
        np.subtract(self._u_plus, self._powers[0], out=self._u_plus)
        np.add(self._u_minus, self._powers[1], out=self._u_minus)

    def _compute_x(self, coefficients: np.ndarray) -> None:
        """Write D·η/N·(Xβ − y)ᵀX to x, with β = a − b; overwrites a."""
        np.subtract(self._a, self._b, out=self._a)
        np.matmul(self._a, self._batch.X.T, out=self._residual)
        np.subtract(self._residual, self._batch.y, out=self._residual)
        np.multiply(self._residual, coefficients, out=self._residual)
        np.matmul(self._residual, self._batch.X, out=self._x)


def prepare(batch: Batch) -> NumpyLoop:
    """The batch, ready to step."""
    return NumpyLoop(batch)
