"""What a larger step gains: a number of the data along x, step sizes upwards, seeds share a cell."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.phase import MOST_CELLS
from core.figures.layouts.selection import REPLICATES, fixings, replicates, step_axis, swept_axes
from core.spec.axes import Axis
from core.spec.experiment_spec import SparseRegression
from core.sweep.grid import Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class GainLayout:
    """The axes along x and y, the one whose runs share a cell, and the values that each panel fixes."""

    x: str
    y: str
    over: str
    panels: tuple[Mapping[str, float], ...]


def gain_layout(grid: Grid) -> GainLayout:
    """The data mean along x where it is swept, else the longest axis of the data; step sizes upwards.

    Raises:
        UnsuitableFigure: the true risk is not known, no number of the data or no step size is swept, or too much is.
    """
    axes, over = swept_axes(grid), replicates(grid)
    if not isinstance(grid.spec.data, SparseRegression):
        raise UnsuitableFigure("This figure needs sparse_regression data, whose excess risk is known.")
    y = step_axis(grid)
    of_data = [axis for axis in grid.problem_axes if axis.name in axes and axis.name not in {*REPLICATES, "depth"}]
    if not of_data:
        raise UnsuitableFigure("This figure needs an experiment that sweeps a number of the data, such as their mean.")
    x = max(of_data, key=_rank)
    if len(x.values) * len(y.values) > MOST_CELLS:
        raise UnsuitableFigure(f"This figure would need {len(x.values) * len(y.values)} cells; {MOST_CELLS} are most.")
    rest = [axis for name, axis in axes.items() if name not in {x.name, y.name, over}]
    return GainLayout(x=x.name, y=y.name, over=over, panels=tuple(fixings(rest)))


def _rank(axis: Axis) -> tuple[bool, int]:
    return axis.name == "data_mean", len(axis.values)
