"""Descent on any diagonal network, one parameter at a time, from the definition of the loss and its derivatives."""

from collections.abc import Sequence

Rows = list[list[float]]


def predictor(theta: Rows, depth: int | None) -> list[float]:
    """β_i of the parts of θ: u₊^D − u₋^D, or u₊v₊ − u₋v₋ for `depth` None."""
    if depth is None:
        return [p * vp - m * vm for p, m, vp, vm in zip(*theta, strict=True)]
    return [p**depth - m**depth for p, m in zip(*theta, strict=True)]


def slopes(theta: Rows, depth: int | None) -> Rows:
    """∂β_i/∂θ_ki."""
    if depth is None:
        plus, minus, v_plus, v_minus = theta
        return [v_plus[:], [-v for v in v_minus], plus[:], [-u for u in minus]]
    return [[depth * p ** (depth - 1) for p in theta[0]], [-depth * m ** (depth - 1) for m in theta[1]]]


def residuals(X: Rows, y: Sequence[float], theta: Rows, depth: int | None) -> list[float]:
    """⟨β, x⟩ − y of each sample."""
    beta = predictor(theta, depth)
    return [sum(x * b for x, b in zip(row, beta, strict=True)) - target for row, target in zip(X, y, strict=True)]


def descend(
    X: Rows,
    y: Sequence[float],
    theta: Rows,
    step_sizes: Sequence[float],
    *,
    depth: int | None,
    momentum: float = 0.0,
    minibatches: Sequence[Sequence[int]] | None = None,
    label_noise: Sequence[Sequence[float]] | None = None,
) -> Rows:
    """Walk one step for each step size; `depth` None is the UV model.

    Each step minimises the mean of ½(⟨β, x⟩ − y − ε)² over the samples of its minibatch, all of them by default.
    """
    theta = [row[:] for row in theta]
    before = [row[:] for row in theta]
    for t, step_size in enumerate(step_sizes):
        noise = label_noise[t] if label_noise is not None else [0.0] * len(y)
        batch = minibatches[t] if minibatches is not None else range(len(y))
        left = residuals(X, [target + e for target, e in zip(y, noise, strict=True)], theta, depth)
        gradient = [sum(left[n] * X[n][i] for n in batch) / len(batch) for i in range(len(X[0]))]
        slope = slopes(theta, depth)
        now = [row[:] for row in theta]
        for k, row in enumerate(theta):
            for i in range(len(row)):
                row[i] += momentum * (now[k][i] - before[k][i]) - step_size * slope[k][i] * gradient[i]
        before = now
    return theta
