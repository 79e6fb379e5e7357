"""How a figure is divided."""

import pytest

from core.figures.caption import Caption
from core.figures.draw import draw
from core.figures.figure_spec import PANEL_WIDTHS, FigureSpec, blank_figure
from core.figures.layouts.catalogue import FIGURES
from core.figures.panel_size import size_of
from tests.core.made_up import results_of
from tests.core.specs import grid_of

CAPTION = Caption(title="A title", data="data", training="training", progress="2 runs", name="a name")


@pytest.mark.parametrize(("panels", "columns", "rows"), [(1, 1, 1), (3, 2, 2), (5, 3, 2), (6, 2, 3)])
def test_panels_are_as_large_as_asked_however_many_there_are(panels: int, columns: int, rows: int) -> None:
    """So letters and lines are equally large in every figure; the last row may be short."""
    spec = FigureSpec(panels=panels, columns=columns, height=2.5)
    _, axes = blank_figure(spec, CAPTION)
    assert (len(axes), spec.rows) == (panels, rows)
    for panel in axes:
        assert size_of(panel) == pytest.approx((PANEL_WIDTHS[columns - 1], 2.5))
    _, (one, *_) = blank_figure(FigureSpec(panels=panels, columns=columns, height=2.5, panel_width=1.25), CAPTION)
    assert size_of(one) == pytest.approx((1.25, 2.5))


def test_the_panels_of_a_row_share_the_y_axis() -> None:
    """And those of different rows do not."""
    _, (first, second, third) = blank_figure(FigureSpec(panels=3, columns=2, height=2.0), CAPTION)
    first.set_ylim(3, 7)
    assert second.get_ylim() == (3, 7)
    assert third.get_ylim() != (3, 7)


def test_a_longer_caption_makes_a_higher_figure() -> None:
    """The panels keep their size."""
    spec = FigureSpec(panels=1, columns=1, height=2.0)
    notes = Caption(title="A title", data="data", training="t", progress="p", name="n", notes=("one", "two"))
    (short, _), (long, (panel,)) = blank_figure(spec, CAPTION), blank_figure(spec, notes)
    assert long.get_size_inches()[1] == pytest.approx(short.get_size_inches()[1] + 0.4)
    assert size_of(panel) == pytest.approx((PANEL_WIDTHS[0], 2.0))


def test_captions_are_broken_at_commas() -> None:
    """And neither between a symbol and its value nor within a group of words."""
    swept = grid_of(data={"seed": {"values": [0, 1, 2]}}, initialization={"scale": {"values": [0.1, 1.0]}})
    lines = [text.get_text() for text in draw(FIGURES["risk"], results_of(swept)).texts]
    first = next(position for position, line in enumerate(lines) if line.startswith("N = 50"))
    assert lines[first].endswith(",")
    assert lines[first + 1] == "median and quartiles of 3 data seeds"
