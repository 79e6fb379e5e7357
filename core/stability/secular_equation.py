"""The largest eigenvalue of a Hessian with the proof that it is the largest, by spectra of min(N, d) numbers.

For λ > max b the Hessian AᵀXᵀXA/N + diag(b), A = [diag(a_k)]_k, has the eigenvalue λ where S(λ) = (1/N)·X diag(w) Xᵀ, w =
Σ_k a_k²/(λ − b_k), has the eigenvalue 1, and as many above λ as S(λ) has above 1 (Haynsworth's inertia of the Schur
complement). With s the largest one of S, 1/s is a minimum of weighted harmonic means of λ − b, hence concave and
increasing: Newton steps for 1/s = 1 come from below and never leave it.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dsyevr

from core.stability.hessian import Hessians

MOST_STEPS: Final = 12
"""Four are usual."""

SETTLED: Final = 1e-12
"""Relative step that is the last one; what it leaves is of the order of its square."""

APART: Final = 1e-9
"""Of λ from max b, relative to λ: nearer, λ − b has lost its digits."""

Pair = tuple[float, Float64[np.ndarray, " parameter"]]


def largest_by_secular_equation(matrix: Hessians) -> Pair | None:
    """λ_max of the only one of these matrices and its unit vector; None where it is max b, or near it, or not finite.

    Cost: O(Nd·min(N, d)) for each of about four steps.
    """
    slopes, diagonal = matrix.slopes[0], matrix.diagonal.reshape(matrix.slopes.shape)[0]
    squares, top = np.square(slopes), float(diagonal.max())
    if not np.isfinite(squares.sum() + diagonal.sum()):
        return None
    found = _top(matrix.X, squares.sum(axis=0))
    if found is None:
        return None
    size, moved = found
    direction = slopes * moved
    # Rayleigh quotient of the Gauss-Newton matrix's vector: never above λ_max
    value = size + float((diagonal * np.square(direction)).sum()) / (float(np.square(direction).sum()) or 1.0)
    value = max(value, top + APART * abs(size + top))
    for _ in range(MOST_STEPS):
        room = value - diagonal
        if not room.min() >= APART / 2 * abs(value):
            return None
        found = _top(matrix.X, (squares / room).sum(axis=0))
        if found is None:
            return None
        size, moved = found
        slope = float(np.square(moved) @ (squares / np.square(room)).sum(axis=0)) / len(matrix.X)
        step = size * (size - 1) / slope
        if abs(step) <= SETTLED * abs(value):
            vector = (slopes * moved / room).ravel()
            return value + step, vector / np.linalg.norm(vector)
        value += step
    return None


def _top(
    X: Float64[np.ndarray, "sample dim"], weights: Float64[np.ndarray, " dim"]
) -> tuple[float, Float64[np.ndarray, " dim"]] | None:
    """The largest eigenvalue of (1/N)·X diag(w) Xᵀ, w ≥ 0, and Xᵀq of its unit vector q."""
    root = np.sqrt(weights / len(X))
    scaled = X * root
    wide = len(X) <= X.shape[1]
    matrix = scaled @ scaled.T if wide else scaled.T @ scaled
    values, vectors, *_, failed = dsyevr(matrix, range="I", il=len(matrix), iu=len(matrix))
    value, vector = float(values[0]), vectors[:, 0]
    if failed or not value > 0:
        return None
    if wide:
        return value, vector @ X
    moved = np.divide(vector, root, out=np.zeros_like(vector), where=root > 0)
    return value, np.sqrt(value) * moved
