"""Where the name of a horizontal line stands clear of all that is drawn around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.figures.lettering import TEXT_LETTER
from core.figures.panel_size import size_of

HEIGHT: Final = 0.2
"""The height of a name with the space between it and its line, in inches."""

PLACES: Final = 25
"""So many places are looked at, from the left end of the panel to the right."""

FARTHEST: Final = 12
"""So many lines of text away from its line a name may stand; then a thin line leads to it."""

SAMPLES: Final = 400
"""So many points of a line are looked at, besides its own."""

Path = tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]
"""A line as x and y in data coordinates, NaN in its gaps."""

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, as parts of the panel's width and height."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a name stands: the left end of its middle and its `box`, as parts of the panel, and the height of its line.

    `is_beside` its line, or away from it.
    """

    x: float
    y: float
    box: Box
    line: float
    is_beside: bool


def free_place(  # noqa: PLR0913 - what stands around it
    panel: Axes,
    text: str,
    height: float,
    paths: Sequence[Path],
    taken: Sequence[Box] = (),
    *,
    above: bool,
    floor: float = 0.0,
) -> Place:
    """The place for the name of the line at this `height` on the y axis, of those that least goes through the nearest.

    Just above the line, or below where `above` is False, comes before all others; then the other side; then away from
    it. Boxes that are `taken` count as much as lines do, and nothing stands below the `floor`, a part of the panel's
    height. The limits of both axes must be final.
    """
    length, tall = np.array([len(text) * TEXT_LETTER + 0.1, HEIGHT]) / size_of(panel)
    (line,) = _in_panel(panel, np.array([[panel.get_xlim()[0], height]]))[:, 1].tolist()
    points = np.concatenate([np.empty((0, 2)), *(_points(panel, path) for path in paths)])
    best: tuple[float, Place] | None = None
    for away, bottom in enumerate(_bottoms(line, float(tall), floor, above=above)):
        for left in np.linspace(0, max(1 - length, 0), PLACES).tolist():
            box = (left, bottom, left + float(length), bottom + float(tall))
            crowd = _crowd(points, box) + sum(SAMPLES for other in taken if _overlap(box, other))
            place = Place(x=left, y=bottom + float(tall) / 2, box=box, line=line, is_beside=away < 2)
            if best is None or crowd < best[0]:
                best = (crowd, place)
    if best is None:
        raise ValueError("a panel has room for one place at least")
    return best[1]


def write_at(panel: Axes, place: Place, text: str, color: str) -> None:
    """The text in its place, with a thin line to what it names where it stands away from it."""
    inset = 0.05 / size_of(panel)[0]
    panel.text(place.x + inset, place.y, text, transform=panel.transAxes, va="center", color=color)
    if not place.is_beside:
        middle = (place.box[0] + place.box[2]) / 2
        edge = place.box[3] if place.line > place.y else place.box[1]
        lead = Line2D([middle, middle], [edge, place.line], linewidth=0.6, color=color, zorder=1.7)
        lead.set_transform(panel.transAxes)
        panel.add_artist(lead)


def _bottoms(line: float, tall: float, floor: float, *, above: bool) -> list[float]:
    """The lower edges of the rows of places in the order of preference, those that are within the panel."""
    near = [line, line - tall] if above else [line - tall, line]
    away = [line + side * step * tall for step in range(1, FARTHEST) for side in (1, -1)]
    inside = [bottom for bottom in (*near, *away) if floor <= bottom <= 1 - tall]
    return inside or near


def _crowd(points: Float64[np.ndarray, "point 2"], box: Box) -> int:
    left, bottom, right, top = box
    x, y = points.T
    return int(np.count_nonzero((x > left) & (x < right) & (y > bottom) & (y < top)))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _points(panel: Axes, path: Path) -> Float64[np.ndarray, "_ 2"]:
    """A line's own points and many between them, as parts of the panel's width and height."""
    own = _in_panel(panel, np.column_stack(path))
    at = np.linspace(0, len(own) - 1, SAMPLES)
    between = np.column_stack([np.interp(at, np.arange(len(own)), own[:, k]) for k in (0, 1)])
    return np.concatenate([own, between])


def _in_panel(panel: Axes, points: Float64[np.ndarray, "point 2"]) -> Float64[np.ndarray, "point 2"]:
    placed: Float64[np.ndarray, "point 2"] = (panel.transData - panel.transAxes).transform(points)
    return placed
