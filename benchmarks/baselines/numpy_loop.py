"""The loop in NumPy, every buffer reused."""

import numpy as np

from benchmarks.baselines.batch import Batch, Loop
from benchmarks.baselines.numpy_elsewhere import ElsewhereLoop, is_elsewhere


class NumpyLoop:
    """The step in place: two matrix products and the passes over (run, dim) that the formula has."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._taken, self._shrink = batch, 0, batch.shrink
        self._u, self._powers = batch.theta.copy(), np.empty_like(batch.theta)
        self._velocity = np.zeros_like(batch.theta)
        self._u_plus, self._u_minus = self._u
        self._a, self._b = np.empty_like(self._u_plus), np.empty_like(self._u_plus)
        self._residual = np.empty((len(batch.step_sizes), len(batch.y)))
        self._x = np.empty_like(self._u_plus)

    def advance(self, steps: int) -> None:
        """Take steps."""
        is_plain = self._batch.depth == 2 and self._batch.momentum is None
        step = self._squared_step if is_plain else self._step
        for t in range(self._taken, self._taken + steps):
            step(t % self._batch.period)
        self._taken += steps

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return self._u.copy()

    def _squared_step(self, t: int) -> None:
        np.multiply(self._u_plus, self._u_plus, out=self._a)
        np.multiply(self._u_minus, self._u_minus, out=self._b)
        self._compute_x(t)
        kept = 1.0 if self._shrink is None else self._shrink
        np.subtract(kept, self._x, out=self._a)
        np.multiply(self._u_plus, self._a, out=self._u_plus)
        np.add(kept, self._x, out=self._a)
        np.multiply(self._u_minus, self._a, out=self._u_minus)

    def _step(self, t: int) -> None:
        for u, power, product in zip(self._u, self._powers, (self._a, self._b), strict=True):
            base = u
            for _ in range(self._batch.depth - 2):  # `np.power` is far slower
                base = np.multiply(base, u, out=power)
            np.multiply(base, u, out=product)
        self._compute_x(t)
        np.multiply(self._u if self._batch.depth == 2 else self._powers, self._x, out=self._powers)
        if self._shrink is not None:
            np.multiply(self._u, self._shrink, out=self._u)
        if self._batch.momentum is None:
            np.subtract(self._u_plus, self._powers[0], out=self._u_plus)
            np.add(self._u_minus, self._powers[1], out=self._u_minus)
            return
        np.multiply(self._velocity, self._batch.momentum[:, None], out=self._velocity)
        np.subtract(self._velocity[0], self._powers[0], out=self._velocity[0])
        np.add(self._velocity[1], self._powers[1], out=self._velocity[1])
        if self._batch.looks_ahead:
            np.subtract(self._u_plus, self._powers[0], out=self._u_plus)
            np.add(self._u_minus, self._powers[1], out=self._u_minus)
            np.multiply(self._velocity, self._batch.momentum[:, None], out=self._powers)
            np.add(self._u, self._powers, out=self._u)
            return
        np.add(self._u, self._velocity, out=self._u)

    def _compute_x(self, t: int) -> None:
        """Write D·η/N·(Xβ − y)ᵀX to x, with β = a − b and what step t draws; overwrites a."""
        batch = self._batch
        np.subtract(self._a, self._b, out=self._a)
        np.matmul(self._a, batch.X.T, out=self._residual)
        np.subtract(self._residual, batch.y, out=self._residual)
        if batch.shift is not None:
            np.subtract(self._residual, batch.shift[t], out=self._residual)
        if batch.weight is not None:
            np.multiply(self._residual, batch.weight[t], out=self._residual)
        np.multiply(self._residual, batch.coefficients, out=self._residual)
        np.matmul(self._residual, batch.X, out=self._x)


def prepare(batch: Batch) -> Loop:
    """The batch, ready to step."""
    return ElsewhereLoop(batch) if is_elsewhere(batch) else NumpyLoop(batch)
