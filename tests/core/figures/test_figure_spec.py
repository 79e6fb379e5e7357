"""How a figure is divided."""

from collections.abc import Iterator

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.caption import Caption
from core.figures.draw import draw
from core.figures.figure_spec import LEAST_PANEL, PANEL_WIDTHS, FigureSpec, blank_figure, page
from core.figures.layouts.catalogue import FIGURES
from core.figures.panel_size import size_of
from core.figures.style import style
from tests.core.made_up import results_of
from tests.core.specs import grid_of

CAPTION = Caption(title="A title", data="data", training="training", progress="2 runs", name="a name")


@pytest.fixture(autouse=True)
def _styled() -> Iterator[None]:
    """Figures are divided in the style that they are drawn in."""
    with style():
        yield


def _blank(spec: FigureSpec, caption: Caption = CAPTION) -> tuple[Figure, list[Axes]]:
    return blank_figure(page(spec, caption), caption)


@pytest.mark.parametrize(("panels", "columns", "rows"), [(1, 1, 1), (3, 2, 2), (5, 3, 2), (6, 2, 3)])
def test_panels_are_as_large_as_asked_however_many_there_are(panels: int, columns: int, rows: int) -> None:
    """So letters and lines are equally large in every figure; the last row may be short."""
    spec = FigureSpec(panels=panels, columns=columns, height=2.5)
    _, axes = _blank(spec)
    assert (len(axes), spec.rows) == (panels, rows)
    for panel in axes:
        assert size_of(panel) == pytest.approx((PANEL_WIDTHS[columns - 1], 2.5))
    _, (one, *_) = _blank(FigureSpec(panels=panels, columns=columns, height=2.5, panel_width=1.25))
    assert size_of(one) == pytest.approx((1.25, 2.5))


def test_the_panels_of_a_row_share_the_y_axis() -> None:
    """And those of different rows do not."""
    _, (first, second, third) = _blank(FigureSpec(panels=3, columns=2, height=2.0))
    first.set_ylim(3, 7)
    assert second.get_ylim() == (3, 7)
    assert third.get_ylim() != (3, 7)


def test_a_longer_caption_makes_a_higher_figure() -> None:
    """The panels keep their size."""
    spec = FigureSpec(panels=1, columns=1, height=2.0)
    notes = Caption(title="A title", data="data", training="t", progress="p", name="n", notes=("one", "two"))
    (short, _), (long, (panel,)) = _blank(spec), _blank(spec, notes)
    assert long.get_size_inches()[1] == pytest.approx(short.get_size_inches()[1] + 0.4)
    assert size_of(panel) == pytest.approx((PANEL_WIDTHS[0], 2.0))


def test_panels_whose_data_differ_have_axes_of_their_own() -> None:
    """With room for their numbers."""
    figure, (first, second) = _blank(FigureSpec(panels=2, columns=2, height=2.0, shared_y=False))
    first.set_ylim(3, 7)
    assert second.get_ylim() != (3, 7)
    gap = (second.get_position().x0 - first.get_position().x1) * figure.get_size_inches()[0]
    assert gap > 0.5


@pytest.mark.parametrize("size", [(13.0, 7.0), (6.0, 4.0), (2.5, 2.2)])
def test_a_figure_has_the_size_that_is_asked_for(size: tuple[float, float]) -> None:
    """Panels take what the words leave, and letters shrink where that is too little."""
    spec = FigureSpec(panels=4, columns=2, height=3.0)
    sheet = page(spec, CAPTION, size=size)
    assert (sheet.width * sheet.letters, sheet.height * sheet.letters) == pytest.approx(size)
    assert sheet.spec.width >= LEAST_PANEL[0]
    assert sheet.spec.height >= LEAST_PANEL[1]
    assert (sheet.letters < 1) is (size[0] < 10)
    with style(letters=sheet.letters):
        figure, panels = blank_figure(sheet, CAPTION)
        assert tuple(figure.get_size_inches()) == pytest.approx(size)
        assert size_of(panels[0]) == pytest.approx((sheet.spec.width, sheet.spec.height))


def test_captions_are_broken_at_commas() -> None:
    """And neither between a symbol and its value nor within a group of words."""
    swept = grid_of(data={"seed": {"values": [0, 1, 2]}}, initialization={"scale": {"values": [0.1, 1.0]}})
    lines = [text.get_text() for text in draw(FIGURES["risk"], results_of(swept)).texts]
    first = next(position for position, line in enumerate(lines) if line.startswith("N = 50"))
    assert lines[first].endswith(",")
    assert lines[first + 1] == "median and quartiles of 3 data seeds"
