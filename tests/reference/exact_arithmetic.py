"""Gradient descent on the squared model with as many decimal digits as it takes, one run, straight from eq. 4."""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Warming:
    """A uniform start and a linear warm-up to a step size."""

    init_scale: float
    step_size: float
    warmup_steps: int


def descend(X: np.ndarray, y: np.ndarray, run: Warming, *, steps: int, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """u₊ and u₋ after so many steps of u± ← u±(1 ∓ 2η_t·g), rounded to float64 at the very end."""
    with localcontext(Context(prec=digits)):
        rows = [[Decimal(value) for value in row] for row in X.tolist()]
        targets = [Decimal(value) for value in y.tolist()]
        u_plus = [Decimal(run.init_scale)] * X.shape[1]
        u_minus = list(u_plus)
        rate = 2 * Decimal(run.step_size) / len(targets)
        for t in range(steps):
            beta = [p * p - m * m for p, m in zip(u_plus, u_minus, strict=True)]
            residual = [
                sum((x * b for x, b in zip(row, beta, strict=True)), -target)
                for row, target in zip(rows, targets, strict=True)
            ]
            now = rate * min(t + 1, run.warmup_steps) / run.warmup_steps
            slopes = [sum(r * x for r, x in zip(residual, column, strict=True)) for column in zip(*rows, strict=True)]
            u_plus = [p * (1 - now * slope) for p, slope in zip(u_plus, slopes, strict=True)]
            u_minus = [m * (1 + now * slope) for m, slope in zip(u_minus, slopes, strict=True)]
        return np.array([float(p) for p in u_plus]), np.array([float(m) for m in u_minus])
