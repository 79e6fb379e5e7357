"""Curves in fewer points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.results.labelled_arrays import LabelledArrays, Meaning
from core.results.run_arrays import TRAJECTORY
from core.results.thinning import FEWEST_POINTS, thinned


def _curves(values: list[list[float]]) -> LabelledArrays:
    """Curves against their place."""
    arrays = {f"curve {number}": np.array(each) for number, each in enumerate(values)}
    arrays["record_step"] = np.arange(len(values[0]))
    meaning = Meaning(dims=("record_step",), symbol="", description="")
    return LabelledArrays(arrays=arrays, meanings=dict.fromkeys(arrays, meaning), attrs={}, coordinate="record_step")


@given(
    st.integers(1, 300).flatmap(
        lambda count: st.lists(
            st.lists(st.floats() | st.just(np.nan), min_size=count, max_size=count), min_size=1, max_size=4
        )
    ),
    st.integers(FEWEST_POINTS, 100),
)
def test_first_last_and_extremes_are_kept(values: list[list[float]], points: int) -> None:
    """In order, each point with the values it had, and no more points than are asked for."""
    whole = _curves(values)
    few = thinned(whole, points)
    places = few.arrays["record_step"].tolist()
    count = len(values[0])
    assert len(places) <= points or places == list(range(count))
    assert places == sorted(set(places))
    assert {0, count - 1} <= set(places)
    for name, array in whole.arrays.items():
        assert few.arrays[name].tobytes() == array[places].tobytes()
        finite, kept = array[np.isfinite(array)], few.arrays[name][np.isfinite(few.arrays[name])]
        if finite.size:
            assert (kept.min(), kept.max()) == (finite.min(), finite.max())


@pytest.mark.parametrize("points", [FEWEST_POINTS, 50])
def test_the_points_between_are_spread_evenly(points: int) -> None:
    """No gap is much longer than the mean one that the points without the extremes leave."""
    few = thinned(_curves([[0.0] * 1000]), points)
    gaps = np.diff(few.arrays["record_step"])
    assert len(few.arrays["record_step"]) > points - 4
    assert gaps.max() <= 1000 / (points - 4) + 1


def test_few_points_stay_as_they_are() -> None:
    """Nothing is left out that fits."""
    whole = _curves([[1.0, 2.0] * 10])
    assert thinned(whole, FEWEST_POINTS) is whole


def test_the_fewest_points_hold_what_is_needed_of_a_trajectory() -> None:
    """Two ends, and two extremes of each curve."""
    assert 2 + 2 * (len(TRAJECTORY) - 1) <= FEWEST_POINTS
