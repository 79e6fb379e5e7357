"""The ends of the spectrum of (1/N)·X diag(c) Xᵀ on the range of X, against exact numbers and whole spectra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.row_space import interpolator_set
from core.stability.gram_spectrum import GramSpectrum
from tests.core.problems import small_problem


@given(seed=st.integers(0, 10_000), samples=st.integers(1, 5))
def test_the_ends_are_those_of_the_whole_spectrum(seed: int, samples: int) -> None:
    """With fewer samples than dimensions every eigenvalue belongs to the range."""
    data = small_problem(seed, samples=samples, dimension=8)
    c = np.random.default_rng(seed).uniform(0.1, 3, 8)
    spectrum = np.linalg.eigvalsh((data.X * c) @ data.X.T / samples)
    gram = GramSpectrum.of(interpolator_set(data.X, data.y))
    np.testing.assert_allclose(gram.ends(c), (spectrum[0], spectrum[-1]), rtol=1e-7)
    assert gram.largest_moment == pytest.approx(np.linalg.norm(data.X, 2) ** 2 / samples, rel=1e-12)


def test_repeated_samples_add_no_zero() -> None:
    """What lies outside the range of X is not counted."""
    data = small_problem(0, samples=3, dimension=8)
    twice = GramSpectrum.of(interpolator_set(np.repeat(data.X, 2, axis=0), np.repeat(data.y, 2)))
    once = GramSpectrum.of(interpolator_set(data.X, data.y))
    c = np.linspace(0.1, 1, 8)
    np.testing.assert_allclose(twice.ends(c), once.ends(c), rtol=1e-10)
    assert twice.ends(c)[0] > 0


@pytest.mark.parametrize("least", [1e-8, 1e-20, 1e-28])
def test_the_least_eigenvalue_keeps_its_digits(least: float) -> None:
    """Where X is diagonal the spectrum is c itself: no eigenvalue is lost beside one of order 1."""
    gram = GramSpectrum.of(interpolator_set(np.eye(3) * np.sqrt(3), np.ones(3)))
    np.testing.assert_allclose(gram.ends(np.array([1.0, least, 0.5])), (least, 1.0), rtol=1e-12)
