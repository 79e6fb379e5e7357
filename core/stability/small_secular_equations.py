"""The largest eigenvalues of the Hessians of many small states at once, by their secular equations.

The equation is that of `core.stability.secular_equation`; a state by itself costs mostly what calls cost, where N or d
is small. S is decomposed at every step here, which is cheap for its size.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64

from core.stability.hessian import Hessians
from core.stability.secular_equation import APART, MOST_STEPS, PROVEN, SETTLED, Pair

SMALL: Final = 16
"""Order of S up to which decompositions of many cost less than one solution for each."""

Matrices = Float64[np.ndarray, "run order order"]
Runs = Float64[np.ndarray, " run"]


def largest_by_secular_equations(matrices: Hessians) -> list[Pair | None]:
    """λ_max of each of these matrices and its unit vector; None where it is max b, or near, or not proven.

    The bits of a pair depend on its own matrix alone.
    """
    found: list[Pair | None] = [None] * len(matrices.slopes)
    schur = _Schur.of(matrices)
    run = np.flatnonzero(np.isfinite(_entry_sums(schur.squares) + _entry_sums(schur.diagonal)))
    value, is_sound = schur.select(run).beginnings()
    run, value = run[is_sound], value[is_sound]
    for _ in range(MOST_STEPS):
        room = value[:, None, None] - schur.diagonal[run]
        is_apart = room.min(axis=(1, 2)) >= APART / 2 * np.abs(value)
        run, value, room = run[is_apart], value[is_apart], room[is_apart]
        if not len(run):
            break
        some = schur.select(run)
        weights = (some.squares / room).sum(axis=1)
        size, vector, is_found = _top(some.at(weights))
        moved = some.moved(weights, vector)
        slope = np.vecdot(np.square(moved), (some.squares / np.square(room)).sum(axis=1))
        step = size * (size - 1) / slope
        value = value + step
        # Where the slope is 0 none of the predictor is left.
        is_sound = is_found & (slope > 0)
        is_settled = is_sound & (np.abs(step) <= SETTLED * np.abs(value))
        above_all = np.flatnonzero(is_settled)[some.select(is_settled).are_above_all(value[is_settled])]
        for place in above_all.tolist():
            direction = (some.slopes[place] * moved[place] / room[place]).ravel()
            found[run[place]] = float(value[place]), direction / np.linalg.norm(direction)
        run, value = run[is_sound & ~is_settled], value[is_sound & ~is_settled]
    return found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Schur:
    """S of each state in the smaller of its two forms, (1/N)·X diag(w) Xᵀ and (1/N)·diag(√w) XᵀX diag(√w)."""

    X: Float64[np.ndarray, "sample dim"]
    slopes: Float64[np.ndarray, "run part dim"]
    squares: Float64[np.ndarray, "run part dim"]
    diagonal: Float64[np.ndarray, "run part dim"]

    @classmethod
    def of(cls, matrices: Hessians) -> Self:
        """Those of the matrices."""
        return cls(
            X=matrices.X / np.sqrt(len(matrices.X)),
            slopes=matrices.slopes,
            squares=np.square(matrices.slopes),
            diagonal=matrices.diagonal.reshape(matrices.slopes.shape),
        )

    def select(self, kept: np.ndarray) -> Self:
        """Of some states, by their places or a mask."""
        return type(self)(X=self.X, slopes=self.slopes[kept], squares=self.squares[kept], diagonal=self.diagonal[kept])

    def beginnings(self) -> tuple[Runs, Bool[np.ndarray, " run"]]:
        """Values from which Newton steps lead to the largest root, and whether there is one.

        A Rayleigh quotient of the Hessian, at the top of the Gauss-Newton matrix, which is never above λ_max.
        """
        weights = self.squares.sum(axis=1)
        size, vector, is_found = _top(self.at(weights))
        direction = np.square(self.slopes * self.moved(weights, vector)[:, None])
        length = _entry_sums(direction)
        quotient = size + _entry_sums(self.diagonal * direction) / np.where(length == 0, 1.0, length)
        top = self.diagonal.max(axis=(1, 2))
        return np.maximum(quotient, top + APART * (np.abs(quotient) + np.abs(top))), is_found

    def at(self, weights: Float64[np.ndarray, "run dim"]) -> Matrices:
        """S, w ≥ 0."""
        scaled = self.X * np.sqrt(weights)[:, None]
        turned = scaled.swapaxes(1, 2)
        return np.asarray(scaled @ turned if self._is_wide else turned @ scaled)

    def moved(
        self, weights: Float64[np.ndarray, "run dim"], vector: Float64[np.ndarray, "run order"]
    ) -> Float64[np.ndarray, "run dim"]:
        """Xᵀq/√N of the unit vector q of the first form."""
        if self._is_wide:
            return np.asarray((vector[:, None] @ self.X)[:, 0])
        image = (self.X @ (np.sqrt(weights) * vector)[:, :, None])[:, :, 0]
        image = image / np.sqrt(np.vecdot(image, image))[:, None]
        return np.asarray((image[:, None] @ self.X)[:, 0])

    def are_above_all(self, value: Runs) -> Bool[np.ndarray, " run"]:
        """Whether no eigenvalue is larger by `PROVEN`: whether 1 − S is positive definite there."""
        value = value + PROVEN * np.abs(value)
        schur = self.at((self.squares / (value[:, None, None] - self.diagonal)).sum(axis=1))
        return _solvable(np.linalg.cholesky, np.eye(schur.shape[1]) - schur)

    @property
    def _is_wide(self) -> bool:
        samples, dimension = self.X.shape
        return bool(samples <= dimension)


def _top(schur: Matrices) -> tuple[Runs, Float64[np.ndarray, "run order"], Bool[np.ndarray, " run"]]:
    """Their largest eigenvalues with unit vectors, and whether these were found."""
    is_found = np.isfinite(schur).all(axis=(1, 2))
    finite = np.where(is_found[:, None, None], schur, 0.0)
    try:
        values, vectors = np.linalg.eigh(finite)
    except np.linalg.LinAlgError:  # of one that does not settle
        is_found &= _solvable(np.linalg.eigh, finite)
        values, vectors = np.linalg.eigh(np.where(is_found[:, None, None], schur, 0.0))
    return values[:, -1], vectors[:, :, -1], is_found


def _entry_sums(arrays: Float64[np.ndarray, "run part dim"]) -> Runs:
    return np.asarray(arrays.reshape(len(arrays), math.prod(arrays.shape[1:])).sum(axis=1))


def _solvable(solve: Callable[[Matrices], object], matrices: Matrices) -> Bool[np.ndarray, " run"]:
    """Of which of the matrices LAPACK does it: it refuses all for one that it cannot."""
    try:
        solve(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.zeros(1, dtype=bool)
        return np.concatenate([_solvable(solve, matrices[[place]]) for place in range(len(matrices))])
    return np.ones(len(matrices), dtype=bool)
