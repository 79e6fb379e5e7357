"""How a figure is divided: caption above, panels in rows, a column for the legend, the user's words at the bottom.

All measures are in inches, so that letters and lines are equally large in a figure of one panel and in one of six.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.caption import Caption
from core.figures.lettering import TEXT_LETTER, TITLE_LETTER, broken, broken_at_commas
from core.figures.style import MUTED

LEFT, HEAD, BELOW = 0.85, 0.32, 0.75
PANEL_WIDTHS: Final = (4.6, 4.0, 3.4)
"""Of a panel alone in its row, of two beside each other, of three."""

TITLE_LINE, TEXT_LINE = 0.27, 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureSpec:
    """How so many panels stand: the size of each, the space between two, and the width of the legend's column.

    `panel_width` is that of `PANEL_WIDTHS` where none is given. `head` is the space above the first row for the titles
    of its panels, `below` that under the last for the labels of x; `between_rows` has room for both unless the rows
    share them.
    """

    panels: int
    columns: int
    height: float
    panel_width: float | None = None
    legend: float = 2.05
    between: float = 0.2
    head: float = HEAD
    below: float = BELOW
    between_rows: float = HEAD + BELOW

    @property
    def rows(self) -> int:
        """How many rows the panels need."""
        return -(-self.panels // self.columns)

    @property
    def width(self) -> float:
        """That of each panel."""
        return self.panel_width or PANEL_WIDTHS[self.columns - 1]


def blank_figure(spec: FigureSpec, caption: Caption) -> tuple[Figure, list[Axes]]:
    """A figure with its caption and its empty panels, row by row; those of a row share the y axis."""
    width = LEFT + spec.columns * spec.width + (spec.columns - 1) * spec.between + spec.legend
    title, lines = _wrapped(caption, width - LEFT - 0.15)
    top = 0.2 + TITLE_LINE * len(title) + TEXT_LINE * len(lines) + 0.05
    height = top + spec.head + spec.rows * spec.height + (spec.rows - 1) * spec.between_rows + spec.below
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(spec.rows, spec.columns, sharey="row", squeeze=False)
    figure.subplots_adjust(
        left=LEFT / width,
        right=1 - spec.legend / width,
        top=1 - (top + spec.head) / height,
        bottom=spec.below / height,
        wspace=spec.between / spec.width,
        hspace=spec.between_rows / spec.height,
    )
    for unused in np.ravel(axes)[spec.panels :]:
        unused.remove()
    _write(figure, caption, title, lines)
    return figure, list(np.ravel(axes)[: spec.panels])


def _wrapped(caption: Caption, width: float) -> tuple[list[str], list[str]]:
    """The title and the lines below it, none wider than `width`."""
    letters = int(width / TEXT_LETTER)
    lines = [line for text in caption.lines for line in broken_at_commas(text, letters)]
    return broken(caption.title, int(width / TITLE_LETTER)), lines


def _write(figure: Figure, caption: Caption, title: Sequence[str], lines: Sequence[str]) -> None:
    width, height = figure.get_size_inches()
    left, y = LEFT / width, height - 0.2
    for text in title:
        figure.text(left, y / height, text, fontsize=12.5, fontweight="bold", va="top", parse_math=False)
        y -= TITLE_LINE
    for text in lines:
        figure.text(left, (y - 0.04) / height, text, color=MUTED, va="top", parse_math=False)
        y -= TEXT_LINE
    figure.text(1 - 0.08 / width, 0.07 / height, caption.name, color=MUTED, fontsize=7.5, ha="right", parse_math=False)
