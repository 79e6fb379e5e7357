"""Normal equations, well and ill conditioned, by each of the three ways to solve them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import cho_factor, cho_solve

from core.data.normal_equations import ridged_solution, rooted_solution, settled_solution

Solve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def rooted(basis: np.ndarray, weights: np.ndarray, right: np.ndarray) -> np.ndarray:
    """`rooted_solution` of the root of the weighted basis."""
    return rooted_solution(np.sqrt(weights)[:, None] * basis, right)


every_way = pytest.mark.parametrize("solve", [ridged_solution, settled_solution, rooted])


def orthonormal(dim: int, rank: int, seed: int = 0) -> np.ndarray:
    """Random orthonormal columns."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, rank)))[0]


@every_way
@given(seed=st.integers(0, 1000), rank=st.integers(1, 8), more=st.integers(0, 20))
def test_well_conditioned_equations_are_solved(solve: Solve, seed: int, rank: int, more: int) -> None:
    """Against a general solver."""
    rng = np.random.default_rng(seed)
    basis, weights, right = (
        orthonormal(rank + more, rank, seed),
        rng.uniform(0.1, 3, rank + more),
        rng.normal(size=rank),
    )
    expected = np.linalg.solve(basis.T @ (weights[:, None] * basis), right)
    np.testing.assert_allclose(solve(basis, weights, right), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("solve", [settled_solution, rooted])
def test_weights_of_sixteen_orders_of_magnitude_are_solved(solve: Solve) -> None:
    """As many weights as equations: the basis is square and the solution a product, which Cholesky would not find."""
    basis, weights, right = orthonormal(12, 12), np.logspace(-16, 0, 12), np.ones(12)
    expected = basis.T @ ((basis @ right) / weights)
    np.testing.assert_allclose(solve(basis, weights, right), expected, rtol=1e-6)


def test_equations_are_settled_by_cholesky_as_long_as_their_condition_allows() -> None:
    """To the bit what it finds; beyond 10¹² what the root has."""
    basis, right = orthonormal(9, 4), np.arange(1.0, 5.0)
    mild, hard = np.linspace(1, 2, 9), np.logspace(-16, 0, 4)
    root = np.sqrt(mild)[:, None] * basis
    by_cholesky = cho_solve(cho_factor(root.T @ root, lower=True), right)
    assert np.array_equal(settled_solution(basis, mild, right), by_cholesky)
    assert not np.array_equal(rooted(basis, mild, right), by_cholesky)
    assert np.array_equal(settled_solution(np.eye(4), hard, right), rooted(np.eye(4), hard, right))


def test_a_ridge_damps_what_nothing_holds() -> None:
    """Where the weights of a direction vanish it changes by the right side over ε·trace; the others as without it."""
    found = ridged_solution(np.eye(3), np.array([2.0, 1.0, 0.0]), np.array([4.0, 3.0, 1e-16]))
    np.testing.assert_allclose(found, [2.0, 3.0, 1e-16 / (3 * np.finfo(np.float64).eps)], rtol=1e-12)


def test_more_rows_of_a_root_add_their_squares() -> None:
    """As the time step of a linearly implicit method does."""
    basis, right, inertia = orthonormal(20, 5), np.arange(1.0, 6.0), np.diag(np.arange(2.0, 7.0))
    found = rooted_solution(np.concatenate([basis, inertia]), right)
    np.testing.assert_allclose(found, right / (1 + np.arange(2.0, 7.0) ** 2), rtol=1e-12)


@every_way
def test_vanished_weights_are_an_error(solve: Solve) -> None:
    """Nothing determines the solution."""
    with pytest.raises(np.linalg.LinAlgError):
        solve(orthonormal(5, 3), np.zeros(5), np.ones(3))
