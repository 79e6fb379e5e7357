"""The largest eigenvalue of a Hessian with the proof that it is the largest, by matrices of min(N, d) rows.

For λ > max b the Hessian AᵀXᵀXA/N + diag(b), A = [diag(a_k)]_k, has the eigenvalue λ where S(λ) = (1/N)·X diag(w) Xᵀ,
w = Σ_k a_k²/(λ − b_k), has the eigenvalue 1, and as many above λ as S(λ) has above 1 (Haynsworth's inertia of the Schur
complement): where 1 − S(λ) is positive definite there is none. With s the largest one of S, 1/s is a minimum of
weighted harmonic means of λ − b, hence concave and increasing: Newton steps for 1/s = 1 come from below and stay there.

Their vectors are those of Rayleigh quotient iteration. Where it begins decides how many steps there are, and whether
they lead to the largest eigenvalue: that is proven in the end, and where it is not, S is decomposed.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.stability.hessian import Hessians, every_direction

MOST_STEPS: Final = 12
"""Three or four are usual."""

SETTLED: Final = 1e-12
"""Relative step that is the last one; what it leaves is of the order of its square."""

PROVEN: Final = 1e-11
"""Relative distance above λ from which on there is no eigenvalue."""

APART: Final = 1e-9
"""Of λ from max b, relative to λ: nearer, λ − b has lost its digits."""

FAR: Final = 1e-3
"""Distance from 1 at which an eigenvalue of S at a root is another one than that of the root."""

SQUARINGS: Final = 5
"""Of the Gauss-Newton matrix, which leave it little but its top, unless eigenvalues are close."""

Vector = Float64[np.ndarray, " order"]
Matrix = Float64[np.ndarray, "order order"]
Pair = tuple[float, Float64[np.ndarray, " parameter"]]


def largest_by_secular_equation(matrix: Hessians, expected: float | None = None) -> Pair | None:
    """λ_max of the only one of these matrices and its unit vector; None where it is max b, or near, or not proven.

    Where it is `expected` to be about so large, one or two steps are left of some four. Cost: for each of them a matrix
    S and a solution with it, and another S for the proof; where that fails, the spectrum of S for each step as well.
    """
    equation = _Schur(matrix)
    if not np.isfinite(equation.squares.sum() + equation.diagonal.sum()):
        return None
    try:
        if expected is not None and (found := equation.solved(expected, _followed)):
            return found
        gauss_newton = equation.of(equation.squares.sum(axis=0))
        top = _nearly_top(gauss_newton)
        value = equation.rayleigh_quotient(gauss_newton, top)
        return equation.solved(value, _followed, top) or equation.solved(value, _decomposed)
    except np.linalg.LinAlgError:
        return None


class _Schur:
    """S in the smaller of its two forms, (1/N)·X diag(w) Xᵀ and (1/N)·diag(√w) XᵀX diag(√w), of the same spectrum."""

    def __init__(self, matrix: Hessians) -> None:
        self.slopes, self._X = matrix.slopes[0], matrix.X / np.sqrt(len(matrix.X))
        self.squares = np.square(self.slopes)
        self.diagonal = matrix.diagonal.reshape(matrix.slopes.shape)[0]
        self._is_wide = len(matrix.X) <= matrix.X.shape[1]
        self.order = min(matrix.X.shape)

    def of(self, weights: Float64[np.ndarray, " dim"]) -> Matrix:
        """S, w ≥ 0."""
        scaled = self._X * np.sqrt(weights)
        schur: Matrix = scaled @ scaled.T if self._is_wide else scaled.T @ scaled
        return schur

    def solved(
        self, value: float, vector_of: Callable[[Matrix, Vector | None], Vector], vector: Vector | None = None
    ) -> Pair | None:
        """The root to which Newton steps lead from a value, by eigenvectors of S that are made of those before.

        None where it is max b, or near, or not found, or an eigenvalue is larger.
        """
        top = float(self.diagonal.max())
        value = max(value, top + APART * (abs(value) + abs(top)))
        for _ in range(MOST_STEPS):
            room = value - self.diagonal
            if not room.min() >= APART / 2 * abs(value):
                return None
            weights = (self.squares / room).sum(axis=0)
            schur = self.of(weights)
            vector = vector_of(schur, vector)
            size, moved = float(vector @ schur @ vector), self.moved(weights, vector)
            slope = float(np.square(moved) @ (self.squares / np.square(room)).sum(axis=0))
            if not slope > 0:  # no slope of the predictor is left
                return None
            step = size * (size - 1) / slope
            value += step
            if abs(step) <= SETTLED * abs(value):
                direction = (self.slopes * moved / room).ravel()
                is_root = abs(size - 1) <= FAR and self.is_above_all(value)
                return (value, direction / np.linalg.norm(direction)) if is_root else None
        return None

    def moved(self, weights: Float64[np.ndarray, " dim"], vector: Vector) -> Float64[np.ndarray, " dim"]:
        """Xᵀq/√N of the unit vector q of the first form."""
        if self._is_wide:
            return np.asarray(vector @ self._X)
        seen = self._X @ (np.sqrt(weights) * vector)
        return np.asarray(seen @ self._X / np.linalg.norm(seen))

    def rayleigh_quotient(self, gauss_newton: Matrix, vector: Vector) -> float:
        """Of the Hessian at what is nearly the top of the Gauss-Newton matrix: never above λ_max."""
        size = float(vector @ gauss_newton @ vector)
        direction = np.square(self.slopes * self.moved(self.squares.sum(axis=0), vector))
        return size + float((self.diagonal * direction).sum()) / (float(direction.sum()) or 1.0)

    def is_above_all(self, value: float) -> bool:
        """Whether no eigenvalue is larger by `PROVEN`: whether 1 − S is positive definite there."""
        value += PROVEN * abs(value)
        complement = -self.of((self.squares / (value - self.diagonal)).sum(axis=0))
        complement[np.diag_indices(self.order)] += 1
        try:
            np.linalg.cholesky(complement)
        except np.linalg.LinAlgError:
            return False
        return True


def _decomposed(schur: Matrix, before: Vector | None) -> Vector:  # noqa: ARG001 - it needs none
    """The top eigenvector."""
    vector: Vector = np.linalg.eigh(schur)[1][:, -1]
    return vector


def _nearly_top(matrix: Matrix) -> Vector:
    """About that of a positive semi-definite matrix: what its 32nd power makes of a vector that has all directions."""
    for _ in range(SQUARINGS):
        matrix = matrix / (float(np.abs(matrix).max()) or 1.0)
        matrix = matrix @ matrix
    vector = matrix @ every_direction(len(matrix))
    return np.asarray(vector / (np.linalg.norm(vector) or 1.0))


def _followed(schur: Matrix, before: Vector | None) -> Vector:
    """By Rayleigh quotient iteration, which makes the error of the vector before a cube; without one that next to 1."""
    if before is None:
        return _inverse_iterated(schur, _inverse_iterated(schur, every_direction(len(schur)), 1.0), 1.0)
    return _inverse_iterated(schur, before, float(before @ schur @ before))


def _inverse_iterated(schur: Matrix, vector: Vector, quotient: float) -> Vector:
    shifted = schur.copy()
    shifted[np.diag_indices(len(schur))] -= quotient
    try:
        found = np.linalg.solve(shifted, vector)
    except np.linalg.LinAlgError:  # the quotient is the eigenvalue, to the last digit
        return vector
    inverse: Vector = found / np.linalg.norm(found)
    return inverse
