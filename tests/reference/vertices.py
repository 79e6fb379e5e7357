"""The least weighted ℓ1 norm over Xβ = y by trying every vertex: every choice of N columns."""

from itertools import combinations

import numpy as np


def least_weighted_l1(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """The least Σ w_i|β_i| over all choices of N independent columns; some vertex of the feasible set is optimal."""
    samples, dim = X.shape
    best = float("inf")
    for columns in map(list, combinations(range(dim), samples)):
        square = X[:, columns]
        if abs(np.linalg.det(square)) > 1e-9:
            best = min(best, float(weights[columns] @ np.abs(np.linalg.solve(square, y))))
    return best
