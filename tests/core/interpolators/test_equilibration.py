"""Equilibration: the same interpolators, in coordinates of equal length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NoInterpolator
from core.interpolators.equilibration import equilibrated
from tests.core.problems import small_problem


@given(seed=st.integers(0, 10_000), spread=st.floats(0, 8))
def test_columns_have_length_one_whatever_their_units(seed: int, spread: float) -> None:
    """And a predictor comes back in the units it belongs to."""
    rng, data = np.random.default_rng(seed), small_problem(seed)
    units = 10 ** rng.uniform(-spread, spread, 7)
    problem = equilibrated(data.X * units, data.y)
    np.testing.assert_allclose(np.linalg.norm(problem.space.X, axis=0), 1, rtol=1e-12)
    predictor = problem.predictor(problem.space.nearest_to_zero)
    # the least Σ (length∘β)² by a general solver
    lengths = np.linalg.norm(data.X * units, axis=0)
    expected = np.linalg.lstsq(data.X * units / lengths, data.y)[0] / lengths
    np.testing.assert_allclose(predictor, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())
    assert problem.residual(predictor) < 1e-11


def test_columns_of_zeros_are_left_out() -> None:
    """Their β is 0."""
    data = small_problem(0)
    X = data.X.copy()
    X[:, [1, 4]] = 0
    problem = equilibrated(X, data.y)
    assert problem.columns.tolist() == [0, 2, 3, 5, 6]
    predictor = problem.predictor(problem.space.nearest_to_zero)
    assert predictor[[1, 4]].tolist() == [0, 0]
    np.testing.assert_allclose(X @ predictor, data.y, atol=1e-11)


def test_an_x_of_zeros_fits_targets_of_zero_alone() -> None:
    """β = 0 then."""
    problem = equilibrated(np.zeros((2, 3)), np.zeros(2))
    assert problem.predictor(problem.space.nearest_to_zero).tolist() == [0, 0, 0]
    with pytest.raises(NoInterpolator):
        equilibrated(np.zeros((2, 3)), np.ones(2))


def test_the_nearest_interpolator_keeps_zeros() -> None:
    """A vertex that is off by a little stays one."""
    data = small_problem(3)
    problem = equilibrated(data.X, data.y)
    vertex = np.zeros(7)
    vertex[:3] = np.linalg.solve(problem.space.X[:, :3], data.y) * (1 + 1e-9)
    predictor = problem.predictor(vertex)
    assert predictor[3:].tolist() == [0, 0, 0, 0]
    assert problem.residual(predictor) < 1e-12
