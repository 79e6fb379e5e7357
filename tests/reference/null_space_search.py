"""The least of a convex function over Xβ = y by nested golden-section search through the null space of X."""

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg import null_space

GOLDEN = (math.sqrt(5) - 1) / 2


def largest_eigenvalue(X: np.ndarray, tangent_weights: np.ndarray) -> float:
    """λ_max of (1/N)Σ c_i x_(i)x_(i)ᵀ, summed term by term."""
    gram = sum(c * np.outer(column, column) for c, column in zip(tangent_weights, X.T, strict=True))
    return float(max(np.linalg.eigvals(gram / len(X)).real))


def least_of_line(function: Callable[[float], float], width: float, steps: int) -> float:
    """The least of a convex function on [−width, width]."""
    low, high = -width, width
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = function(right)
    return min(at_left, at_right)


def least_over_interpolators(
    X: np.ndarray, y: np.ndarray, function: Callable[[np.ndarray], float], *, steps: int = 50
) -> float:
    """The least function(β), where X has one or two columns more than independent rows."""
    origin = np.linalg.lstsq(X, y)[0]
    directions = null_space(X).T
    width = 30 * (1 + float(np.abs(origin).max()))
    if len(directions) == 1:
        return least_of_line(lambda a: function(origin + a * directions[0]), width, steps)
    first, second = directions
    return least_of_line(
        lambda a: least_of_line(lambda b: function(origin + a * first + b * second), width, steps), width, steps
    )
