"""When a run is recorded."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.training.recording import record_steps


@given(points=st.integers(1, 200), max_steps=st.integers(1, 10**9))
def test_recorded_steps_are_few_distinct_and_span_the_budget(points: int, max_steps: int) -> None:
    """At most `points` growing steps that end at the budget, and start at 0 where there is room for two."""
    steps = record_steps(points, max_steps)
    assert 1 <= len(steps) <= points
    assert (np.diff(steps) > 0).all()
    assert steps[-1] == max_steps
    assert points == 1 or steps[0] == 0


def test_the_steps_are_log_spaced_between_the_first_and_the_last() -> None:
    """Of one point the last is left, of two both ends."""
    assert record_steps(5, 1000).tolist() == [0, 1, 10, 100, 1000]
    assert record_steps(2, 1000).tolist() == [0, 1000]
    assert record_steps(1, 1000).tolist() == [1000]


def test_no_points_means_no_recording() -> None:
    """0 points: nothing is recorded."""
    assert record_steps(0, 1000).size == 0
