"""Curves in ascending order."""

import hypothesis.strategies as st
from hypothesis import given

from core.figures.ascending import ascending
from core.results.curves import Curves, curves
from core.results.result import Summary
from core.sweep.grid import Grid
from tests.core.specs import SCALES, STEP_SIZES, grid_of, summaries_of


def _grid(scales: list[float], step_sizes: list[float]) -> Grid:
    return grid_of(
        data={"seed": {"values": [0, 1]}},
        initialization={"scale": {"values": scales}},
        optimizer={"step_size": {"values": step_sizes}},
    )


def _family(grid: Grid) -> Curves:
    summaries = summaries_of(grid)
    for run in grid.runs():
        if run.init_scale == SCALES[0] and run.step_size == STEP_SIZES[1]:
            summaries[run.index] = None
    return curves(grid, summaries, x="init_scale", y="excess_risk", series="step_size")


@given(st.permutations(SCALES), st.permutations(STEP_SIZES))
def test_the_order_in_which_an_experiment_sweeps_is_no_matter(scales: list[float], step_sizes: list[float]) -> None:
    """Every number stays with its own x and its own series, gaps and counts included."""
    assert ascending(_family(_grid(scales, step_sizes))) == _family(_grid(SCALES, STEP_SIZES))


def test_a_single_line_stays_one() -> None:
    """It has no value to be sorted by."""
    grid = grid_of(initialization={"scale": {"values": SCALES[::-1]}})
    summaries: list[Summary | None] = [{"outcome": "converged", "excess_risk": run.init_scale} for run in grid.runs()]
    (curve,) = ascending(curves(grid, summaries, x="init_scale", y="excess_risk")).curves
    assert curve.series is None
    assert curve.median == tuple(SCALES)
