"""Steps whose gradient is taken elsewhere than at θ, in NumPy, every buffer reused: SAM and parameter noise."""

from math import comb

import numpy as np

from benchmarks.baselines.batch import Batch


class ElsewhereLoop:
    """1-SAM by products with the powers of X, as `benchmarks.baselines.jax_elsewhere`."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._taken, self._u = batch, 0, batch.theta.copy()
        self._there, self._slopes, self._parts = (np.empty_like(self._u) for _ in range(3))
        self._a, self._b, self._x = (np.empty_like(self._u[0]) for _ in range(3))
        self._residual, self._left, self._pull, self._product = (
            np.empty((len(batch.step_sizes), len(batch.y))) for _ in range(4)
        )
        if batch.by_samples:
            self._powers = [batch.X]
            while len(self._powers) <= batch.depth:
                self._powers.append(self._powers[-1] * batch.X)
        self._step = self._by_samples if batch.by_samples else self._by_the_mean

    def advance(self, steps: int) -> None:
        """Take steps."""
        step = self._step if self._batch.parameters is None else self._with_noise
        for t in range(self._taken, self._taken + steps):
            step(t % self._batch.period)
        self._taken += steps

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return self._u.copy()

    def _with_noise(self, t: int) -> None:
        assert self._batch.parameters is not None
        np.add(self._u, self._batch.parameters[t], out=self._there)
        self._step_from_there()

    def _by_the_mean(self, _: int) -> None:
        batch = self._batch
        assert batch.rho is not None
        self._compute_residual(self._u)
        np.matmul(self._residual, batch.X, out=self._x)
        np.multiply(self._slopes, self._x, out=self._slopes)
        if batch.normalized:
            np.multiply(self._slopes, self._slopes, out=self._there)
            factor = batch.rho / np.sqrt(self._there.sum(axis=(0, 2)))
        else:
            factor = batch.rho * (batch.depth / len(batch.y))
        np.multiply(self._slopes, factor[:, None], out=self._slopes)
        np.add(self._u[0], self._slopes[0], out=self._there[0])
        np.subtract(self._u[1], self._slopes[1], out=self._there[1])
        self._step_from_there()

    def _step_from_there(self) -> None:
        batch = self._batch
        self._compute_residual(self._there)
        np.multiply(self._residual, batch.coefficients, out=self._residual)
        np.matmul(self._residual, batch.X, out=self._x)
        np.multiply(self._slopes, self._x, out=self._slopes)
        np.subtract(self._u[0], self._slopes[0], out=self._u[0])
        np.add(self._u[1], self._slopes[1], out=self._u[1])

    def _compute_residual(self, theta: np.ndarray) -> None:
        """Write Xβ − y, and θ^(D−1) to slopes."""
        np.copyto(self._slopes, theta)
        for _ in range(self._batch.depth - 2):
            np.multiply(self._slopes, theta, out=self._slopes)
        np.multiply(self._slopes, theta, out=self._parts)
        np.subtract(self._parts[0], self._parts[1], out=self._a)
        np.matmul(self._a, self._batch.X.T, out=self._residual)
        np.subtract(self._residual, self._batch.y, out=self._residual)

    def _by_samples(self, _: int) -> None:
        batch, depth, u, parts = self._batch, self._batch.depth, self._u, self._parts
        assert batch.rho is not None
        self._compute_residual(u)
        np.multiply(self._residual, depth * batch.rho[:, None], out=self._pull)
        np.copyto(self._left, self._pull)  # the powers of the pull, one after another
        for j in range(1, depth + 1):
            for _ in range(depth - 2):
                np.multiply(parts, u, out=parts)
            (np.add if j % 2 else np.subtract)(parts[0], parts[1], out=self._a)
            np.multiply(self._a, comb(depth, j), out=self._a)
            np.matmul(self._a, self._powers[j].T, out=self._product)
            np.multiply(self._product, self._left, out=self._product)
            np.add(self._residual, self._product, out=self._residual)
            np.multiply(self._left, self._pull, out=self._left)
        np.multiply(self._residual, batch.coefficients, out=self._residual)
        self._there.fill(0.0)
        for j in range(depth):
            np.matmul(self._residual, self._powers[j], out=self._x)
            np.multiply(self._x, comb(depth - 1, j), out=self._x)
            np.multiply(self._slopes, self._x, out=parts)
            np.subtract(self._there[0], parts[0], out=self._there[0])
            (np.subtract if j % 2 else np.add)(self._there[1], parts[1], out=self._there[1])
            np.multiply(self._residual, self._pull, out=self._residual)
            for _ in range(depth - 2):
                np.multiply(self._slopes, u, out=self._slopes)
        np.add(u, self._there, out=u)


def is_elsewhere(batch: Batch) -> bool:
    """Whether gradients are not taken at θ."""
    return batch.rho is not None or batch.parameters is not None
