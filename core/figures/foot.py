"""Crosses at the foot of a panel, below all that is drawn: runs that did not converge, and so have no point above."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from core.curves import Curve
from core.figures.style import FOOT, MUTED

ROW: Final = 0.03
"""The height of a row of crosses, as a part of the panel's."""


def failed_points(curve: Curve) -> list[int]:
    """The points where runs did not converge, and none that did has a value."""
    points = enumerate(zip(curve.not_converged, curve.runs, strict=True))
    return [point for point, (failed, runs) in points if failed and not runs]


def foot_height(rows: int) -> float:
    """How much of the panel's height so many rows take; 0 where there are none."""
    return ROW * (rows + 1) if rows else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FootRow:
    """Marks in one line: their places along x, and how they look."""

    places: Sequence[float]
    colour: str
    marker: str = "x"


def draw_foot(panel: Axes, rows: Sequence[FootRow]) -> None:
    """The rows, from below."""
    if rows:
        foot = Rectangle((0, 0), 1, foot_height(len(rows)), transform=panel.transAxes, color=FOOT, linewidth=0)
        panel.add_artist(foot)
    for row, (places, colour) in enumerate(rows):
        height = [ROW * (row + 1)] * len(places)
        across = panel.get_xaxis_transform()
        panel.plot(places, height, "x", color=colour, transform=across, markeredgewidth=1.3)


def cross_handle() -> Line2D:
    """What the crosses mean, for a legend."""
    return Line2D([], [], color=MUTED, linestyle="", marker="x", label="did not converge")
