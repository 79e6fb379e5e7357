"""When a run is recorded."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.recording import record_steps


@given(points=st.integers(1, 200), max_steps=st.integers(1, 10**9))
def test_recorded_steps_are_few_distinct_and_span_the_budget(points: int, max_steps: int) -> None:
    """At most `points` growing steps that end at the budget, and start at 0 where there is room for two."""
    steps = record_steps(points, max_steps)
    assert 1 <= len(steps) <= points
    assert (np.diff(steps) > 0).all()
    assert steps[-1] == max_steps
    assert points == 1 or steps[0] == 0


def test_no_points_means_no_recording() -> None:
    """0 points: nothing is recorded."""
    assert record_steps(0, 1000).size == 0
