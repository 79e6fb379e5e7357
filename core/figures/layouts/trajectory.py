"""The trajectory figure: which runs of an experiment it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import REPLICATES, STEP_SIZES, run_at, spread, swept_axes, told_apart
from core.spec.axes import Axis
from core.spec.experiment_spec import SparseRegression
from core.sweep.grid import Grid

MAX_RUNS: Final = 6
MAX_DEPTHS: Final = 3
LEAST_POINTS: Final = 3
"""The first record is of step 0, which a logarithmic axis does not show; two more make a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrajectoryLayout:
    """One column of panels for each depth, and in each the runs at some values of `series`, if anything is swept.

    `columns` holds for each column its `depth` (None for the only one), and the index of the run at each of `values`;
    `fixed` the value of each other swept axis. `names` are the coordinates of runs that were chosen one by one. `below`
    is what stands below the training loss.
    """

    series: str | None
    values: tuple[float, ...]
    columns: tuple[tuple[float | None, tuple[int, ...]], ...]
    fixed: Mapping[str, float]
    names: tuple[Mapping[str, float], ...] = ()
    below: str = "sharpness"


def trajectory_layout(grid: Grid) -> TrajectoryLayout:
    """Runs of evenly spaced step sizes, or along the first swept axis; in the middle of other axes, at the first seed.

    Raises:
        UnsuitableFigure: the experiment records too little of its runs.
    """
    _require_records(grid)
    axes = swept_axes(grid)
    depths = axes.pop("depth", None)
    series = _followed(axes)
    values = () if series is None else spread(series.values, MAX_RUNS)
    fixed = {name: _usual(axis) for name, axis in axes.items() if axis is not series}
    columns = (None,) if depths is None else spread(depths.values, MAX_DEPTHS)
    return TrajectoryLayout(
        series=series.name if series else None,
        values=values,
        columns=tuple((depth, _runs(grid, series, values, fixed, depth)) for depth in columns),
        fixed=fixed,
    )


def _followed(axes: Mapping[str, Axis]) -> Axis | None:
    """The axis of step sizes if they are swept, else the first that is no seed, else the first."""
    order = sorted(axes.values(), key=lambda axis: (axis.name not in STEP_SIZES, axis.name in REPLICATES))
    return order[0] if order else None


def _usual(axis: Axis) -> float:
    return axis.values[0] if axis.name in REPLICATES else sorted(axis.values)[len(axis.values) // 2]


def _runs(
    grid: Grid, series: Axis | None, values: tuple[float, ...], fixed: Mapping[str, float], depth: float | None
) -> tuple[int, ...]:
    where = dict(fixed) | ({} if depth is None else {"depth": depth})
    if series is None:
        return (run_at(grid, where),)
    return tuple(run_at(grid, where | {series.name: value}) for value in values)


def trajectory_of_runs(grid: Grid, runs: Sequence[int]) -> TrajectoryLayout:
    """These runs in one column, each named by what tells it from the others.

    Raises:
        UnsuitableFigure: the experiment records too little of its runs.
    """
    _require_records(grid)
    names, fixed = told_apart(grid, runs)
    return TrajectoryLayout(series=None, values=(), columns=((None, tuple(runs)),), fixed=fixed, names=names)


def early_stopping_layout(grid: Grid) -> TrajectoryLayout:
    """The same runs with the excess risk below the training loss.

    Raises:
        UnsuitableFigure: likewise, or the data are a user's, of which the excess risk is not known.
    """
    return _of_excess_risk(grid, trajectory_layout(grid))


def early_stopping_of_runs(grid: Grid, runs: Sequence[int]) -> TrajectoryLayout:
    """The same of runs that are chosen.

    Raises:
        UnsuitableFigure: likewise.
    """
    return _of_excess_risk(grid, trajectory_of_runs(grid, runs))


def _of_excess_risk(grid: Grid, layout: TrajectoryLayout) -> TrajectoryLayout:
    if not isinstance(grid.spec.data, SparseRegression):
        raise UnsuitableFigure("This figure needs sparse_regression data: of others the excess risk is not known.")
    return replace(layout, below="excess_risk")


def _require_records(grid: Grid) -> None:
    points = grid.spec.recording.records
    if points < LEAST_POINTS:
        raise UnsuitableFigure(
            f"This figure follows runs along their records and needs at least {LEAST_POINTS} of each: recording.points "
            f"is {points} in this experiment."
        )
