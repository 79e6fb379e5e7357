"""The covariance of drawn data entry by entry, and the population risk with it as a matrix."""

from collections.abc import Sequence

import numpy as np


def second_moments(
    dim: int,
    *,
    mean: float,
    variance: float,
    mean_profile: Sequence[float] | None = None,
    variance_profile: Sequence[float] | None = None,
    variance_decay: float = 0.0,
    correlation: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """E[x] and Cov(x)."""
    expected, covariance = np.empty(dim), np.empty((dim, dim))
    deviation = [
        (variance * (1.0 if variance_profile is None else variance_profile[i]) / (i + 1) ** variance_decay) ** 0.5
        for i in range(dim)
    ]
    for i in range(dim):
        expected[i] = mean * (1.0 if mean_profile is None else mean_profile[i])
        for j in range(dim):
            covariance[i, j] = deviation[i] * deviation[j] * (correlation ** abs(i - j) if i != j else 1.0)
    return expected, covariance


def excess_risk(error: np.ndarray, expected: np.ndarray, covariance: np.ndarray) -> float:
    """½eᵀ(Σ + μμᵀ)e."""
    return float(error @ (covariance + np.outer(expected, expected)) @ error) / 2
