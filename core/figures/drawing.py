"""The passes by which every figure is drawn: contents, style, blank figure, ranges, panels, labels, legend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Generic, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.caption import caption
from core.figures.figure_spec import FigureSpec, blank_figure
from core.figures.legend import Legend, put_legend
from core.figures.results import Results
from core.figures.style import style

Layout = TypeVar("Layout")
Panel = TypeVar("Panel")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents(Generic[Panel]):
    """All that a figure shows and says, before any ink.

    `panels` holds what each panel shows, row by row. `y_labels` are those of the rows, in turn; `x_label`
    stands under the last row where a panel does not name its own x axis. `notes` are lines of the caption.
    """

    spec: FigureSpec
    title: str
    notes: Sequence[str] = ()
    panels: Sequence[Panel]
    y_labels: Sequence[str]
    x_label: str = ""
    legend: Legend | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing(Generic[Layout, Panel]):
    """What one figure puts into the passes.

    `contents` is made of the results alone; `set_ranges` settles the axes that panels share, over all of them and
    before anything is drawn; `draw_panel` draws one panel of what that panel shows.
    """

    contents: Callable[[Results, Layout], Contents[Panel]]
    set_ranges: Callable[[Sequence[Axes], Sequence[Panel]], None]
    draw_panel: Callable[[Axes, Panel], None]

    def of(self, results: Results, layout: Layout) -> Figure:
        """The figure of these results."""
        with style():
            contents = self.contents(results, layout)
            figure, panels = blank_figure(contents.spec, caption(results, contents.title, contents.notes))
            self.set_ranges(panels, contents.panels)
            for panel, shown in zip(panels, contents.panels, strict=True):
                self.draw_panel(panel, shown)
            _label(panels, contents)
            if contents.legend is not None:
                put_legend(figure, panels, contents.legend)
        return figure


def _label(panels: Sequence[Axes], contents: Contents[Panel]) -> None:
    """The y axis at the left of each row, and the x axis of the last panel of each column."""
    columns = contents.spec.columns
    for panel, label in zip(panels[::columns], cycle(contents.y_labels), strict=False):
        panel.set_ylabel(label)
    if contents.x_label:
        for panel in panels[-columns:]:
            panel.set_xlabel(contents.x_label)
