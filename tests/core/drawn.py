"""What is to be seen in a figure: its words, its legend, its marks and its lines."""

from typing import Any

import numpy as np
from matplotlib import colors
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


def contrast(one: Any, other: Any) -> float:
    """The contrast of two colours by WCAG 2.1: (L₁ + 0.05)/(L₂ + 0.05) of their relative luminances, L₁ > L₂."""
    dark, light = sorted(_luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Any) -> float:
    """0.2126 R + 0.7152 G + 0.0722 B of the linear components."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colors.to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lines_like(panel: Axes, **look: object) -> list[Line2D]:
    """The lines of a panel with this colour, marker or linestyle."""
    return [line for line in panel.lines if all(getattr(line, f"get_{name}")() == like for name, like in look.items())]


def points(line: Line2D) -> tuple[list[float], list[float]]:
    """Where the points of a line are, those that are there."""
    x, y = (np.asarray(part, dtype=float) for part in line.get_data())
    there = np.isfinite(y)
    return x[there].tolist(), y[there].tolist()
