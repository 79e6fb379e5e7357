"""How a figure is divided: caption above, panels in rows, a column for the legend, the user's words at the bottom.

All measures are in inches at the letters of paper: larger letters take more of each, so that letters and lines are in
the same proportion in a figure of one panel and in one of six.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.caption import Caption
from core.figures.lettering import TEXT_LETTER, TITLE_LETTER, broken, broken_at_commas
from core.figures.style import MUTED, letter_scale

LEFT, HEAD, BELOW = 0.85, 0.32, 0.75
PANEL_WIDTHS: Final = (4.6, 4.0, 3.4)
"""Of a panel alone in its row, of two beside each other, of three."""

NUMBERS: Final = 0.62
"""Room for the numbers of a panel with a y axis of its own."""

TITLE_LINE, TEXT_LINE = 0.27, 0.2

LEAST_PANEL: Final = (1.9, 1.5)
"""Width and height of the least panel that can be read; where a given size has no room for it, letters shrink."""

SHRINKING: Final = 0.94


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureSpec:
    """How so many panels stand: the size of each, the space between two, and the width of the legend's column.

    `panel_width` is that of `PANEL_WIDTHS` where none is given. `head` is the space above the first row for the titles
    of its panels, `below` that under the last for the labels of x; `between_rows` has room for both unless the rows
    share them. Panels of a row share the y axis where they are to be compared: `shared_y`.
    None is made smaller than `least_panel`.
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
    shared_y: bool = True
    least_panel: tuple[float, float] = LEAST_PANEL

    @property
    def rows(self) -> int:
        """How many rows the panels need."""
        return -(-self.panels // self.columns)

    @property
    def width(self) -> float:
        """That of each panel."""
        return self.panel_width or PANEL_WIDTHS[self.columns - 1]

    @property
    def gap(self) -> float:
        """Between two panels of a row."""
        return self.between if self.shared_y else max(self.between, NUMBERS)

    @property
    def beside(self) -> float:
        """The width of all that is no panel."""
        return LEFT + (self.columns - 1) * self.gap + self.legend

    @property
    def beneath(self) -> float:
        """The height of all that is no panel, without the caption."""
        return self.head + (self.rows - 1) * self.between_rows + self.below


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A figure before it is drawn: its division, the words above it in lines, and how large its letters are."""

    spec: FigureSpec
    title: tuple[str, ...]
    lines: tuple[str, ...]
    letters: float

    @property
    def width(self) -> float:
        """In inches at the letters of paper."""
        return self.spec.beside + self.spec.columns * self.spec.width

    @property
    def top(self) -> float:
        """The height of the caption."""
        return 0.2 + TITLE_LINE * len(self.title) + TEXT_LINE * len(self.lines) + 0.05

    @property
    def height(self) -> float:
        """In inches at the letters of paper."""
        return self.top + self.spec.beneath + self.spec.rows * self.spec.height


def page(
    spec: FigureSpec,
    caption: Caption,
    *,
    letters: float = 1.0,
    size: tuple[float, float] | None = None,
    least_beside: float = 0.0,
) -> Page:
    """The page of this caption and these panels: as large as they ask for, or of a given size in inches.

    At a given size panels take what the words leave; where that is too little, or less than the height `least_beside`
    of the legend, letters shrink.
    """
    if size is None:
        return _written(spec, caption, letters)
    while (fitted := _fitted(spec, caption, letters, size, least_beside)) is None:
        letters *= SHRINKING
    return fitted


def blank_figure(page: Page, caption: Caption) -> tuple[Figure, list[Axes]]:
    """A figure with its caption and its empty panels, row by row."""
    spec, width, height = page.spec, page.width, page.height
    figure = Figure(figsize=(width * page.letters, height * page.letters))
    axes = figure.subplots(spec.rows, spec.columns, sharey="row" if spec.shared_y else False, squeeze=False)
    figure.subplots_adjust(
        left=LEFT / width,
        right=1 - spec.legend / width,
        top=1 - (page.top + spec.head) / height,
        bottom=spec.below / height,
        wspace=spec.gap / spec.width,
        hspace=spec.between_rows / spec.height,
    )
    for unused in np.ravel(axes)[spec.panels :]:
        unused.remove()
    _write(figure, caption, page)
    return figure, list(np.ravel(axes)[: spec.panels])


def _written(spec: FigureSpec, caption: Caption, letters: float) -> Page:
    blank = Page(spec=spec, title=(), lines=(), letters=letters)
    title, lines = _wrapped(caption, blank.width - LEFT - 0.15)
    return replace(blank, title=tuple(title), lines=tuple(lines))


def _fitted(
    spec: FigureSpec, caption: Caption, letters: float, size: tuple[float, float], least_beside: float
) -> Page | None:
    """The page with panels as large as this size has room for; None where it has too little."""
    width, height = (side / letters for side in size)
    panel_width = (width - spec.beside) / spec.columns
    if panel_width < spec.least_panel[0]:
        return None
    fitted = _written(replace(spec, panel_width=panel_width), caption, letters)
    panel_height = (height - fitted.top - spec.beneath) / spec.rows
    if panel_height < spec.least_panel[1] or height - fitted.top - spec.head < least_beside:
        return None
    return replace(fitted, spec=replace(fitted.spec, height=panel_height))


def _wrapped(caption: Caption, width: float) -> tuple[list[str], list[str]]:
    """The title and the lines below it, none wider than `width`."""
    letters = int(width / TEXT_LETTER)
    lines = [line for text in caption.lines for line in broken_at_commas(text, letters)]
    return broken(caption.title, int(width / TITLE_LETTER)), lines


def _write(figure: Figure, caption: Caption, page: Page) -> None:
    width, height, scale = page.width, page.height, letter_scale()
    left, y = LEFT / width, height - 0.2
    for text in page.title:
        figure.text(left, y / height, text, fontsize=12.5 * scale, fontweight="bold", va="top")
        y -= TITLE_LINE
    for text in page.lines:
        figure.text(left, (y - 0.04) / height, text, color=MUTED, va="top")
        y -= TEXT_LINE
    name, corner = _short_enough(caption.name, width), (1 - 0.08 / width, 0.07 / height)
    figure.text(*corner, name, color=MUTED, fontsize=7.5 * scale, ha="right", parse_math=False)


def _short_enough(name: str, width: float) -> str:
    """The user's words, shortened in their middle to the width of the page."""
    letters = int((width - 0.2) / TEXT_LETTER)
    if len(name) <= letters:
        return name
    ahead = (letters - 1) // 2
    return f"{name[:ahead]}…{name[len(name) - (letters - 1 - ahead) :]}"
