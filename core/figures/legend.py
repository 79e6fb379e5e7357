"""The legend of a figure, in a column of its own beside the panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from core.figures.lettering import TEXT_LETTER, broken

MARGIN: Final = 0.66
"""What stands beside the words of a legend: the lines that they name, and space; in inches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Legend:
    """What is named, in this order, by the labels of `handles`; `title` stands above them once."""

    handles: Sequence[Artist]
    title: str = ""


def put_legend(figure: Figure, panels: Sequence[Axes], legend: Legend) -> None:
    """The legend in its column, from the top of the first row of panels downwards; long names are broken."""
    width, _ = figure.get_size_inches()
    letters = int((width * (1 - figure.subplotpars.right) - MARGIN) / TEXT_LETTER)
    for handle in legend.handles:
        handle.set_label("\n".join(broken(str(handle.get_label()), letters)))
    right = max(panel.get_position().x1 for panel in panels)
    top = max(panel.get_position().y1 for panel in panels)
    put = figure.legend(
        handles=legend.handles,
        loc="upper left",
        bbox_to_anchor=(right + 0.12 / width, top),
        handlelength=2,
        labelspacing=0.55,
    )
    if legend.title:
        put.set_title(legend.title, prop=FontProperties(size=9))
        put.set_alignment("left")
