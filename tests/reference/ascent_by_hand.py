"""Sharpness-aware minimisation of diagonal networks of any depth, from its formula (Foret et al. 2021).

g(θ) = ∇L(θ), θ ← θ − η·g(θ + ρ·g(θ)/‖g(θ)‖), with heavy ball v ← m·v − η·g(…), θ ← θ + v.
"""

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def gradient(X: Rows, y: Sequence[float], theta: Sequence[float], depth: int) -> list[float]:
    """∂L/∂θ of L = ½Ê(⟨β, x⟩ − y)², θ = (u₊, u₋) in one row."""
    dim = len(theta) // 2
    beta = [theta[i] ** depth - theta[dim + i] ** depth for i in range(dim)]
    left = [
        math.fsum([*(x * b for x, b in zip(row, beta, strict=True)), -target]) for row, target in zip(X, y, strict=True)
    ]
    slope = [math.fsum(row[i] * r for row, r in zip(X, left, strict=True)) / len(y) for i in range(dim)]
    signs = [1] * dim + [-1] * dim
    return [
        sign * depth * u ** (depth - 1) * slope[k % dim] for k, (u, sign) in enumerate(zip(theta, signs, strict=True))
    ]


def descend(
    X: Rows,
    y: Sequence[float],
    start: Sequence[float],
    *,
    depth: int,
    step_size: float,
    momentum: float,
    radius: float,
    steps: int,
) -> list[float]:
    """θ after so many steps."""
    theta, velocity = list(start), [0.0] * len(start)
    for _ in range(steps):
        uphill = gradient(X, y, theta, depth)
        length = math.hypot(*uphill)
        ascended = [u + radius * each / length if length else u for u, each in zip(theta, uphill, strict=True)]
        velocity = [
            momentum * v - step_size * each for v, each in zip(velocity, gradient(X, y, ascended, depth), strict=True)
        ]
        theta = [u + v for u, v in zip(theta, velocity, strict=True)]
    return theta
