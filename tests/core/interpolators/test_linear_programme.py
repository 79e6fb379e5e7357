"""Linear programmes."""

import numpy as np
import pytest

from core.errors import SolverFailure
from core.interpolators.linear_programme import least


def test_multipliers_are_the_rates_of_the_optimum() -> None:
    """The least x₁ + 3x₂ + x₃ with x₁ + x₂ = 2 and x₁ + x₃ = 1 is 4: a larger first sum costs 3, a larger second −2."""
    solution = least(np.array([1.0, 3.0, 1.0]), np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), np.array([2.0, 1.0]))
    np.testing.assert_allclose(solution.minimiser, [1, 1, 0])
    np.testing.assert_allclose(solution.multipliers, [3, -2])


@pytest.mark.parametrize("seed", range(5))
def test_the_minimiser_is_a_vertex_and_its_multipliers_prove_it_least(seed: int) -> None:
    """As few nonzero entries as equations, no negative reduced cost, none where an entry is positive."""
    rng = np.random.default_rng(seed)
    matrix, cost = rng.standard_normal((4, 12)), rng.uniform(0.1, 1, 12)
    right_side = matrix @ rng.uniform(0, 1, 12)
    solution = least(cost, matrix, right_side)
    reduced = cost - matrix.T @ solution.multipliers
    np.testing.assert_allclose(matrix @ solution.minimiser, right_side, rtol=1e-9)
    assert np.count_nonzero(solution.minimiser) <= 4
    assert reduced.min() >= -1e-9
    assert np.abs(reduced * solution.minimiser).max() <= 1e-9


def test_numbers_that_overflowed_are_a_typed_error() -> None:
    """Infinite costs."""
    with pytest.raises(SolverFailure, match="not solved"):
        least(np.full(2, np.inf), np.ones((1, 2)), np.ones(1))


def test_an_impossible_programme_is_a_typed_error() -> None:
    """x₁ + x₂ = −1 with x ≥ 0."""
    with pytest.raises(SolverFailure, match="not solved"):
        least(np.ones(2), np.ones((1, 2)), np.array([-1.0]))
