"""Gradient descent on the squared model, one coordinate and one step at a time, with the sums of its implicit bias."""

import math
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Path:
    """Where a run stands, and what it accumulated: Σ x, Σ q₊(x), Σ q₋(x) with x = 2ηg, and the largest |x| met."""

    u_plus: list[float]
    u_minus: list[float]
    steps_sum: list[float] = field(init=False)
    q_plus_sum: list[float] = field(init=False)
    q_minus_sum: list[float] = field(init=False)
    largest_x: float = 0.0

    def __post_init__(self) -> None:
        zeros = [0.0] * len(self.u_plus)
        self.steps_sum, self.q_plus_sum, self.q_minus_sum = zeros[:], zeros[:], zeros[:]


def predictor_gradient(X: list[list[float]], y: list[float], path: Path) -> list[float]:
    """g_i = Ê[x_i (⟨β, x⟩ − y)]."""
    gradient = [0.0] * len(path.u_plus)
    for row, target in zip(X, y, strict=True):
        value = sum(x * (p * p - m * m) for x, p, m in zip(row, path.u_plus, path.u_minus, strict=True))
        for i, x in enumerate(row):
            gradient[i] += x * (value - target) / len(X)
    return gradient


def descend(X: list[list[float]], y: list[float], path: Path, step_sizes: list[float]) -> Path:
    """Walk one gradient step for each step size and accumulate."""
    for step_size in step_sizes:
        for i, slope in enumerate(predictor_gradient(X, y, path)):
            x = 2 * step_size * slope
            path.u_plus[i] -= step_size * 2 * path.u_plus[i] * slope
            path.u_minus[i] += step_size * 2 * path.u_minus[i] * slope
            path.steps_sum[i] += x
            path.q_plus_sum[i] += -2 * x - math.log((1 - x) ** 2)
            path.q_minus_sum[i] += 2 * x - math.log((1 + x) ** 2)
            path.largest_x = max(path.largest_x, abs(x))
    return path


def loss(X: list[list[float]], y: list[float], path: Path) -> float:
    """½Ê(⟨β, x⟩ − y)²."""
    total = 0.0
    for row, target in zip(X, y, strict=True):
        value = sum(x * (p * p - m * m) for x, p, m in zip(row, path.u_plus, path.u_minus, strict=True))
        total += (value - target) ** 2 / 2
    return total / len(X)
