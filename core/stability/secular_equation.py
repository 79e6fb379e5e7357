"""The largest eigenvalue of a Hessian with the proof that it is the largest, by matrices of min(N, d) rows.

For λ > max b the Hessian AᵀXᵀXA/N + diag(b), A = [diag(a_k)]_k, has the eigenvalue λ where S(λ) = (1/N)·X diag(w) Xᵀ,
w = Σ_k a_k²/(λ − b_k), has the eigenvalue 1, and as many above λ as S(λ) has above 1 (Haynsworth's inertia of the Schur
complement): where 1 − S(λ) is positive definite there is none. With s the largest one of S, 1/s is a minimum of
weighted harmonic means of λ − b, hence concave and increasing: Newton steps for 1/s = 1 come from below and stay there.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

from core.stability.hessian import Hessians

MOST_STEPS: Final = 12
"""Four are usual."""

SETTLED: Final = 1e-12
"""Relative step that is the last one; what it leaves is of the order of its square."""

PROVEN: Final = 1e-11
"""Relative distance above λ from which on there is no eigenvalue."""

APART: Final = 1e-9
"""Of λ from max b, relative to λ: nearer, λ − b has lost its digits."""

CLOSE: Final = 0.1
"""Relative step after which S is so much like the one before that their top eigenvectors are near."""

ROUNDS: Final = 2
"""Of Rayleigh quotient iteration from the eigenvector before, each of which makes its error a cube."""

Pair = tuple[float, Float64[np.ndarray, " parameter"]]


def largest_by_secular_equation(matrix: Hessians) -> Pair | None:
    """λ_max of the only one of these matrices and its unit vector; None where it is max b, or near, or not proven.

    Cost: a spectral decomposition of min(N, d) numbers, and as much again for some four steps.
    """
    equation = _Schur(matrix)
    top = float(equation.diagonal.max())
    if not np.isfinite(equation.squares.sum() + equation.diagonal.sum()):
        return None
    try:
        size, vector = equation.largest(equation.squares.sum(axis=0))
        value = max(equation.rayleigh_quotient(size, vector), top + APART * abs(size + top))
        step = np.inf
        for _ in range(MOST_STEPS):
            room = value - equation.diagonal
            if not room.min() >= APART / 2 * abs(value):
                return None
            weights = (equation.squares / room).sum(axis=0)
            size, vector = equation.largest(weights, vector if abs(step) <= CLOSE * abs(value) else None)
            moved = equation.moved(weights, vector)
            slope = float(np.square(moved) @ (equation.squares / np.square(room)).sum(axis=0))
            if not slope > 0:  # no slope of the predictor is left
                return None
            step = size * (size - 1) / slope
            value += step
            if abs(step) <= SETTLED * abs(value):
                direction = (equation.slopes * moved / room).ravel()
                direction /= np.linalg.norm(direction)
                equation.prove_above_all(value + PROVEN * abs(value))
                return value, direction
    except np.linalg.LinAlgError:
        return None
    return None


class _Schur:
    """S in the smaller of its two forms, (1/N)·X diag(w) Xᵀ and (1/N)·diag(√w) XᵀX diag(√w), of the same spectrum."""

    def __init__(self, matrix: Hessians) -> None:
        self.slopes, self._X = matrix.slopes[0], matrix.X / np.sqrt(len(matrix.X))
        self.squares = np.square(self.slopes)
        self.diagonal = matrix.diagonal.reshape(matrix.slopes.shape)[0]
        self._is_wide = len(matrix.X) <= matrix.X.shape[1]

    def of(self, weights: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, "order order"]:
        """S, w ≥ 0."""
        scaled = self._X * np.sqrt(weights)
        schur: Float64[np.ndarray, "order order"] = scaled @ scaled.T if self._is_wide else scaled.T @ scaled
        return schur

    def largest(
        self, weights: Float64[np.ndarray, " dim"], near: Float64[np.ndarray, " order"] | None = None
    ) -> tuple[float, Float64[np.ndarray, " order"]]:
        """The largest eigenvalue of S and its unit vector, or the one next to a vector that is `near`."""
        schur = self.of(weights)
        if near is None:
            values, vectors = np.linalg.eigh(schur)
            return float(values[-1]), vectors[:, -1]
        for _ in range(ROUNDS):
            quotient = near @ schur @ near
            try:
                found = np.linalg.solve(schur - quotient * np.eye(len(schur)), near)
            except np.linalg.LinAlgError:  # the quotient is the eigenvalue, to the last digit
                break
            near = found / np.linalg.norm(found)
        return float(near @ schur @ near), near

    def moved(
        self, weights: Float64[np.ndarray, " dim"], vector: Float64[np.ndarray, " order"]
    ) -> Float64[np.ndarray, " dim"]:
        """Xᵀq/√N of the unit vector q of the first form."""
        if self._is_wide:
            return np.asarray(vector @ self._X)
        root = np.sqrt(weights)
        image = self._X.T @ (self._X @ (root * vector))
        length = float(np.linalg.norm(self._X @ (root * vector)))
        return np.asarray(image / length)

    def rayleigh_quotient(self, size: float, vector: Float64[np.ndarray, " order"]) -> float:
        """Of the Hessian at the top of the Gauss-Newton matrix, whose eigenvalue this is: never above λ_max."""
        direction = np.square(self.slopes * self.moved(self.squares.sum(axis=0), vector))
        return size + float((self.diagonal * direction).sum()) / (float(direction.sum()) or 1.0)

    def prove_above_all(self, value: float) -> None:
        """That 1 − S(λ) is positive definite.

        Raises:
            numpy.linalg.LinAlgError: it is not.
        """
        schur = self.of((self.squares / (value - self.diagonal)).sum(axis=0))
        np.linalg.cholesky(np.eye(len(schur)) - schur)
