"""The loop in PyTorch: in place, without autograd, every buffer reused."""

import numpy as np
import torch

from benchmarks.baselines.batch import Batch, Loop
from benchmarks.baselines.numpy_elsewhere import is_elsewhere
from benchmarks.baselines.torch_elsewhere import TorchElsewhereLoop

torch.set_num_threads(1)


class TorchLoop:
    """The step in place."""

    def __init__(self, batch: Batch) -> None:
        self._depth, self._period, self._taken, self._looks_ahead = batch.depth, batch.period, 0, batch.looks_ahead
        self._shrink = None if batch.shrink is None else torch.from_numpy(batch.shrink)
        self._X, self._y = torch.from_numpy(batch.X.copy()), torch.from_numpy(batch.y.copy())
        self._coefficients = torch.from_numpy(batch.coefficients)
        self._theta = torch.from_numpy(batch.theta.copy())
        self._u_plus, self._u_minus = self._theta.unbind()
        self._velocity = torch.zeros_like(self._theta)
        self._momentum = None if batch.momentum is None else torch.from_numpy(batch.momentum)[:, None]
        self._shift, self._weight = (
            None if rows is None else torch.from_numpy(rows) for rows in (batch.shift, batch.weight)
        )
        self._a, self._b, self._c = (torch.empty_like(self._u_plus) for _ in range(3))
        self._residual = torch.empty((len(batch.step_sizes), len(batch.y)), dtype=torch.float64)
        self._x = torch.empty_like(self._u_plus)

    def advance(self, steps: int) -> None:
        """Take steps."""
        step = self._squared_step if self._depth == 2 and self._momentum is None else self._step
        with torch.no_grad():
            for t in range(self._taken, self._taken + steps):
                step(t % self._period)
        self._taken += steps

    def theta(self) -> np.ndarray:
        """The present parameters."""
        return np.array(self._theta.numpy())

    def _squared_step(self, t: int) -> None:
        torch.mul(self._u_plus, self._u_plus, out=self._a)
        torch.addcmul(self._a, self._u_minus, self._u_minus, value=-1, out=self._a)
        self._compute_x(t)
        if self._shrink is not None:
            self._u_plus.mul_(torch.sub(self._shrink, self._x, out=self._a))
            self._u_minus.mul_(torch.add(self._shrink, self._x, out=self._a))
            return
        self._u_plus.addcmul_(self._u_plus, self._x, value=-1)
        self._u_minus.addcmul_(self._u_minus, self._x)

    def _step(self, t: int) -> None:
        for u, power in ((self._u_plus, self._b), (self._u_minus, self._c)):
            power.copy_(u)
            for _ in range(self._depth - 2):
                power.mul_(u)
        torch.mul(self._b, self._u_plus, out=self._a)
        self._a.addcmul_(self._c, self._u_minus, value=-1)
        self._compute_x(t)
        if self._shrink is not None:
            self._theta.mul_(self._shrink)
        if self._momentum is None:
            self._u_plus.addcmul_(self._b, self._x, value=-1)
            self._u_minus.addcmul_(self._c, self._x)
            return
        self._velocity.mul_(self._momentum)
        self._velocity[0].addcmul_(self._b, self._x, value=-1)
        self._velocity[1].addcmul_(self._c, self._x)
        if self._looks_ahead:
            self._u_plus.addcmul_(self._b, self._x, value=-1)
            self._u_minus.addcmul_(self._c, self._x)
            self._theta.addcmul_(self._velocity, self._momentum)
            return
        self._theta.add_(self._velocity)

    def _compute_x(self, t: int) -> None:
        """Write D·η/N·(Xβ − y)ᵀX to x, with β = a and what step t draws."""
        torch.matmul(self._a, self._X.T, out=self._residual)
        self._residual.sub_(self._y)
        if self._shift is not None:
            self._residual.sub_(self._shift[t])
        if self._weight is not None:
            self._residual.mul_(self._weight[t])
        self._residual.mul_(self._coefficients)
        torch.matmul(self._residual, self._X, out=self._x)


def prepare(batch: Batch) -> Loop:
    """The batch, ready to step."""
    return TorchElsewhereLoop(batch) if is_elsewhere(batch) else TorchLoop(batch)
