"""Where medians fall below a level, against numbers made by hand, and intervals against what they should cover."""

import numpy as np
import pytest

from core.figures.boundary import boundaries, medians

PLACES = np.array([0.0, 1.0, 2.0, 4.0])


def _of(line: list[float], level: float = 0.0) -> float:
    return float(boundaries(np.array(line)[None, :, None], PLACES, level)[0, 0])


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ([3.0, 1.0, -1.0, -2.0], 1.5),
        ([-1.0, 1.0, -3.0, -3.0], 1.25),
        ([1.0, np.nan, -1.0, -1.0], 1.0),
        ([-1.0, -1.0, -1.0, -1.0], -np.inf),
        ([-1.0, -1.0, -1.0, 0.0], np.inf),
    ],
)
def test_it_lies_behind_the_last_place_that_is_not_below(line: list[float], place: float) -> None:
    """Interpolated; earlier places below do not count, and one without a value is passed over."""
    assert _of(line) == place


def test_the_level_is_that_of_the_values() -> None:
    """Half of the way from 3 down to 1 is 2."""
    assert _of([3.0, 1.0, 1.0, 1.0], level=2.0) == 0.5
    assert np.isnan(_of([np.nan] * 4))


def test_one_seed_has_no_interval() -> None:
    """Nothing is said of what one seed cannot tell."""
    assert np.isnan(boundaries(np.array([[[1.0], [-1.0]]]), np.array([0.0, 1.0]), 0.0)[1:]).all()


def test_medians_are_of_the_finite_values() -> None:
    """As numpy's of them alone."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(4, 5, 9))
    values[rng.random(values.shape) < 0.3] = np.nan
    assert np.array_equal(medians(values), np.nanmedian(values, axis=-1))


def test_the_interval_covers_the_place_about_as_often_as_it_says() -> None:
    """Lines that fall from 1 to −1 with noise of their own in every seed; the true place is .5.

    Of 200 intervals from 20 seeds each 95 % should cover it, of a bootstrap percentile somewhat fewer.
    """
    rng, places = np.random.default_rng(0), np.linspace(0, 1, 6)
    draws = 1 - 2 * places[None, :, None] + rng.normal(size=(200, 1, 20)) * 0.4
    _, low, high = boundaries(draws, places, 0.0)
    covered = int(((low <= 0.5) & (high >= 0.5)).sum())
    assert 172 <= covered <= 199
