"""Where the name of a horizontal line stands clear of the lines that are drawn around it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes

from core.figures.lettering import TEXT_LETTER
from core.figures.panel_size import size_of

HEIGHT: Final = 0.2
"""The height of a name with the space between it and its line, in inches."""

PLACES: Final = 9
"""So many places are looked at, from the left end of the panel to the right."""

SAMPLES: Final = 200
"""So many points of a line are looked at, besides its own."""

Path = tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]
"""A line as x and y in data coordinates, NaN in its gaps."""


def free_place(panel: Axes, text: str, height: float, paths: Sequence[Path], *, above: bool) -> float:
    """Where the text begins, as a part of the panel's width: the leftmost place of those that least goes through.

    It stands just above, or below, the `height` on the y axis. The limits of both axes must be final.
    """
    length, tall = np.array([len(text) * TEXT_LETTER, HEIGHT]) / size_of(panel)
    line = _in_panel(panel, np.array([[panel.get_xlim()[0], height]]))[0, 1]
    bottom = line if above else line - tall
    points = np.concatenate([np.empty((0, 2)), *(_points(panel, path) for path in paths)])
    beside = points[(points[:, 1] > bottom) & (points[:, 1] < bottom + tall), 0]
    places = np.linspace(0, max(1 - length, 0), PLACES)
    crowds = [np.count_nonzero((beside > place) & (beside < place + length)) for place in places]
    return float(places[np.argmin(crowds)])


def _points(panel: Axes, path: Path) -> Float64[np.ndarray, "_ 2"]:
    """A line's own points and many between them, as parts of the panel's width and height."""
    own = _in_panel(panel, np.column_stack(path))
    at = np.linspace(0, len(own) - 1, SAMPLES)
    between = np.column_stack([np.interp(at, np.arange(len(own)), own[:, k]) for k in (0, 1)])
    return np.concatenate([own, between])


def _in_panel(panel: Axes, points: Float64[np.ndarray, "point 2"]) -> Float64[np.ndarray, "point 2"]:
    placed: Float64[np.ndarray, "point 2"] = (panel.transData - panel.transAxes).transform(points)
    return placed
