"""What holds for every figure."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from core.figures.draw import draw
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.catalogue import FIGURES
from core.figures.render import render
from core.sweep.grid import Grid
from tests.core.drawn import words
from tests.core.made_up import HOSTILE, results_of
from tests.core.specs import every_figure, grid_of


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_the_same_bytes_each_time(name: str) -> None:
    """Cached by content, compared in tests: no dates, no random ids."""
    first, second = (render(draw(FIGURES[name], results_of(every_figure())), "svg") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", FIGURES)
def test_the_name_of_an_experiment_is_text_and_nothing_else(name: str) -> None:
    """No formulas, no control characters, any length."""
    figure = draw(FIGURES[name], results_of(every_figure(), name=HOSTILE))
    (shown,) = (text for text in figure.texts if "frac" in text.get_text())
    assert shown.get_text().isprintable()
    assert len(shown.get_text()) <= 80
    assert not shown.get_parse_math()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_nothing_yet_says_so(name: str) -> None:
    """No run is stored and no analysis is made: that is no error."""
    runs = len(every_figure())
    nothing = results_of(every_figure(), [None] * runs, {}, arrays=lambda _: None)
    figure = draw(FIGURES[name], nothing)
    assert render(figure, "svg").startswith(b"<?xml")
    assert any(f"partial result: 0 of {runs} runs" in text for text in words(figure))


@pytest.mark.parametrize("name", FIGURES)
def test_texts_stay_on_the_page_and_clear_of_each_other(name: str) -> None:
    """The caption is broken before the edge, and so are the names of the legend, which stand beside the panels."""
    figure = draw(FIGURES[name], results_of(every_figure()))
    render(figure, "svg")
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    assert boxes
    for box in boxes:
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    panels = [panel.get_window_extent() for panel in figure.axes]
    assert not any(box.overlaps(panel) for box in boxes for panel in panels)


def test_a_figure_does_not_depend_on_the_settings_of_the_machine() -> None:
    """A user's matplotlibrc changes no byte, and drawing leaves the settings as they were."""
    plain = render(draw(FIGURES["risk"], results_of(every_figure())), "svg")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert render(draw(FIGURES["risk"], results_of(every_figure())), "svg") == plain
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "predictor"])
def test_a_figure_that_does_not_suit_is_not_drawn(name: str) -> None:
    """Nothing is swept or recorded: of such an experiment only the predictor can be shown."""
    with pytest.raises(UnsuitableFigure):
        draw(FIGURES[name], results_of(grid_of(recording={"points": 0})))


@pytest.mark.parametrize(
    "name", [name for name in FIGURES if name not in {"phase", "predictor", "effective-init", "depth"}]
)
def test_the_order_in_which_values_are_swept_changes_no_line(name: str) -> None:
    """They are drawn in ascending order: lines join neighbours, and colours run from light to dark."""

    def swept(*, backwards: bool) -> Grid:
        step = -1 if backwards else 1
        return grid_of(
            data={"samples": {"values": [3, 6, 12][::step]}, "dimension": 20, "sparsity": {"values": [1, 2][::step]}},
            initialization={"scale": {"values": [0.1, 0.3][::step]}},
            optimizer={"step_size": {"values": [0.002, 0.004, 0.007][::step]}},
            recording={"vectors": ["predictor"]},
        )

    forwards, backwards = (draw(FIGURES[name], results_of(swept(backwards=order))) for order in (False, True))
    assert _curves(forwards) == _curves(backwards)
    assert [text.get_text() for text in forwards.legends[0].get_texts()] == [
        text.get_text() for text in backwards.legends[0].get_texts()
    ]


def _curves(figure: Figure) -> set[tuple[str, tuple[float, ...], tuple[float, ...]]]:
    """The lines of all panels: their colour and their points."""
    lines = [line for panel in figure.axes for line in panel.lines if len(np.atleast_1d(line.get_xdata())) > 1]
    return {(str(line.get_color()), _plain(line.get_xdata()), _plain(line.get_ydata())) for line in lines}


def _plain(numbers: Any) -> tuple[float, ...]:
    return tuple(np.nan_to_num(np.asarray(numbers, dtype=float)).tolist())


@pytest.mark.parametrize("name", FIGURES)
def test_step_sizes_in_another_unit_than_eta_star_are_drawn_without_it(name: str) -> None:
    """Of another start or problem η* would be another multiple: it has no one place on such an axis."""
    grid = grid_of(
        data={"samples": {"values": [3, 6]}, "dimension": 8, "sparsity": 2},
        model={"kind": "diagonal", "depth": {"values": [2, 3]} if name == "depth" else 2},
        initialization={"scale": {"values": [0.1, 1.0]}},
        optimizer={"step_size": {"multiples_of": "flow_stable_step", "values": [0.005, 0.012]}, "warmup_steps": 100},
        recording={"vectors": ["predictor"]},
    )
    figure = draw(FIGURES[name], results_of(grid))
    assert render(figure, "svg").startswith(b"<?xml")
    handles = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert not any("largest stable step" in handle for handle in handles)
