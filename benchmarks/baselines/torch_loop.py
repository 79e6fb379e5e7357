"""The loop in PyTorch: in place, without autograd, every buffer reused."""

import numpy as np
import torch

from benchmarks.baselines.batch import Batch

torch.set_num_threads(1)


class TorchLoop:
    """The step in place."""

    def __init__(self, batch: Batch) -> None:
        self._depth = batch.depth
        self._X, self._y = torch.from_numpy(batch.X.copy()), torch.from_numpy(batch.y.copy())
        self._coefficients = torch.from_numpy(batch.coefficients)
        self._u_plus, self._u_minus = torch.from_numpy(batch.theta.copy()).unbind()
        self._a, self._b, self._c = (torch.empty_like(self._u_plus) for _ in range(3))
        self._residual = torch.empty((len(batch.step_sizes), len(batch.y)), dtype=torch.float64)
        self._x = torch.empty_like(self._u_plus)

    @torch.no_grad()
    def advance(self, steps: int) -> None:
        """Take steps."""
        step = self._squared_step if self._depth == 2 else self._deep_step
        for _ in range(steps):
            step()

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return np.stack([self._u_plus.numpy(), self._u_minus.numpy()])

    def _squared_step(self) -> None:
        torch.mul(self._u_plus, self._u_plus, out=self._a)
        torch.addcmul(self._a, self._u_minus, self._u_minus, value=-1, out=self._a)
        self._compute_x()
        self._u_plus.addcmul_(self._u_plus, self._x, value=-1)
        self._u_minus.addcmul_(self._u_minus, self._x)

    def _deep_step(self) -> None:
        for u, power in ((self._u_plus, self._b), (self._u_minus, self._c)):
            torch.mul(u, u, out=power)
            for _ in range(self._depth - 3):
                power.mul_(u)
        torch.mul(self._b, self._u_plus, out=self._a)
        self._a.addcmul_(self._c, self._u_minus, value=-1)
        self._compute_x()
        self._u_plus.addcmul_(self._b, self._x, value=-1)
        self._u_minus.addcmul_(self._c, self._x)

    def _compute_x(self) -> None:
        """Write D·η/N·(Xβ − y)ᵀX to x, with β = a."""
        torch.matmul(self._a, self._X.T, out=self._residual)
        self._residual.sub_(self._y).mul_(self._coefficients)
        torch.matmul(self._residual, self._X, out=self._x)


def prepare(batch: Batch) -> TorchLoop:
    """The batch, ready to step."""
    return TorchLoop(batch)
