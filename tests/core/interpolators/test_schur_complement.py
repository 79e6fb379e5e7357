"""The reduced KKT system: blocks and unknowns of both eliminations against a dense solve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.interpolators.coordinate_law import Response
from core.interpolators.schur_complement import (
    CoordinateComplement,
    Frame,
    MatrixComplement,
    SchurComplement,
    _factor_of_one_plus,
    schur_complement,
)

both = pytest.mark.parametrize("elimination", [CoordinateComplement, MatrixComplement])


def system(seed: int, order: int, dim: int) -> tuple[Frame, Response]:
    """A random frame and response."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((order, order))
    frame = Frame(
        columns=rng.standard_normal((order, dim)),
        metric=root @ root.T + np.eye(order),
        spectrum=rng.uniform(0.1, 2, order),
        basis=np.linalg.qr(rng.standard_normal((dim, max(1, dim // 2))))[0],
    )
    return frame, Response(direct=np.ones(dim), coupling=rng.standard_normal(dim), root=rng.uniform(0, 2, dim))


def solved(
    frame: Frame,
    response: Response,
    rhs: tuple[np.ndarray, np.ndarray],
    level: float,
    multipliers: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Δ and ŷ of the two equations, written out entry by entry and solved as one dense system."""
    order, dim = frame.columns.shape
    size = order * order
    matrix, right = np.eye(size + dim), np.zeros(size + dim)
    mean = (frame.spectrum[:, None] + frame.spectrum) / 2
    for i in range(dim):
        outer = np.outer(frame.columns[:, i], frame.columns[:, i])
        matrix[:size, size + i] = (mean * outer).ravel() * response.root[i]
        matrix[size + i, :size] = -response.root[i] * outer.ravel()
    right[:size] = (rhs[0] - level * mean * frame.metric).ravel()
    right[size:] = response.coupling * (frame.basis @ multipliers) - rhs[1]
    found = np.linalg.solve(matrix, right)
    return found[:size].reshape(order, order), found[size:]


@both
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), order=st.integers(1, 4), dim=st.integers(1, 9))
def test_the_unknowns_are_those_of_the_whole_system(
    elimination: type[SchurComplement], seed: int, order: int, dim: int
) -> None:
    """For any right-hand sides and any steps of level and multipliers."""
    frame, response = system(seed, order, dim)
    rng = np.random.default_rng(seed + 1)
    half = rng.standard_normal((order, order))
    rhs, multipliers = (half + half.T, rng.standard_normal(dim)), rng.standard_normal(frame.basis.shape[1])
    schur = elimination(frame, response)
    found = schur.unknowns(schur.reduced(*rhs), 0.7, multipliers)
    dual_matrix, coordinates = solved(frame, response, rhs, 0.7, multipliers)
    np.testing.assert_allclose(found.dual_matrix, dual_matrix, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found.coordinates, coordinates, rtol=1e-7, atol=1e-7)
    gram = (frame.columns * response.root * coordinates) @ frame.columns.T
    np.testing.assert_allclose(found.gram_decrease, gram, rtol=1e-7, atol=1e-7)


@both
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), order=st.integers(1, 4), dim=st.integers(1, 9))
def test_the_blocks_are_what_the_elimination_leaves(
    elimination: type[SchurComplement], seed: int, order: int, dim: int
) -> None:
    """Column by column: what basisᵀ(ω∘ŷ) and ⟨T, Δ⟩ become for one unit of Δκ, of Δt, and of nothing but E and ρ."""
    frame, response = system(seed, order, dim)
    rng = np.random.default_rng(seed + 1)
    half = rng.standard_normal((order, order))
    rhs, none = (half + half.T, rng.standard_normal(dim)), (np.zeros((order, order)), np.zeros(dim))
    rank = frame.basis.shape[1]

    def seen(given: tuple[np.ndarray, np.ndarray], level: float, multipliers: np.ndarray) -> tuple[np.ndarray, float]:
        dual_matrix, coordinates = solved(frame, response, given, level, multipliers)
        return frame.basis.T @ (response.coupling * coordinates), float((frame.metric * dual_matrix).sum())

    schur = elimination(frame, response)
    close = {"rtol": 1e-7, "atol": 1e-7}
    for column, unit in zip(schur.A11.T, np.eye(rank), strict=True):
        np.testing.assert_allclose(column, seen(none, 0.0, unit)[0], **close)
    by_level = seen(none, 1.0, np.zeros(rank))
    np.testing.assert_allclose(schur.A12, -by_level[0], **close)
    np.testing.assert_allclose(schur.A22, -by_level[1], **close)
    reduced, left = schur.reduced(*rhs), seen(rhs, 0.0, np.zeros(rank))
    np.testing.assert_allclose(reduced.rhs_multipliers, left[0], **close)
    np.testing.assert_allclose(reduced.rhs_level, left[1], **close)


@pytest.mark.parametrize(("order", "dim", "kind"), [(3, 6, CoordinateComplement), (3, 7, MatrixComplement)])
def test_the_smaller_complement_is_factorised(order: int, dim: int, kind: type) -> None:
    """Of size dim, or order(order + 1)/2."""
    assert type(schur_complement(*system(0, order, dim))) is kind


def test_what_rounding_has_made_indefinite_is_an_error() -> None:
    """The iteration ends there, with the bounds it has."""
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        _factor_of_one_plus(np.diag([1.0, -3.0]))
