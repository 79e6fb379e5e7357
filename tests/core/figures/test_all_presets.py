"""Every figure of every preset, of made-up results: what can be read of it, measured on what is drawn."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from core.figures.draw import picture
from core.figures.layouts.catalogue import FIGURES, suitable
from core.figures.layouts.options import FigureOptions, Style
from core.figures.picture import Picture
from core.figures.style import GROUND, RUG, style
from core.presets import PRESETS, preset
from core.sweep.grid import Grid
from tests.core.drawn import contrast
from tests.core.made_up import results_of

LINES, WORDS = 3.0, 4.5
"""The least contrasts of WCAG 2.1: of graphics, and of words."""

ON_CELLS = {"phase", "gain"}
"""Figures whose lines lie on cells, on a ground of their own."""

TOUCHING = 0.5
"""Boxes that share less than so many dots touch and do not overlap."""

SHOWN = [(name, figure) for name, known in PRESETS.items() for figure in known.figures]
SIZED = [
    ("figure-1", "risk", (3.5, 3.0)),
    ("figure-1", "stability", (6.0, 4.0)),
    ("figure-3", "risk", (7.0, 4.8)),
    ("figure-4", "risk", (5.6, 3.3)),
    ("phase-diagram", "phase", (13.33, 7.5)),
    ("edge-of-stability", "trajectory", (6.0, 6.0)),
    ("theorem-5.2", "sample-complexity", (6.0, 4.0)),
    ("figure-5", "effective-init", (6.0, 4.0)),
]


@cache
def _grid(name: str) -> Grid:
    return Grid(preset(name))


@cache
def _picture(name: str, figure: str, look: Style = Style.PAPER, size: tuple[float, float] | None = None) -> Picture:
    """It is laid out as it will be in its file, for all that is measured here."""
    grid = _grid(name)
    drawn = picture(FIGURES[figure], results_of(grid, name=name), FigureOptions(style=look, size=size))
    with style(drawn.style, drawn.letters):
        FigureCanvasAgg(drawn.figure)
        drawn.figure.draw_without_rendering()
    return drawn


@pytest.mark.parametrize(
    ("name", "figure", "look"),
    [(*shown, Style.PAPER) for shown in SHOWN] + [(name, figure, Style.DARK) for name, figure, _ in SIZED],
)
def test_lines_marks_and_words_stand_off_their_ground(name: str, figure: str, look: Style) -> None:
    """3 : 1 what is drawn, on the panel or on a strip, and 4.5 : 1 what is written."""
    drawn = _picture(name, figure, look)
    with style(drawn.style, drawn.letters):
        lines = [line for panel in drawn.figure.axes for line in panel.lines]
        lines += [line for legend in drawn.figure.legends for line in legend.get_lines()]
        assert lines or figure in ON_CELLS
        on_cells = figure in ON_CELLS
        for line in lines:
            colours = [line.get_color(), *_faces(line)]
            assert on_cells or max(contrast(colour, GROUND) for colour in colours) >= LINES
            assert on_cells or max(contrast(colour, RUG) for colour in colours) >= LINES
            assert line.get_alpha() in {None, 1.0}
        words = _words(drawn.figure)
        assert words
        assert all(contrast(text.get_color(), GROUND) >= WORDS for text in words)


@pytest.mark.parametrize(("name", "figure"), SHOWN)
def test_words_do_not_touch_each_other_nor_leave_the_page(name: str, figure: str) -> None:
    """Of captions, numbers along axes, names of panels and lines, and legends."""
    _require_in_place(_picture(name, figure).figure)


@pytest.mark.parametrize(("name", "figure", "size"), SIZED)
@pytest.mark.parametrize("look", Style)
def test_words_do_not_touch_at_other_sizes(name: str, figure: str, size: tuple[float, float], look: Style) -> None:
    """Letters shrink with the page, and numbers that have no room along an axis are left out."""
    drawn = _picture(name, figure, look, size).figure
    assert tuple(drawn.get_size_inches()) == pytest.approx(size)
    _require_in_place(drawn)


@pytest.mark.parametrize(("name", "figure"), [pair for pair in SHOWN if pair[1] in {"risk", "excess-risk"}])
def test_no_line_runs_through_the_name_of_another(name: str, figure: str) -> None:
    """Names of horizontal lines stand beside them, or away from them with a line that leads there."""
    for panel in _picture(name, figure).figure.axes:
        for text in panel.texts:
            box = text.get_window_extent()
            for line in panel.lines:
                assert not line.get_path().transformed(line.get_transform()).intersects_bbox(box, filled=False)


@pytest.mark.parametrize("name", PRESETS)
def test_all_that_is_drawn_is_among_the_numbers(name: str) -> None:
    """Each point of a line between results is a row of the table: what is seen can be had."""
    for figure in suitable(_grid(name)):
        if figure in {"phase", "predictor"}:
            continue
        drawn = _picture(name, figure)
        rows = {(float(x), float(y)) for one in drawn.data for x, y in zip(one.x, one.y, strict=True)}
        for panel in drawn.figure.axes:
            for x, y in _results(panel):
                assert (x, y) in rows


def test_a_panel_of_nothing_says_so_and_has_no_legend() -> None:
    """In a sentence in its middle."""
    grid = _grid("figure-3")
    drawn = picture(FIGURES["risk"], results_of(grid, [None] * len(grid)), FigureOptions())
    assert [text.get_text() for panel in drawn.figure.axes for text in panel.texts] == ["no run is stored yet"] * 2
    assert not drawn.figure.legends
    assert not any(panel.lines for panel in drawn.figure.axes)


def _results(panel: Axes) -> Iterator[tuple[float, float]]:
    for line in panel.lines:
        if line.get_marker() == "o" and line.get_transform() == panel.transData and len(line.get_xydata()) > 1:
            yield from ((float(x), float(y)) for x, y in line.get_xydata() if np.isfinite(y))


def _faces(line: Line2D) -> list[object]:
    return [line.get_markerfacecolor(), line.get_markeredgecolor()] if line.get_marker() != "None" else []


def _words(figure: Figure) -> list[Text]:
    """Every text that is to be seen."""
    numbers = {text for panel in figure.axes for axis in (panel.xaxis, panel.yaxis) for text in _every_number(axis)}
    seen = {text for panel in figure.axes if panel.axison for text in _numbers_in_sight(panel)}
    hidden = {text for panel in figure.axes if not panel.axison for text in (panel.xaxis.label, panel.yaxis.label)}
    every = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text().strip()]
    return [
        text for text in every if text.get_visible() and text not in hidden and (text not in numbers or text in seen)
    ]


def _every_number(axis: Axis) -> list[Text]:
    return [*axis.get_ticklabels(), *axis.get_ticklabels(minor=True), axis.get_offset_text()]


def _numbers_in_sight(panel: Axes) -> Iterator[Text]:
    """Those along an axis of a panel that has them, between its ends."""
    edges = panel.get_window_extent()
    for axis, side, low, high in (
        (panel.xaxis, "labelbottom", edges.x0, edges.x1),
        (panel.yaxis, "labelleft", edges.y0, edges.y1),
    ):
        for text in _every_number(axis) if axis.get_tick_params().get(side, True) else ():
            box = text.get_window_extent()
            middle = (box.x0 + box.x1) / 2 if axis is panel.xaxis else (box.y0 + box.y1) / 2
            if low - 1 <= middle <= high + 1:
                yield text


def _require_in_place(figure: Figure) -> None:
    words = _words(figure)
    boxes = [(text.get_text(), text.get_window_extent()) for text in words]
    page = figure.bbox
    for text, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1
        assert inside, f"{text!r} leaves the page"
    for k, (text, box) in enumerate(boxes):
        for other, beside in boxes[:k]:
            assert not _overlap(box, beside), f"{text!r} touches {other!r}"
    cells = [patch for patch in figure.artists if isinstance(patch, Rectangle)]
    panels = [panel.get_window_extent() for panel in figure.axes if panel.axison]
    outside = [text for text in words if not isinstance(text.axes, Axes)]
    for text in outside:
        for panel in (*panels, *(cell.get_window_extent() for cell in cells)):
            assert not _overlap(text.get_window_extent(), panel), f"{text.get_text()!r} stands on a panel"


def _overlap(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return bool(across > TOUCHING and down > TOUCHING)
