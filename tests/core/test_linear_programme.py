"""Linear programmes."""

import numpy as np
import pytest

from core.errors import SolverFailure
from core.linear_programme import least

NOTHING = (np.zeros((0, 2)), np.zeros(0))


def test_multipliers_are_the_rates_of_the_optimum() -> None:
    """The least x₁ + 3x₂ with x₁ + x₂ = 2 and x₁ ≤ 1 is 4: a larger sum costs 3, a larger limit saves 2."""
    solution = least(
        np.array([1.0, 3.0]), equal=(np.ones((1, 2)), np.array([2.0])), at_most=(np.eye(2)[:1], np.array([1.0]))
    )
    np.testing.assert_allclose(solution.minimiser, [1, 1])
    np.testing.assert_allclose(solution.equality_multipliers, [3])
    np.testing.assert_allclose(solution.inequality_multipliers, [-2])


def test_numbers_that_overflowed_are_a_typed_error() -> None:
    """Infinite costs."""
    with pytest.raises(SolverFailure, match="not solved"):
        least(np.full(2, np.inf), equal=(np.ones((1, 2)), np.ones(1)), at_most=NOTHING)


def test_an_impossible_programme_is_a_typed_error() -> None:
    """x₁ + x₂ = −1 with x ≥ 0."""
    with pytest.raises(SolverFailure, match="not solved"):
        least(np.ones(2), equal=(np.ones((1, 2)), np.array([-1.0])), at_most=NOTHING)
