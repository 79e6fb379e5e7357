"""Steps whose gradient is taken elsewhere than at θ, in PyTorch, in place: SAM and parameter noise."""

from collections.abc import Callable
from math import comb

import numpy as np
import torch

from benchmarks.baselines.batch import Batch


class TorchElsewhereLoop:
    """1-SAM by products with the powers of X, as `benchmarks.baselines.jax_elsewhere`."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._depth, self._taken = batch, batch.depth, 0
        self._u = torch.from_numpy(batch.theta.copy())
        self._powers = [torch.from_numpy(batch.X.copy())]
        while batch.by_samples and len(self._powers) <= batch.depth:
            self._powers.append(self._powers[-1] * self._powers[0])
        self._y, self._coefficients = torch.from_numpy(batch.y.copy()), torch.from_numpy(batch.coefficients)
        self._rho = None if batch.rho is None else torch.from_numpy(batch.rho)[:, None]
        self._noise = None if batch.parameters is None else torch.from_numpy(batch.parameters)
        self._there, self._slopes, self._parts = (torch.empty_like(self._u) for _ in range(3))
        self._a, self._x = (torch.empty_like(self._u[0]) for _ in range(2))
        self._residual, self._pull, self._raised, self._product = (
            torch.empty((len(batch.step_sizes), len(batch.y)), dtype=torch.float64) for _ in range(4)
        )

    def advance(self, steps: int) -> None:
        """Take steps."""
        step: Callable[[int], None] = self._by_samples if self._batch.by_samples else self._by_the_mean
        if self._noise is not None:
            step = self._with_noise
        with torch.no_grad():
            for t in range(self._taken, self._taken + steps):
                step(t % self._batch.period)
        self._taken += steps

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return np.array(self._u.numpy())

    def _with_noise(self, t: int) -> None:
        assert self._noise is not None
        torch.add(self._u, self._noise[t], out=self._there)
        self._step_from_there()

    def _by_the_mean(self, _: int) -> None:
        assert self._rho is not None
        self._compute_residual(self._u)
        torch.matmul(self._residual, self._powers[0], out=self._x)
        self._slopes.mul_(self._x)
        factor = self._rho * (self._depth / len(self._y))
        if self._batch.normalized:
            factor = self._rho / torch.sqrt(torch.square(self._slopes).sum(dim=(0, 2)))[:, None]
        torch.addcmul(self._u[0], self._slopes[0], factor, out=self._there[0])
        torch.addcmul(self._u[1], self._slopes[1], factor, value=-1, out=self._there[1])
        self._step_from_there()

    def _step_from_there(self) -> None:
        self._compute_residual(self._there)
        self._residual.mul_(self._coefficients)
        torch.matmul(self._residual, self._powers[0], out=self._x)
        self._u[0].addcmul_(self._slopes[0], self._x, value=-1)
        self._u[1].addcmul_(self._slopes[1], self._x)

    def _compute_residual(self, theta: torch.Tensor) -> None:
        """Write Xβ − y, and θ^(D−1) to slopes."""
        self._slopes.copy_(theta)
        for _ in range(self._depth - 2):
            self._slopes.mul_(theta)
        torch.mul(self._slopes, theta, out=self._parts)
        torch.sub(self._parts[0], self._parts[1], out=self._a)
        torch.matmul(self._a, self._powers[0].T, out=self._residual)
        self._residual.sub_(self._y)

    def _by_samples(self, _: int) -> None:
        assert self._rho is not None
        depth, u, parts = self._depth, self._u, self._parts
        self._compute_residual(u)
        torch.mul(self._residual, depth * self._rho, out=self._pull)
        self._raised.copy_(self._pull)
        for j in range(1, depth + 1):
            for _ in range(depth - 2):
                parts.mul_(u)
            torch.add(parts[0], parts[1], alpha=1 if j % 2 else -1, out=self._a)
            torch.matmul(self._a, self._powers[j].T, out=self._product)
            self._residual.addcmul_(self._product, self._raised, value=comb(depth, j))
            self._raised.mul_(self._pull)
        self._residual.mul_(self._coefficients)
        self._there.zero_()
        for j in range(depth):
            torch.matmul(self._residual, self._powers[j], out=self._x)
            self._there[0].addcmul_(self._slopes[0], self._x, value=-comb(depth - 1, j))
            self._there[1].addcmul_(self._slopes[1], self._x, value=(-1) ** j * comb(depth - 1, j))
            self._residual.mul_(self._pull)
            for _ in range(depth - 2):
                self._slopes.mul_(u)
        u.add_(self._there)
