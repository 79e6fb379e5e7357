"""The largest eigenvalue of (1/N)·X diag(c) Xᵀ, against whole spectra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.row_space import interpolator_set
from core.stability.gram_spectrum import GramSpectrum
from tests.core.problems import small_problem


@given(seed=st.integers(0, 10_000), samples=st.integers(1, 5))
def test_it_is_the_largest_of_the_whole_spectrum(seed: int, samples: int) -> None:
    """And ‖X‖²/N that of c = 1."""
    data = small_problem(seed, samples=samples, dimension=8)
    c = np.random.default_rng(seed).uniform(0.1, 3, 8)
    spectrum = np.linalg.eigvalsh((data.X * c) @ data.X.T / samples)
    gram = GramSpectrum.of(interpolator_set(data.X, data.y))
    assert gram.largest(c) == pytest.approx(spectrum[-1], rel=1e-12)
    assert gram.largest_moment == pytest.approx(np.linalg.norm(data.X, 2) ** 2 / samples, rel=1e-12)


def test_repeated_samples_change_nothing() -> None:
    """Half of them are as many as all."""
    data = small_problem(0, samples=3, dimension=8)
    twice = GramSpectrum.of(interpolator_set(np.repeat(data.X, 2, axis=0), np.repeat(data.y, 2)))
    once = GramSpectrum.of(interpolator_set(data.X, data.y))
    c = np.linspace(0.1, 1, 8)
    assert twice.largest(c) == pytest.approx(once.largest(c), rel=1e-10)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_spectrum(bad: float) -> None:
    """An error, never a number."""
    data = small_problem(0, samples=3, dimension=8)
    with pytest.raises(np.linalg.LinAlgError), np.errstate(all="ignore"):
        GramSpectrum.of(interpolator_set(data.X, data.y)).largest(np.append(np.ones(7), bad))
