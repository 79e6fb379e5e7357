"""The row space of X and the set of interpolators."""

import numpy as np
import pytest

from core.data.row_space import interpolator_set, row_space
from core.errors import NoInterpolator
from tests.core.problems import small_problem


def test_the_basis_is_orthonormal_and_spans_the_rows() -> None:
    """Projecting the rows on it leaves nothing, and dependent rows add no vector."""
    X = small_problem(0).X
    basis = row_space(np.vstack([X, X[0] + X[1]]))
    assert basis.shape == (7, 3)
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(basis @ (basis.T @ X.T), X.T, atol=1e-13)


def test_repeated_samples_that_agree_still_have_interpolators() -> None:
    """Rank, not the number of samples, decides."""
    data = small_problem(0)
    space = interpolator_set(np.vstack([data.X, data.X]), np.concatenate([data.y, data.y]))
    assert space.residual(space.nearest_to_zero) < 1e-13


@pytest.mark.parametrize(("samples", "dimension"), [(8, 7), (9, 2)])
def test_more_samples_than_dimensions_have_no_interpolator(samples: int, dimension: int) -> None:
    """The error says how far the best fit is."""
    data = small_problem(0, samples=samples, dimension=dimension)
    with pytest.raises(NoInterpolator, match=f"{samples} samples") as caught:
        interpolator_set(data.X, data.y)
    assert caught.value.message == str(caught.value)


def test_repeated_samples_that_disagree_have_no_interpolator() -> None:
    """The same x with two values of y, in a dimension far above the number of samples."""
    data = small_problem(0)
    with pytest.raises(NoInterpolator):
        interpolator_set(np.vstack([data.X, data.X]), np.concatenate([data.y, data.y + 1]))


def test_polishing_keeps_zeros_where_it_can() -> None:
    """A vertex disturbed by 1e-7 comes back as the vertex; a support that fits nothing is given up."""
    data = small_problem(3)
    space = interpolator_set(data.X, data.y)
    vertex = np.zeros(7)
    vertex[:3] = np.linalg.solve(data.X[:, :3], data.y)
    disturbed = np.where(vertex != 0, vertex + 1e-7, 0)
    np.testing.assert_allclose(space.polished(disturbed), vertex, rtol=1e-10)
    assert space.residual(space.polished(np.array([1.0, 0, 0, 0, 0, 0, 0]))) < 1e-13


def test_multipliers_of_the_reduced_system_are_mapped_to_those_of_the_data() -> None:
    """Xᵀ(to_dual·κ) = basis·κ for every κ."""
    data = small_problem(4)
    space = interpolator_set(data.X, data.y)
    np.testing.assert_allclose(data.X.T @ space.to_dual, space.basis, atol=1e-13)
