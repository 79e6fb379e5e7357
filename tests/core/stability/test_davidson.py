"""Largest eigenvalues of many symmetric matrices at once, against the whole spectrum of each."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stability.davidson import top_eigenpairs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Dense:
    """H = diag(b) + M as whole matrices."""

    diagonal: np.ndarray
    whole: np.ndarray

    def product(self, vectors: np.ndarray) -> np.ndarray:
        """H·v of every run, one after another."""
        return np.array([matrix @ vector for matrix, vector in zip(self.whole, vectors, strict=True)])

    def of(self, runs: np.ndarray) -> Self:
        """Some of them."""
        return type(self)(diagonal=self.diagonal[runs], whole=self.whole[runs])


def dense(diagonal: np.ndarray, roots: np.ndarray) -> Dense:
    """diag(b) + AᵀA for roots A."""
    semidefinite = np.array([root.T @ root for root in roots])
    return Dense(diagonal=diagonal, whole=semidefinite + np.array([np.diag(b) for b in diagonal]))


def start(runs: int, size: int) -> np.ndarray:
    """A vector with no entry near zero."""
    rng = np.random.default_rng(size)
    return rng.uniform(0.5, 1.5, (runs, size)) * rng.choice([-1, 1], (runs, size))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(2, 40),
    rank=st.integers(1, 12),
    weight=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
)
def test_the_largest_eigenvalue_is_found_with_its_vector(seed: int, size: int, rank: int, weight: float) -> None:
    """Whether b is nothing beside M or all there is; never above it, and below by the tolerance at most."""
    rng = np.random.default_rng(seed)
    matrices = dense(weight * rng.standard_normal((5, size)), rng.standard_normal((5, rank, size)))
    with np.errstate(all="ignore"):  # as a caller does: what is left of a full space is 0/0
        found = top_eigenpairs(matrices, start(5, size), tolerance=1e-8)
    for run, matrix in enumerate(matrices.whole):
        spectrum = np.linalg.eigvalsh(matrix)
        norm = np.abs(spectrum).max()
        assert spectrum[-1] - 1e-8 * norm <= found.value[run] <= spectrum[-1] + 1e-13 * norm * size
        vector = found.vector[run]
        assert abs(np.linalg.norm(vector) - 1) < 1e-12
        left = float(np.linalg.norm(matrix @ vector - found.value[run] * vector))
        assert abs(left - found.residual[run]) <= 1e-13 * norm * size
        assert left <= 1e-8 * norm


def test_a_search_ends_where_it_has_found_what_it_looks_for() -> None:
    """After as many products for each run as its own takes, in any company: here a few dozen."""
    rng, asked = np.random.default_rng(0), list[int]()

    class Counted(Dense):
        """Notes how many runs each product is for."""

        def product(self, vectors: np.ndarray) -> np.ndarray:
            asked.append(len(vectors))
            return super().product(vectors)

    matrices = dense(rng.standard_normal((3, 30)), rng.standard_normal((3, 4, 30)))
    top_eigenpairs(Counted(diagonal=matrices.diagonal, whole=matrices.whole), start(3, 30), tolerance=1e-6)
    assert asked == sorted(asked, reverse=True)
    assert 10 < len(asked) < 60


def test_clusters_at_the_top_are_no_obstacle() -> None:
    """Thirty equal eigenvalues: any vector of theirs will do."""
    matrices = Dense(diagonal=np.zeros((1, 50)), whole=np.diag([3.0] * 30 + [1.0] * 20)[None])
    found = top_eigenpairs(matrices, start(1, 50), tolerance=1e-10)
    np.testing.assert_allclose(found.value, 3, rtol=1e-13)
    np.testing.assert_allclose(found.vector[0, 30:], 0, atol=1e-8)


def test_a_run_does_not_change_for_the_others() -> None:
    """To the bit, though some end early and leave."""
    rng = np.random.default_rng(0)
    matrices = dense(
        rng.standard_normal((7, 30)), rng.standard_normal((7, 4, 30)) * np.logspace(-2, 2, 7)[:, None, None]
    )
    together = top_eigenpairs(matrices, start(7, 30), tolerance=1e-9)
    for run in range(7):
        alone = top_eigenpairs(matrices.of(np.array([run])), start(7, 30)[[run]], tolerance=1e-9)
        assert alone.value[0] == together.value[run]
        assert np.array_equal(alone.vector[0], together.vector[run])


def test_a_matrix_that_is_not_finite_has_no_value_and_disturbs_no_other() -> None:
    """NaN for it alone."""
    matrices = dense(np.zeros((2, 6)), np.random.default_rng(0).standard_normal((2, 3, 6)))
    matrices.whole[0, 0, 0] = np.inf
    with np.errstate(all="ignore"):
        found = top_eigenpairs(matrices, start(2, 6), tolerance=1e-9)
    assert np.isnan(found.value[0])
    np.testing.assert_allclose(found.value[1], np.linalg.eigvalsh(matrices.whole[1])[-1], rtol=1e-10)
