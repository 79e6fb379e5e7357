"""The stability figure: one panel for each scale, or for as many of them as fit."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.figures.layouts import MAX_PANELS
from core.figures.layouts.selection import columns_of, fixings, replicates, spread, step_axis, swept_axes
from core.sweep.grid import Grid

SCALE = "init_scale"


@dataclass(frozen=True, kw_only=True, slots=True)
class StabilityLayout:
    """The axis of step sizes along x, the axis that is aggregated, and for each panel the values that it fixes.

    Of the `scales_swept` initialisation scales those in `scales_shown` have panels, in `columns` beside each other.
    """

    x: str
    over: str
    panels: tuple[Mapping[str, float], ...]
    columns: int
    scales_swept: int
    scales_shown: tuple[float, ...]


def stability_layout(grid: Grid) -> StabilityLayout:
    """Step sizes along x; a panel for each scale, and for each value of what else is swept, such as the depth.

    Raises:
        UnsuitableFigure: the step size is not swept, or too much else is.
    """
    x, over = step_axis(grid), replicates(grid)
    rest = [axis for name, axis in swept_axes(grid).items() if name not in {x.name, over, SCALE}]
    rows = fixings(rest)
    scales = next((axis for axis in grid.axes if axis.name == SCALE), None)
    shown = spread(scales.values if scales else (), MAX_PANELS // len(rows))
    panels = [row | ({SCALE: scale} if scales else {}) for row in rows for scale in shown or (0.0,)]
    return StabilityLayout(
        x=x.name,
        over=over,
        panels=tuple(panels),
        columns=len(shown) if len(rows) > 1 and len(shown) > 1 else columns_of(len(panels)),
        scales_swept=len(scales.values) if scales else 0,
        scales_shown=shown,
    )
