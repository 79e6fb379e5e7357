"""Second derivatives of the training loss by central differences."""

import numpy as np


def loss(X: np.ndarray, y: np.ndarray, theta: np.ndarray) -> float:
    """½Ê(⟨u₊² − u₋², x⟩ − y)² at θ = (u₊, u₋)."""
    dim = X.shape[1]
    total = 0.0
    for row, target in zip(X, y, strict=True):
        value = sum(row[i] * (theta[i] ** 2 - theta[dim + i] ** 2) for i in range(dim))
        total += (value - target) ** 2 / 2
    return total / len(y)


def hessian(X: np.ndarray, y: np.ndarray, theta: np.ndarray, width: float) -> np.ndarray:
    """[L(θ+a+b) − L(θ+a−b) − L(θ−a+b) + L(θ−a−b)]/4·width² for every pair of axes; error O(width²)."""
    size = len(theta)
    result = np.zeros((size, size))
    axes = width * np.eye(size)
    for i in range(size):
        for j in range(size):
            a, b = axes[i], axes[j]
            rise = loss(X, y, theta + a + b) + loss(X, y, theta - a - b)
            fall = loss(X, y, theta + a - b) + loss(X, y, theta - a + b)
            result[i, j] = (rise - fall) / (4 * width * width)
    return result
