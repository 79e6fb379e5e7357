"""One end of a spectrum."""

import numpy as np
import pytest

from core.completion.oblique_projector import ObliqueProjector
from core.stability.extreme_eigenvalues import largest_eigenvalue, least_eigenvalue

COUNTED_OTHERWISE = np.eye(3) + 2.0**-53 * np.array([[-5, 5, -7], [5, 8, 3], [-7, 3, -7]])
"""One of which LAPACK's bisection does not find the third eigenvalue."""


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
@pytest.mark.parametrize("order", [1, 2, 7, 40])
def test_both_ends_are_those_of_a_matrix_made_of_its_spectrum(order: int, scale: float) -> None:
    """M = QΛQᵀ, to rounding of ‖M‖."""
    rng = np.random.default_rng(order)
    turn = np.linalg.qr(rng.standard_normal((order, order)))[0]
    values = np.sort(rng.uniform(-1, 1, order)) * scale
    matrix = turn * values @ turn.T
    matrix = (matrix + matrix.T) / 2
    found = np.array([least_eigenvalue(matrix), largest_eigenvalue(matrix)])
    np.testing.assert_allclose(found / scale, values[[0, -1]] / scale, rtol=0, atol=1e-14 * order)


def test_eigenvalues_that_are_one_but_for_rounding_are_found() -> None:
    """Of the identity and what rounding makes of it, for thousands of roundings."""
    rng = np.random.default_rng(0)
    rounded = [np.eye(5) + 2.0**-53 * np.tril(rng.integers(-8, 9, (5, 5))) for _ in range(3000)]
    nearly = [COUNTED_OTHERWISE, *(np.tril(each) + np.tril(each, -1).T for each in rounded)]
    ends = np.array([[least_eigenvalue(each), largest_eigenvalue(each)] for each in nearly])
    np.testing.assert_allclose(ends, 1.0, rtol=0, atol=1e-14)


def test_a_projector_onto_everything_has_norm_one_whatever_the_weights() -> None:
    """I − P = I where the row space is the whole: a run on data of full rank has an error of its limit."""
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.standard_normal((7, 7)))[0]
        projector = ObliqueProjector.of(basis, rng.uniform(0.2, 3.0, 7))
        assert projector.norm == 0
        assert abs(projector.complement - 1) < 1e-12


def test_a_matrix_that_is_not_finite_is_refused() -> None:
    """There is no eigenvalue to give."""
    with pytest.raises(np.linalg.LinAlgError, match="finite"):
        largest_eigenvalue(np.diag([1.0, np.nan]))
