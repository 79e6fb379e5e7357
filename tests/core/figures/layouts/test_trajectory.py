"""Which runs the trajectory figure follows."""

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.trajectory import trajectory_layout
from tests.core.specs import grid_of


@pytest.mark.parametrize("recorded", [0, 1, 2])
def test_an_experiment_that_records_too_little_is_refused(recorded: int) -> None:
    """With what it would need."""
    with pytest.raises(UnsuitableFigure, match=rf"needs at least 3 of each: recording.points is {recorded}"):
        trajectory_layout(grid_of(optimizer={"step_size": {"values": [0.001, 0.004]}}, recording={"points": recorded}))
