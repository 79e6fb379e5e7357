"""The figure of predictors: which few runs of an experiment are shown, from where in its grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.figures.layouts.selection import REPLICATES, STEP_SIZES, run_at, spread, swept_axes, told_apart
from core.spec.axes import Axis
from core.sweep.grid import Grid

MOST_RUNS: Final = 4

SEARCHED: Final = 12
"""So many values from an end of an axis inwards are looked through for a run to show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictorLayout:
    """For each panel the indices of the runs that may stand there, the one that is wanted most first.

    `columns` is the number of panels in a row, `axes` are those in which the panels differ.
    """

    panels: tuple[tuple[int, ...], ...]
    columns: int
    axes: tuple[str, ...]


def predictor_layout(grid: Grid) -> PredictorLayout:
    """The ends of the two axes that matter most, so four runs, or up to four along the only one.

    Scale and step size come before all others; small scales stand above large ones, small steps left of large ones. Any
    other axis stays at its first value. In place of the run at a corner another one of its quarter may stand, first
    those along the step sizes, the largest of which is often too large; so no two panels show the same run.
    """
    axes = sorted((axis for name, axis in swept_axes(grid).items() if name not in REPLICATES), key=_rank)
    if not axes:
        return PredictorLayout(panels=((0,),), columns=1, axes=())
    if len(axes) == 1:
        return _along(grid, axes[0])
    down, across = sorted(axes[:2], key=lambda axis: axis.name in STEP_SIZES)
    return _corners(grid, down, across)


def predictor_of_runs(grid: Grid, runs: Sequence[int]) -> PredictorLayout:
    """A panel for each of these runs."""
    names, _ = told_apart(grid, runs)
    return PredictorLayout(panels=tuple((run,) for run in runs), columns=min(len(runs), 2), axes=tuple(names[0]))


def _along(grid: Grid, axis: Axis) -> PredictorLayout:
    panels = tuple((run_at(grid, {axis.name: value}),) for value in spread(axis.values, MOST_RUNS))
    return PredictorLayout(panels=panels, columns=min(len(panels), 2), axes=(axis.name,))


def _corners(grid: Grid, down: Axis, across: Axis) -> PredictorLayout:
    panels = tuple(
        tuple(run_at(grid, {down.name: line, across.name: place}) for line in lines for place in places)
        for lines in _halves(down)
        for places in _halves(across)
    )
    return PredictorLayout(panels=panels, columns=2, axes=(down.name, across.name))


def _halves(axis: Axis) -> tuple[list[float], list[float]]:
    """The smaller values and the larger ones, each from its end inwards."""
    values, middle = sorted(axis.values), len(axis.values) // 2
    return values[:middle][:SEARCHED], values[middle:][::-1][:SEARCHED]


def _rank(axis: Axis) -> tuple[int, int]:
    """Scale and step size first, the longest of the others next."""
    return 0 if axis.name in {"init_scale", *STEP_SIZES} else 1, -len(axis.values)
