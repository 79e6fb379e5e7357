"""The legend of a figure, in a column of its own beside the panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from core.figures.layouts.selection import evenly_spaced
from core.figures.lettering import TEXT_LETTER, broken
from core.figures.panel_size import page_size
from core.figures.style import LETTER_SIZE, letter_scale

MARGIN: Final = 0.66
"""What stands beside the words of a legend: the lines that they name, and space; in inches."""

CELL: Final = 0.17
"""The height of a cell of a colour scale."""

LINE: Final = 0.22
"""The height of an entry of one line."""

MOST_CELLS_NAMED: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ColourScale:
    """A cell for each of many lines, from above, in its colour and with its name."""

    label: str
    names: Sequence[str]
    colours: Sequence[str]

    @property
    def height(self) -> float:
        """With its label above and space below."""
        return CELL * len(self.names) + 2 * LINE


@dataclass(frozen=True, kw_only=True, slots=True)
class Legend:
    """What is named, in this order, by the labels of `handles`; `title` stands above them once.

    Many lines are named by a `scale` above the handles.
    """

    handles: Sequence[Artist]
    title: str = ""
    scale: ColourScale | None = None

    @property
    def height(self) -> float:
        """About how high it is, with some entries in two lines."""
        above = 0.0 if self.scale is None else self.scale.height
        return above + LINE * (1.25 * len(self.handles) + bool(self.title))


def put_legend(figure: Figure, panels: Sequence[Axes], legend: Legend) -> None:
    """The legend in its column, from the top of the first row of panels downwards; long names are broken."""
    width, height = page_size(figure)
    letters = int((width * (1 - figure.subplotpars.right) - MARGIN) / TEXT_LETTER)
    for handle in legend.handles:
        handle.set_label("\n".join(broken(str(handle.get_label()), letters)))
    right = max(panel.get_position().x1 for panel in panels)
    top = max(panel.get_position().y1 for panel in panels)
    if legend.scale is not None:
        _put_scale(figure, (right + 0.24 / width, top), legend.scale)
        top -= legend.scale.height / height
    if not legend.handles:
        return
    put = figure.legend(
        handles=legend.handles,
        loc="upper left",
        bbox_to_anchor=(right + 0.12 / width, top),
        handlelength=2,
        labelspacing=0.55,
    )
    if legend.title:
        put.set_title(legend.title, prop=FontProperties(size=LETTER_SIZE * letter_scale()))
        put.set_alignment("left")


def _put_scale(figure: Figure, corner: tuple[float, float], scale: ColourScale) -> None:
    """Cells downwards from this corner; of very many the first, the last and evenly spaced ones between are named."""
    width, height = page_size(figure)
    left, top = corner
    figure.text(left, top, scale.label, va="top")
    named = set(evenly_spaced(len(scale.names), MOST_CELLS_NAMED))
    for k, (name, colour) in enumerate(zip(scale.names, scale.colours, strict=True)):
        bottom = top - (1.2 * LINE + CELL * (k + 1)) / height
        cell = Rectangle((left, bottom), 0.3 / width, CELL / height, transform=figure.transFigure)
        cell.set(facecolor=colour, linewidth=0, label=name)
        figure.add_artist(cell)
        if k in named:
            middle = bottom + CELL / 2 / height
            figure.text(left + 0.38 / width, middle, name, va="center", fontsize=8 * letter_scale())
