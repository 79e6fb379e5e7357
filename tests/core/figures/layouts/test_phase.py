"""Which axes span a phase diagram."""

from collections.abc import Mapping
from typing import Any

import pytest

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.phase import phase_layout
from core.sweep.grid import Grid
from tests.core.specs import grid_of

SCALES = [0.01, 0.1, 1.0, 3.0]
FRACTIONS = [0.1, 0.5, 0.9, 1.1]
Parts = Mapping[str, Any]


def _plane(**parts: Parts) -> Grid:
    """Scales by step sizes as multiples of the largest stable one, the last of them too large."""
    swept: dict[str, Parts] = {
        "initialization": {"scale": {"values": SCALES}},
        "optimizer": {"step_size": {"fractions_of_max_stable": FRACTIONS}},
    }
    return grid_of(**(swept | parts))


def test_scale_goes_along_x_and_step_size_upwards() -> None:
    """Where both are swept; the longer one of step size and warm-up, where all three are."""
    assert (phase_layout(_plane()).x, phase_layout(_plane()).y) == ("init_scale", "step_size_fraction")
    warmups = {"step_size": {"values": [0.001, 0.002]}, "warmup_steps": {"values": [0, 10, 100]}}
    layout = phase_layout(_plane(optimizer=warmups))
    assert (layout.x, layout.y) == ("warmup_steps", "init_scale")
    assert [dict(row) for row in layout.rows] == [{"step_size": 0.001}, {"step_size": 0.002}]
    few = warmups | {"warmup_steps": {"values": [0, 10]}}
    assert (phase_layout(_plane(optimizer=few)).x, phase_layout(_plane(optimizer=few)).y) == ("init_scale", "step_size")


def test_an_experiment_that_sweeps_one_number_is_refused() -> None:
    """Seeds and axes of one value are no second one."""
    grid = grid_of(
        data={"seed": {"values": [0, 1]}, "mean": {"values": [5.0]}}, initialization={"scale": {"values": SCALES}}
    )
    with pytest.raises(UnsuitableFigure, match="sweeps two numbers"):
        phase_layout(grid)
    with pytest.raises(UnsuitableFigure, match="7 panels"):
        phase_layout(_plane(data={"mean": {"start": 0, "stop": 6, "num": 7}}))
    with pytest.raises(UnsuitableFigure, match="80000 cells"):
        phase_layout(_plane(initialization={"scale": {"start": 0.1, "stop": 1.0, "num": 20_000}}))
