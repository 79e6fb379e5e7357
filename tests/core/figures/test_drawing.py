"""The passes by which every figure is drawn, of a figure that is not one of ours."""

from collections.abc import Sequence

import pytest
from matplotlib.axes import Axes

from core.figures.drawing import Contents, Drawing
from core.figures.figure_spec import FigureSpec
from core.figures.results import Results
from core.figures.style import SETTINGS
from tests.core.drawn import words
from tests.core.made_up import results_of
from tests.core.specs import grid_of

PANELS = ("a", "b", "c", "d")


class _Passes:
    """Writes down what is asked of it, in order."""

    def __init__(self, y_labels: Sequence[str], x_label: str = "") -> None:
        self.done: list[str] = []
        self._y_labels, self._x_label = y_labels, x_label

    def contents(self, results: Results, layout: int) -> Contents[str]:
        self.done.append("contents")
        return Contents(
            spec=FigureSpec(panels=len(PANELS), columns=layout, height=2.0),
            title=f"of {len(results.grid)} run",
            notes=["a note"],
            panels=PANELS,
            y_labels=self._y_labels,
            x_label=self._x_label,
        )

    def set_ranges(self, panels: Sequence[Axes], contents: Sequence[str]) -> None:
        self.done.append("ranges")
        for panel in panels:
            panel.set_ylim(0, len(contents))

    def draw_panel(self, panel: Axes, content: str) -> None:
        self.done.append(content)
        (line,) = panel.plot([0, 1], [0, 9])
        assert line.get_linewidth() == SETTINGS["lines.linewidth"]
        assert panel.get_ylim() == (0, len(PANELS))

    def drawing(self) -> Drawing[int, str]:
        return Drawing(contents=self.contents, set_ranges=self.set_ranges, draw_panel=self.draw_panel)


def test_ranges_are_settled_before_any_panel_is_drawn_and_panels_come_row_by_row() -> None:
    """In the style of all figures, with the words of the contents and no legend unless there is one."""
    passes = _Passes(["height"])
    figure = passes.drawing().of(results_of(grid_of()), 2).figure
    assert passes.done == ["contents", "ranges", *PANELS]
    assert {"of 1 run", "a note"} <= set(words(figure))
    assert not figure.legends


@pytest.mark.parametrize(("given", "shown"), [(["h"], ["h", "", "h", ""]), (["loss", "λ"], ["loss", "", "λ", ""])])
def test_the_y_axis_is_named_at_the_left_of_each_row(given: list[str], shown: list[str]) -> None:
    """By the labels in turn: one for all rows, or one for each."""
    figure = _Passes(given).drawing().of(results_of(grid_of()), 2).figure
    assert [panel.get_ylabel() for panel in figure.axes] == shown


def test_a_common_x_axis_is_named_below_the_last_panel_of_each_column() -> None:
    """Also where the last row is short."""
    even = _Passes(["h"], "step t").drawing().of(results_of(grid_of()), 2).figure
    assert [panel.get_xlabel() for panel in even.axes] == ["", "", "step t", "step t"]
    short = _Passes(["h"], "step t").drawing().of(results_of(grid_of()), 3).figure
    assert [panel.get_xlabel() for panel in short.axes] == ["", "step t", "step t", "step t"]
