"""Triangular systems and Cholesky factors against plain solutions."""

import numpy as np
import pytest

from core.interpolators.triangular import solve_factored, solve_lower, upper_factor


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 4), (6, 0)])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_triangular_system_is_solved_by_what_is_below_the_diagonal(
    order: str,
    shape: tuple[int, ...],
    transposed: bool,  # noqa: FBT001 - drawn
) -> None:
    """However the matrix lies in memory, and whatever stands above; nothing that is given is changed."""
    random = np.random.default_rng(0)
    factor = np.array(random.normal(size=(6, 6)) + 4 * np.eye(6), order=order)
    right, before = random.normal(size=shape), factor.copy()
    lower = np.tril(factor).T if transposed else np.tril(factor)
    found = solve_lower(factor, right, transposed=transposed)
    np.testing.assert_allclose(lower @ found, right, rtol=1e-12, atol=1e-12)
    assert (factor == before).all()


def test_a_factor_solves_what_it_is_of() -> None:
    """By Cholesky: the matrix is left as it is."""
    random = np.random.default_rng(1)
    root, right = random.normal(size=(9, 5)), random.normal(size=5)
    matrix = root.T @ root
    found = solve_factored(upper_factor(matrix), right)
    np.testing.assert_allclose(root.T @ root @ found, right, rtol=1e-10)
    assert (matrix == root.T @ root).all()


def test_what_has_no_solution_is_refused() -> None:
    """A 0 on the diagonal, and a matrix that is not positive definite."""
    with pytest.raises(np.linalg.LinAlgError):
        solve_lower(np.diag([1.0, 0.0]), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError):
        upper_factor(np.diag([1.0, -1.0]))
