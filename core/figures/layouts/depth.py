"""The figure against depth: depths along x, a line for each step size, a panel for each combination of the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import STEP_SIZES, fixings, replicates, swept_axes
from core.sweep.grid import Grid

DEPTH = "depth"


@dataclass(frozen=True, kw_only=True, slots=True)
class DepthLayout:
    """The depths, the axis of the lines if there are several, the one that is aggregated, what each panel fixes."""

    depths: tuple[float, ...]
    series: str | None
    over: str
    panels: tuple[Mapping[str, float], ...]


def depth_layout(grid: Grid) -> DepthLayout:
    """Depths along x, a line for each step size, and a panel for each value of what else is swept, such as the scale.

    Raises:
        UnsuitableFigure: the depth is not swept, or too much else is.
    """
    axes, over = swept_axes(grid), replicates(grid)
    if DEPTH not in axes:
        raise UnsuitableFigure("This figure needs an experiment that sweeps the depth.")
    series = next((name for name in STEP_SIZES if name in axes), None)
    rest = [axis for name, axis in axes.items() if name not in {DEPTH, series, over}]
    return DepthLayout(depths=tuple(sorted(axes[DEPTH].values)), series=series, over=over, panels=tuple(fixings(rest)))
