"""Steps whose gradient is taken elsewhere than at θ, on any diagonal network, from the definitions in their papers.

SAM (Foret et al. 2021; Andriushchenko and Flammarion 2022), Nesterov's iteration in its own two sequences (Nesterov
1983), and noise before the gradient step (Orvieto et al. 2023).
"""

import numpy as np

from tests.reference.network_by_hand import residuals, slopes

Array = np.ndarray


def gradient(X: Array, y: Array, theta: Array, depth: int | None) -> Array:
    """∇L of L = ½Ê(⟨β, x⟩ − y)²; `depth` None is the UV model."""
    total = np.zeros_like(theta)
    slope = np.array(slopes(theta.tolist(), depth))
    for row, left in zip(X, residuals(X.tolist(), y.tolist(), theta.tolist(), depth), strict=True):
        total += slope * left * row / len(y)
    return total


def _ascended(theta: Array, uphill: Array, rho: float, *, normalized: bool) -> Array:
    length = np.sqrt(np.square(uphill).sum()) if normalized else 1.0
    return theta + rho * uphill / length if length else theta


def sharpness_aware(
    X: Array,
    y: Array,
    theta: Array,
    *,
    depth: int | None,
    step_size: float,
    rho: float,
    each_sample: bool,
    normalized: bool,
    steps: int,
) -> Array:
    """θ after so many steps of n-SAM, or for `each_sample` of 1-SAM."""
    groups = [[n] for n in range(len(y))] if each_sample else [list(range(len(y)))]
    for _ in range(steps):
        total = np.zeros_like(theta)
        for group in groups:
            there = _ascended(theta, gradient(X[group], y[group], theta, depth), rho, normalized=normalized)
            total += gradient(X[group], y[group], there, depth) / len(groups)
        theta = theta - step_size * total
    return theta


def nesterov(
    X: Array, y: Array, theta: Array, *, depth: int | None, step_size: float, momentum: float, steps: int
) -> Array:
    """The extrapolated point after so many steps of x(t+1) = z(t) − η∇L(z(t)), z(t+1) = x(t+1) + m(x(t+1) − x(t))."""
    before, extrapolated = theta, theta
    for _ in range(steps):
        now = extrapolated - step_size * gradient(X, y, extrapolated, depth)
        before, extrapolated = now, now + momentum * (now - before)
    return extrapolated


def with_noise(X: Array, y: Array, theta: Array, noise: Array, *, depth: int | None, step_size: float) -> Array:
    """θ after a step for each noise on θ, of shape (step, part, dim)."""
    for each in noise:
        theta = theta - step_size * gradient(X, y, theta + each, depth)
    return theta
