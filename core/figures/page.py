"""The page of a figure: caption above, panels in rows, a column for the legend, the user's words at the foot.

All measures are in inches, so that letters and lines are equally large on a page of one panel and on one of six.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from core.figures.caption import Caption
from core.figures.style import MUTED

LEFT, HEAD, BELOW = 0.85, 0.32, 0.75
PANEL_WIDTHS: Final = (4.6, 4.0, 3.4)
"""Of a panel alone in its row, of two beside each other, of three."""

TITLE_LETTER: Final = 0.102
TEXT_LETTER: Final = 0.0665
"""The width of a letter of the title and of the lines below it, on average and a little more."""

LEGEND_MARGIN: Final = 0.66
"""What stands beside the words of a legend: the lines that they name, and space."""

TITLE_LINE, TEXT_LINE = 0.27, 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """How so many panels stand: the size of each, the space between two, and the width of the legend's column.

    `head` is the space above the first row for the titles of its panels, `below` that under the last for the labels of
    x; `between_rows` has room for both unless the rows share them.
    """

    panels: int
    width: float
    height: float
    columns: int
    legend: float = 2.05
    between: float = 0.3
    head: float = HEAD
    below: float = BELOW
    between_rows: float = HEAD + BELOW
    share_y: bool = False

    @property
    def rows(self) -> int:
        """How many rows the panels need."""
        return -(-self.panels // self.columns)


def page(sheet: Sheet, caption: Caption) -> tuple[Figure, list[Axes]]:
    """A page with its caption and its empty panels, row by row."""
    width = LEFT + sheet.columns * sheet.width + (sheet.columns - 1) * sheet.between + sheet.legend
    title, lines = _wrapped(caption, width - LEFT - 0.15)
    top = 0.2 + TITLE_LINE * len(title) + TEXT_LINE * len(lines) + 0.05
    height = top + sheet.head + sheet.rows * sheet.height + (sheet.rows - 1) * sheet.between_rows + sheet.below
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(sheet.rows, sheet.columns, sharey="row" if sheet.share_y else False, squeeze=False)
    figure.subplots_adjust(
        left=LEFT / width,
        right=1 - sheet.legend / width,
        top=1 - (top + sheet.head) / height,
        bottom=sheet.below / height,
        wspace=sheet.between / sheet.width,
        hspace=sheet.between_rows / sheet.height,
    )
    for unused in np.ravel(axes)[sheet.panels :]:
        unused.remove()
    _write(figure, caption, title, lines)
    return figure, list(np.ravel(axes)[: sheet.panels])


def put_legend(figure: Figure, panels: Sequence[Axes], handles: Sequence[Artist], title: str = "") -> None:
    """The legend in its column, from the top of the first row of panels downwards; long names are broken."""
    width, _ = figure.get_size_inches()
    letters = int((width * (1 - figure.subplotpars.right) - LEGEND_MARGIN) / TEXT_LETTER)
    for handle in handles:
        handle.set_label("\n".join(_broken(str(handle.get_label()), letters)))
    right = max(panel.get_position().x1 for panel in panels)
    top = max(panel.get_position().y1 for panel in panels)
    place = (right + 0.12 / width, top)
    legend = figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, handlelength=2, labelspacing=0.55)
    if title:
        legend.set_title(title, prop=FontProperties(size=9))
        legend.set_alignment("left")


def _wrapped(caption: Caption, width: float) -> tuple[list[str], list[str]]:
    """The title and the lines below it, none wider than `width` nor broken between a symbol and its value."""
    letters = int(width / TEXT_LETTER)
    lines = [line for text in caption.lines for line in _broken(_glued(text, letters // 2), letters)]
    return _broken(caption.title, int(width / TITLE_LETTER)), lines


def _broken(text: str, letters: int) -> list[str]:
    glued = text.replace(" = ", "\u00a0=\u00a0").replace(" η*", "\u00a0η*")
    return [line.replace("\u00a0", " ") for line in wrap(glued, letters, break_on_hyphens=False)]


def _glued(text: str, letters: int) -> str:
    """The text with everything between two commas in one piece, unless that is longer than so many letters."""
    pieces = text.split(", ")
    return ", ".join(piece.replace(" ", "\u00a0") if len(piece) <= letters else piece for piece in pieces)


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
