"""Brackets of step sizes, and how a search divides them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stability.step_bracket import PROBES, divided, likely_fractions, parts_of

resolutions = st.floats(1e-6, 0.5)


@given(low=st.floats(1e-3, 1), width=st.floats(1.01, 1e3), resolution=resolutions, most=st.integers(1, 40))
def test_intervals_are_as_fine_as_the_resolution_asks(low: float, width: float, resolution: float, most: int) -> None:
    """Each is at most 1 + resolution wide in its ratio unless there are `most`; one less would not do."""
    parts = parts_of(low, low * width, resolution, most)
    assert 1 <= parts <= most
    if parts < most:
        assert width ** (1 / parts) <= (1 + resolution) * (1 + 1e-9)
    if parts > 1:
        assert width ** (1 / (parts - 1)) > 1 + resolution


@given(low=st.floats(1e-3, 10), width=st.floats(1.01, 1e3), parts=st.integers(1, 20))
def test_a_bracket_is_divided_into_equal_ratios(low: float, width: float, parts: int) -> None:
    """Both ends included."""
    ends = divided(low, low * width, parts)
    assert len(ends) == parts + 1
    assert (ends[0], ends[-1]) == pytest.approx((low, low * width), rel=1e-12)
    ratios = np.array(ends[1:]) / ends[:-1]
    np.testing.assert_allclose(ratios, width ** (1 / parts), rtol=1e-9)


@pytest.mark.parametrize(("width", "rounds"), [(14.9, 1), (15.1, 2), (254.9, 2), (255.1, 3), (17 * 255.1, 4)])
def test_a_round_has_as_many_probes_as_are_tried_at_once(width: float, rounds: int) -> None:
    """Sixteen with both ends make 15 intervals, and 17 of one of these where its ends are known."""
    end = 1.001 ** (width / 2)
    assert len(likely_fractions(lower=1 / end, upper=end, resolution=0.001)) == rounds


@pytest.mark.parametrize(("lower", "upper"), [(0.9, 1.1), (0.5, 1.2)])
def test_a_bracket_within_the_resolution_is_one_interval(lower: float, upper: float) -> None:
    """Its middle is where the largest step is expected, if that lies in it."""
    found = likely_fractions(lower=lower, upper=upper, resolution=2.0)
    assert found == pytest.approx([max(lower, (lower / upper) ** 0.5)])


@given(lower=st.floats(1e-3, 0.99), upper=st.floats(1.01, 50), resolution=resolutions)
def test_the_rounds_foreseen_are_those_that_the_resolution_takes(lower: float, upper: float, resolution: float) -> None:
    """Counted by dividing: PROBES probes within a bracket at first, then as many within one of its intervals."""
    # in units of the resolution, in logarithms
    rounds, width, parts = 0, np.log(upper / lower) / np.log1p(resolution), PROBES - 1
    while rounds == 0 or width > 1 + 1e-9:
        width /= max(1, min(np.ceil(width - 1e-9), parts))
        rounds, parts = rounds + 1, PROBES + 1
    assert len(likely_fractions(lower=lower, upper=upper, resolution=resolution)) == rounds


@given(lower=st.floats(1e-3, 0.99), upper=st.floats(1.01, 50), resolution=resolutions)
def test_the_likeliest_probes_lie_below_the_edge_and_come_nearer(lower: float, upper: float, resolution: float) -> None:
    """Within the bracket, each round at least as near to 1 as the one before."""
    fractions = likely_fractions(lower=lower, upper=upper, resolution=resolution)
    assert all(lower <= fraction <= 1 for fraction in fractions)
    assert fractions == sorted(fractions)


def test_a_bracket_beside_the_edge_takes_one_guess() -> None:
    """Its end that is nearer to 1."""
    assert likely_fractions(lower=1.5, upper=3, resolution=0.1) == [1.5]
    assert likely_fractions(lower=0.2, upper=0.5, resolution=0.1) == [0.5]
