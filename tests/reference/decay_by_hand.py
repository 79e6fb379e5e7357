"""Descent whose step size follows a schedule and whose weights decay, one number at a time: written from the formulas.

Weight decay as Loshchilov and Hutter 2019 have it: coupled it is part of the gradient, decoupled a factor beside the
step, with momentum as in their algorithm 1. Schedules are those of the usual libraries: milestones with
factors, an exponential and half a cosine between two step sizes, doubling.
"""

import math
from collections.abc import Sequence

import numpy as np


def step_size_at(
    step: int,
    *,
    full: float,
    warmup: int = 0,
    kind: str = "constant",
    steps: int = 0,
    factor: float = 1.0,
    at: Sequence[int] = (),
) -> float:
    """η_t; `steps` are those over which it changes, or from one doubling to the next."""
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    behind = max(0, step - warmup)
    if kind == "piecewise":
        return full * ramp * factor ** sum(step >= place for place in at)
    if kind == "exponential":
        return full * ramp * factor ** min(1.0, behind / steps)
    if kind == "cosine":
        turn = math.cos(math.pi * min(1.0, behind / steps))
        return full * ramp * (factor + (1 - factor) * 0.5 * (1 + turn))
    if kind == "doubling":
        return full * ramp * min(2.0 ** (behind // steps), factor)
    return full * ramp


def gradient(X: np.ndarray, y: np.ndarray, theta: np.ndarray, depth: int | None) -> np.ndarray:
    """∇L of β = u₊^D − u₋^D, or where the depth is None of β = u₊v₊ − u₋v₋."""
    if depth is None:
        plus, minus, v_plus, v_minus = theta
        slope = X.T @ (X @ (plus * v_plus - minus * v_minus) - y) / len(y)
        return np.stack([v_plus * slope, -v_minus * slope, plus * slope, -minus * slope])
    plus, minus = theta
    slope = X.T @ (X @ (plus**depth - minus**depth) - y) / len(y)
    return np.stack([depth * plus ** (depth - 1) * slope, -depth * minus ** (depth - 1) * slope])


def descend(
    X: np.ndarray,
    y: np.ndarray,
    theta: np.ndarray,
    step_sizes: Sequence[float],
    *,
    depth: int | None,
    decay: float = 0.0,
    until: float = math.inf,
    momentum: float = 0.0,
    is_decoupled: bool = False,
    looks_ahead: bool = False,
) -> np.ndarray:
    """θ after one step for each step size; Nesterov's `looks_ahead`: of θ where the gradient is taken."""
    theta, velocity = theta.copy(), np.zeros_like(theta)
    for step, step_size in enumerate(step_sizes):
        rate = decay if step < until else 0.0
        slope = gradient(X, y, theta, depth)
        if is_decoupled:
            change = -step_size * slope
            velocity = momentum * velocity + change
            theta = theta + (momentum * velocity + change if looks_ahead else velocity) - step_size * rate * theta
        else:
            change = -step_size * (slope + rate * theta)
            velocity = momentum * velocity + change
            theta = theta + (momentum * velocity + change if looks_ahead else velocity)
    return theta
