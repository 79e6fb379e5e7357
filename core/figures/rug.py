"""Rug marks along the bottom of a panel: crosses of runs that did not converge, and what has no place on the axis."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from core.figures.style import MUTED, RUG
from core.results.curves import Curve

ROW: Final = 0.03
"""The height of a row of marks, as a part of the panel's."""

ZERO: Final = "v"
"""The marker of what is exactly zero, at the floor of a logarithmic axis."""

Row = tuple[Sequence[float], str]
"""Positions along x, and a colour."""


def failed_points(curve: Curve) -> list[int]:
    """The points where runs did not converge, and none that did has a value."""
    points = enumerate(zip(curve.not_converged, curve.runs, strict=True))
    return [point for point, (failed, runs) in points if failed and not runs]


def zero_points(curve: Curve) -> list[int]:
    """The points whose median is exactly zero, which a logarithmic axis does not have."""
    return [point for point, median in enumerate(curve.median) if median == 0]


def rug_height(rows: int) -> float:
    """How much of the panel's height so many rows take; 0 where there are none."""
    return ROW * (rows + 1) if rows else 0.0


def draw_rug(panel: Axes, rows: Sequence[Row], *, marker: str = "x", above: int = 0) -> None:
    """Marks at these positions, one row for each entry from below, above so many rows that are there already."""
    if rows:
        height = rug_height(above + len(rows))
        panel.add_artist(Rectangle((0, 0), 1, height, transform=panel.transAxes, color=RUG, linewidth=0))
    for row, (positions, colour) in enumerate(rows, start=above + 1):
        heights, across = [ROW * row] * len(positions), panel.get_xaxis_transform()
        panel.plot(positions, heights, marker, color=colour, transform=across, markeredgewidth=1.3)


def cross_handle() -> Line2D:
    """What the crosses mean, for a legend."""
    return Line2D([], [], color=MUTED, linestyle="", marker="x", label="in the strip: no run converged")


def zero_handle() -> Line2D:
    """What the triangles at the floor mean, for a legend."""
    return Line2D([], [], color=MUTED, linestyle="", marker=ZERO, label="in the strip: exactly 0")
