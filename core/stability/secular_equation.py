"""The largest eigenvalue of a Hessian with the proof that it is the largest, by matrices of min(N, d) rows.

For λ > max b the Hessian AᵀXᵀXA/N + diag(b), A = [diag(a_k)]_k, has the eigenvalue λ where S(λ) = (1/N)·X diag(w) Xᵀ,
w = Σ_k a_k²/(λ − b_k), has the eigenvalue 1, and as many above λ as S(λ) has above 1 (Haynsworth's inertia of the Schur
complement): where 1 − S(λ) is positive definite there is none. With s the largest one of S, 1/s is a minimum of
weighted harmonic means of λ − b, hence concave and increasing: Newton steps for 1/s = 1 come from below and stay there.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

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
Matrices = Float64[np.ndarray, "run order order"]
Runs = Float64[np.ndarray, " run"]
Top = tuple[Runs, Float64[np.ndarray, "run order"], Bool[np.ndarray, " run"]]


def largest_by_secular_equation(matrices: Hessians) -> list[Pair | None]:
    """λ_max of each of these matrices and its unit vector; None where it is max b, or near, or not proven.

    Cost: a spectral decomposition of min(N, d) numbers, and as much again for some four steps. The bits of a pair
    depend on its own matrix alone: many at a time save what calls cost, which is most of it where matrices are small.
    """
    found: list[Pair | None] = [None] * len(matrices.slopes)
    schur = _Schur.of(matrices)
    is_finite = np.isfinite(_entry_sums(schur.squares) + _entry_sums(schur.diagonal))
    search = _Search.begin(schur.select(is_finite), np.flatnonzero(is_finite))
    for _ in range(MOST_STEPS):
        search = search.select(search.room.min(axis=(1, 2)) >= APART / 2 * np.abs(search.value))
        if not len(search.run):
            break
        newton = search.newton_step()
        after = search.moved_by(newton)
        is_settled = newton.is_sound & (np.abs(after.step) <= SETTLED * np.abs(after.value))
        is_largest = after.select(is_settled).is_largest()
        for place in np.flatnonzero(is_settled)[is_largest].tolist():
            found[search.run[place]] = search.pair(newton, place)
        search = after.select(newton.is_sound & ~is_settled)
    return found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Schur:
    """S in the smaller of its two forms, (1/N)·X diag(w) Xᵀ and (1/N)·diag(√w) XᵀX diag(√w), of the same spectrum."""

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

    @property
    def is_wide(self) -> bool:
        """Whether the first form is the smaller one."""
        samples, dimension = self.X.shape
        return bool(samples <= dimension)

    def select(self, kept: Bool[np.ndarray, " run"]) -> Self:
        """Of some runs."""
        if kept.all():
            return self
        return type(self)(X=self.X, slopes=self.slopes[kept], squares=self.squares[kept], diagonal=self.diagonal[kept])

    def at(self, weights: Float64[np.ndarray, "run dim"]) -> Matrices:
        """S, w ≥ 0."""
        scaled = self.X * np.sqrt(weights)[:, None]
        turned = scaled.swapaxes(1, 2)
        return np.asarray(scaled @ turned if self.is_wide else turned @ scaled)

    def moved(
        self, weights: Float64[np.ndarray, "run dim"], vector: Float64[np.ndarray, "run order"]
    ) -> Float64[np.ndarray, "run dim"]:
        """Xᵀq/√N of the unit vector q of the first form."""
        if self.is_wide:
            return np.asarray((vector[:, None] @ self.X)[:, 0])
        image = self.X @ (np.sqrt(weights) * vector)[:, :, None]
        moved: Float64[np.ndarray, "run dim"] = (self.X.T @ image)[:, :, 0] / _lengths(image[:, :, 0])[:, None]
        return moved

    def rayleigh_quotient(self, size: Runs, vector: Float64[np.ndarray, "run order"]) -> Runs:
        """Of the Hessian at the top of the Gauss-Newton matrix, whose eigenvalue this is: never above λ_max."""
        direction = np.square(self.slopes * self.moved(self.squares.sum(axis=1), vector)[:, None])
        length = _entry_sums(direction)
        quotient: Runs = size + _entry_sums(self.diagonal * direction) / np.where(length == 0, 1.0, length)
        return quotient


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _NewtonStep:
    """Of each run that is left: how λ moves, the top eigenvector q of S, and Xᵀq/√N; whether they are there.

    `is_column`: q is of a whole spectrum, and sums over it are taken like those over a column.
    """

    step: Runs
    vector: Float64[np.ndarray, "run order"]
    moved: Float64[np.ndarray, "run dim"]
    is_column: Bool[np.ndarray, " run"]
    is_sound: Bool[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Search:
    """Of the runs that are left, by their places: λ, the step that led to it, and the top eigenvector of S before.

    `is_column`: as of a `_NewtonStep`.
    """

    schur: _Schur
    run: Int64[np.ndarray, " run"]
    value: Runs
    step: Runs
    vector: Float64[np.ndarray, "run order"]
    is_column: Bool[np.ndarray, " run"]

    @classmethod
    def begin(cls, schur: _Schur, run: Int64[np.ndarray, " run"]) -> Self:
        """From the Rayleigh quotient, above max b."""
        size, vector, is_found = _top(schur.at(schur.squares.sum(axis=1)))
        top = schur.diagonal.max(axis=(1, 2))
        quotient, least = schur.rayleigh_quotient(size, vector), top + APART * np.abs(size + top)
        value, step = np.where(least > quotient, least, quotient), np.full(len(run), np.inf)
        search = cls(
            schur=schur, run=run, value=value, step=step, vector=vector, is_column=np.ones(len(run), dtype=bool)
        )
        return search.select(is_found)

    @property
    def room(self) -> Float64[np.ndarray, "run part dim"]:
        """λ − b."""
        room: Float64[np.ndarray, "run part dim"] = self.value[:, None, None] - self.schur.diagonal
        return room

    def select(self, kept: Bool[np.ndarray, " run"]) -> Self:
        """Some of the runs."""
        if kept.all():
            return self
        arrays = {name: getattr(self, name)[kept] for name in ("run", "value", "step", "vector", "is_column")}
        return type(self)(schur=self.schur.select(kept), **arrays)

    def newton_step(self) -> _NewtonStep:
        """For 1/s = 1."""
        room = self.room
        weights = (self.schur.squares / room).sum(axis=1)
        size, vector, is_found, is_column = self._largest(self.schur.at(weights))
        moved = self.schur.moved(weights, vector)
        if is_column.any():
            moved[is_column] = self.schur.moved(weights[is_column], _apart(vector[is_column]))
        slope = np.vecdot(np.square(moved), (self.schur.squares / np.square(room)).sum(axis=1))
        # Where that is 0 no slope of the predictor is left.
        step, is_sound = size * (size - 1) / slope, is_found & (slope > 0)
        return _NewtonStep(step=step, vector=vector, moved=moved, is_column=is_column, is_sound=is_sound)

    def moved_by(self, newton: _NewtonStep) -> Self:
        """After the step."""
        value, vector, is_column = self.value + newton.step, newton.vector, newton.is_column
        return replace(self, value=value, step=newton.step, vector=vector, is_column=is_column)

    def pair(self, newton: _NewtonStep, place: int) -> Pair:
        """What a last step leads to."""
        direction = (self.schur.slopes[place] * newton.moved[place] / self.room[place]).ravel()
        return float(self.value[place] + newton.step[place]), direction / np.linalg.norm(direction)

    def is_largest(self) -> Bool[np.ndarray, " run"]:
        """Whether 1 − S is positive definite beyond λ: that nothing is above it is proven."""
        above = self.value + PROVEN * np.abs(self.value)
        schur = self.schur.at((self.schur.squares / (above[:, None, None] - self.schur.diagonal)).sum(axis=1))
        return _solvable(np.linalg.cholesky, np.eye(schur.shape[1]) - schur)

    def _largest(
        self, schur: Matrices
    ) -> tuple[Runs, Float64[np.ndarray, "run order"], Bool[np.ndarray, " run"], Bool[np.ndarray, " run"]]:
        """The largest eigenvalues of S and their unit vectors; after a small step those next to the vectors before.

        Whether they were found, and whether the vectors are columns.
        """
        is_close = np.abs(self.step) <= CLOSE * np.abs(self.value)
        size, vector, is_found, is_column = self.value.copy(), self.vector.copy(), is_close.copy(), ~is_close
        if is_close.any():
            near, column, some = self.vector[is_close], self.is_column[is_close], schur[is_close]
            quotient = _quotients(some, near)
            if column.any():
                quotient[column] = _quotients(some[column], _apart(near[column]))
            size[is_close], vector[is_close], is_moved = _near(some, near, quotient)
            is_column[is_close] = column & ~is_moved
        if not is_close.all():
            size[~is_close], vector[~is_close], is_found[~is_close] = _top(schur[~is_close])
        return size, vector, is_found, is_column


def _top(schur: Matrices) -> Top:
    """Their largest eigenvalues with unit vectors, and whether these were found."""
    is_found = _solvable(np.linalg.eigvalsh, schur) if not np.isfinite(schur).all() else np.ones(len(schur), dtype=bool)
    values, vectors = np.linalg.eigh(np.where(is_found[:, None, None], schur, 0.0))
    return values[:, -1], vectors[:, :, -1], is_found


def _near(schur: Matrices, near: Float64[np.ndarray, "run order"], quotient: Runs) -> Top:
    """The eigenvalues next to vectors that are `near`, by Rayleigh quotient iteration, and whether it moved them."""
    going, is_moved = np.ones(len(schur), dtype=bool), np.zeros(len(schur), dtype=bool)
    unit = np.eye(schur.shape[1])
    for _ in range(ROUNDS):
        shifted = np.where(going[:, None, None], schur - quotient[:, None, None] * unit, unit)
        try:
            found = np.linalg.solve(shifted, near[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:  # a quotient is the eigenvalue, to the last digit
            going &= np.linalg.slogdet(shifted).sign != 0
            found = np.linalg.solve(np.where(going[:, None, None], shifted, unit), near[:, :, None])[:, :, 0]
        near = np.where(going[:, None], found / _lengths(found)[:, None], near)
        quotient = np.where(going, _quotients(schur, near), quotient)
        is_moved |= going
    return quotient, near, is_moved


def _apart(vectors: Float64[np.ndarray, "run order"]) -> Float64[np.ndarray, "run order"]:
    """With gaps between the entries, over which BLAS sums in another order: that in which a column is summed."""
    return np.repeat(vectors[:, :, None], 2, axis=2)[:, :, 0]


def _quotients(schur: Matrices, vector: Float64[np.ndarray, "run order"]) -> Runs:
    return np.asarray(np.vecdot((vector[:, None] @ schur)[:, 0], vector))


def _lengths(vectors: Float64[np.ndarray, "run entry"]) -> Runs:
    return np.asarray(np.sqrt(np.vecdot(vectors, vectors)))


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
