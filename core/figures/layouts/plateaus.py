"""The figure of plateaus: which runs of an experiment are followed coordinate by coordinate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import REPLICATES, run_at, spread, swept_axes, told_apart
from core.record_plan import VectorQuantity
from core.spec.axes import Axis
from core.sweep.grid import Grid

MOST_RUNS: Final = 3
LEAST_POINTS: Final = 3
"""The first record is of time 0, which a logarithmic axis does not show; two more make a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateausLayout:
    """A column for each of these runs, named by the coordinates in which they differ; `fixed` are those they share."""

    runs: tuple[int, ...]
    names: tuple[Mapping[str, float], ...]
    fixed: Mapping[str, float]


def plateaus_layout(grid: Grid) -> PlateausLayout:
    """Up to three runs along the initialisation scale, or along the first axis that is swept; at the least of others.

    Raises:
        UnsuitableFigure: the experiment does not record predictors.
    """
    _require_predictors(grid)
    axes = sorted(swept_axes(grid).values(), key=_rank)
    fixed = {axis.name: min(axis.values) for axis in axes[1:]}
    values = spread(axes[0].values, MOST_RUNS) if axes else ()
    return _layout(grid, [run_at(grid, fixed | {axes[0].name: value}) for value in values] or [0])


def plateaus_of_runs(grid: Grid, runs: Sequence[int]) -> PlateausLayout:
    """A column for each of these runs.

    Raises:
        UnsuitableFigure: they are more than three, or the experiment does not record predictors.
    """
    _require_predictors(grid)
    if len(runs) > MOST_RUNS:
        raise UnsuitableFigure(
            f"This figure has a column for each run, and room for {MOST_RUNS}; {len(runs)} are asked for."
        )
    return _layout(grid, runs)


def _layout(grid: Grid, runs: Sequence[int]) -> PlateausLayout:
    names, fixed = told_apart(grid, runs)
    return PlateausLayout(runs=tuple(runs), names=names, fixed=fixed)


def _rank(axis: Axis) -> tuple[bool, bool]:
    return axis.name != "init_scale", axis.name in REPLICATES


def _require_predictors(grid: Grid) -> None:
    recording = grid.spec.recording
    if VectorQuantity.PREDICTOR not in recording.vectors or recording.records < LEAST_POINTS:
        raise UnsuitableFigure(
            "This figure follows every coordinate of runs along their records: recording.vectors needs predictor, at "
            f"{LEAST_POINTS} steps or more."
        )
