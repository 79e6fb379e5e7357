"""Sharpness of the training loss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.regression import Dataset
from core.sharpness import (
    gram_matrix,
    hessian,
    hessian_sharpness,
    interpolator_sharpness,
    top_eigenpair,
)
from tests.core.problems import paper_problem, small_problem, small_problems
from tests.reference import finite_difference


def parameters(data: Dataset, seed: int, *runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Random (u₊, u₋) of both signs."""
    u_plus, u_minus = np.random.default_rng(seed).standard_normal((2, *runs, data.X.shape[1]))
    return u_plus, u_minus


@pytest.mark.parametrize("seed", range(3))
def test_hessian_equals_finite_differences(seed: int) -> None:
    """At random parameters with u₊ ≠ u₋, off the interpolators, so that both of its terms count."""
    data = small_problem(seed)
    u_plus, u_minus = parameters(data, seed)
    expected = finite_difference.hessian(data.X, data.y, np.concatenate([u_plus, u_minus]), width=1e-3)
    found = hessian(data.X, data.y, u_plus, u_minus)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(found).max())


@settings(max_examples=25)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_at_an_interpolator_the_gram_matrix_has_the_sharpness_of_the_hessian(data: Dataset, seed: int) -> None:
    """With y = Xβ the second term of the Hessian is gone."""
    u_plus, u_minus = parameters(data, seed)
    y = data.X @ (u_plus**2 - u_minus**2)
    full = hessian_sharpness(data.X, y, u_plus, u_minus)
    assert interpolator_sharpness(data.X, u_plus, u_minus).value == pytest.approx(full.value, rel=1e-10)


@pytest.mark.parametrize(("samples", "dimension"), [(3, 7), (7, 3), (4, 4)])
def test_the_smaller_form_has_the_same_sharpness(samples: int, dimension: int) -> None:
    """The N × N and the d × d form agree, and the vector has min(N, d) entries."""
    data = small_problem(1, samples=samples, dimension=dimension)
    u_plus, u_minus = parameters(data, 1)
    pair = interpolator_sharpness(data.X, u_plus, u_minus)
    gram = gram_matrix(data.X, u_plus**2 + u_minus**2)
    assert pair.value == pytest.approx(np.linalg.eigvalsh(gram)[-1], rel=1e-12)
    assert pair.vector.shape == (min(samples, dimension),)


def test_gram_matrix_is_its_sum() -> None:
    """Entry by entry from the formula."""
    data = small_problem(2)
    z = np.arange(7.0)
    expected = [[sum(4 / 3 * a[i] * z[i] * b[i] for i in range(7)) for b in data.X] for a in data.X]
    np.testing.assert_allclose(gram_matrix(data.X, z), expected, rtol=1e-13)


def test_the_top_eigenvalue_is_the_largest_not_the_largest_in_magnitude() -> None:
    """Of −5 and 1 it is 1."""
    pair = top_eigenpair(np.diag([-5.0, 1.0]))
    assert pair.value == 1
    assert np.abs(pair.vector).tolist() == [0, 1]


def test_eigenpairs_come_with_a_small_residual() -> None:
    """On the paper's data, both ways."""
    data = paper_problem()
    u_plus, u_minus = parameters(data, 0)
    for pair in (
        interpolator_sharpness(data.X, u_plus, u_minus),
        hessian_sharpness(data.X, data.y, u_plus, u_minus),
    ):
        assert pair.residual < 1e-13
        assert np.linalg.norm(pair.vector) == pytest.approx(1, rel=1e-13)


def test_a_diverged_state_has_sharpness_nan() -> None:
    """A run that has left the numbers is data, not an exception."""
    data = small_problem(0)
    u_plus, u_minus = parameters(data, 0)
    u_plus[0] = np.inf
    assert np.isnan(interpolator_sharpness(data.X, u_plus, u_minus).value)


@settings(max_examples=25)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_sharpness_does_not_know_names_or_signs(data: Dataset, seed: int) -> None:
    """Permuting coordinates, turning signs of entries, or exchanging u₊ and u₋ changes nothing at an interpolator."""
    u_plus, u_minus = parameters(data, seed)
    value = interpolator_sharpness(data.X, u_plus, u_minus).value
    order = np.random.default_rng(seed).permutation(data.X.shape[1])
    permuted = interpolator_sharpness(data.X[:, order], u_plus[order], u_minus[order]).value
    exchanged = interpolator_sharpness(-data.X, -u_minus, u_plus).value
    assert permuted == pytest.approx(value, rel=1e-12)
    assert exchanged == pytest.approx(value, rel=1e-12)
