"""What is to be seen in a figure: its words, its legend, its marks and its lines."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


def words(figure: Figure) -> list[str]:
    """The texts of the page and of its legend, an entry that is broken over lines as one."""
    return [text.get_text() for text in figure.texts] + names(figure)


def names(figure: Figure) -> list[str]:
    """The entries of the legend."""
    return [text.get_text().replace("\n", " ") for legend in figure.legends for text in legend.get_texts()]


def marks(figure: Figure, marker: str) -> int:
    """How many points are marked so, over all panels."""
    lines = [line for panel in figure.axes for line in panel.lines if line.get_marker() == marker]
    return sum(int(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum()) for line in lines)


def lines_like(panel: Axes, **look: object) -> list[Line2D]:
    """The lines of a panel with this colour, marker or linestyle."""
    return [line for line in panel.lines if all(getattr(line, f"get_{name}")() == like for name, like in look.items())]


def points(line: Line2D) -> tuple[list[float], list[float]]:
    """Where the points of a line are, those that are there."""
    x, y = (np.asarray(part, dtype=float) for part in line.get_data())
    there = np.isfinite(y)
    return x[there].tolist(), y[there].tolist()
