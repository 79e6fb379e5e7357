"""What holds for every figure."""

import subprocess
import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from core.figures.catalogue import FIGURES
from matplotlib import colors
from matplotlib.figure import Figure

from core.errors import InvalidChoice
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.catalogue import FIGURE_TITLES, require_suitable, suitable
from core.figures.render import Format, render
from core.figures.style import BLUE, GREEN, INK, LIGHT_BLUE, VERMILION, ordered_colours
from core.presets import PRESETS
from core.sweep.grid import Grid
from tests.core.drawn import words
from tests.core.made_up import results_of
from tests.core.specs import grid_of

MAGIC = {Format.PNG: b"\x89PNG", Format.SVG: b"<?xml", Format.PDF: b"%PDF"}
HOSTILE = "$\\frac{x$ <b>&\x00\n_^{ 日本 " + "long " * 40


def grid() -> Grid:
    """A small experiment of which every figure can be drawn."""
    return grid_of(
        data={"samples": {"values": [3, 6]}, "dimension": 8, "sparsity": 2},
        initialization={"scale": {"values": [0.1, 1.0]}},
        optimizer={"step_size": {"values": [0.002, 0.004]}, "warmup_steps": 100},
    )


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_the_same_bytes_each_time(name: str) -> None:
    """Cached by content, compared in tests: no dates, no random ids."""
    first, second = (render(FIGURES[name](results_of(grid())), "svg") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("form", Format)
def test_a_figure_in_each_format_has_the_same_bytes_each_time(form: Format) -> None:
    """Whatever the name of the experiment: it is text, in any script, and never a formula or markup."""
    first, second = (render(FIGURES["risk"](results_of(grid(), name=HOSTILE)), form) for _ in range(2))
    assert first == second
    assert first.startswith(MAGIC[form])


@pytest.mark.parametrize("name", FIGURES)
def test_the_name_of_an_experiment_is_text_and_nothing_else(name: str) -> None:
    """No formulas, no control characters, any length."""
    figure = FIGURES[name](results_of(grid(), name=HOSTILE))
    (shown,) = (text for text in figure.texts if "frac" in text.get_text())
    assert shown.get_text().isprintable()
    assert len(shown.get_text()) <= 80
    assert not shown.get_parse_math()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_nothing_yet_says_so(name: str) -> None:
    """No run is stored and no analysis is made: that is no error."""
    runs = len(grid())
    nothing = results_of(grid(), [None] * runs, {}, arrays=lambda _: None)
    figure = FIGURES[name](nothing)
    assert render(figure, "svg").startswith(MAGIC[Format.SVG])
    assert any(f"partial result: 0 of {runs} runs" in text for text in words(figure))


@pytest.mark.parametrize("name", FIGURES)
def test_texts_stay_on_the_page_and_clear_of_each_other(name: str) -> None:
    """The caption is broken before the edge, and so are the names of the legend, which stand beside the panels."""
    figure = FIGURES[name](results_of(grid()))
    render(figure, "svg")
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for box in boxes:
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    panels = [panel.get_window_extent() for panel in figure.axes]
    assert not any(box.overlaps(panel) for box in boxes for panel in panels)


def test_an_unknown_format_names_the_known_ones() -> None:
    """As every refusal does."""
    with pytest.raises(InvalidChoice) as refusal:
        render(Figure(), "gif")
    assert refusal.value.choices == ("png", "svg", "pdf")


def test_the_catalogue_and_the_layouts_have_the_same_figures() -> None:
    """A process that draws nothing knows them all."""
    assert list(FIGURES) == list(FIGURE_TITLES)
    assert suitable(grid()) == list(FIGURE_TITLES)


@pytest.mark.parametrize("name", [name for name in FIGURE_TITLES if name != "predictor"])
def test_a_figure_that_does_not_suit_is_refused_in_a_sentence(name: str) -> None:
    """Before anything is drawn; of an experiment that sweeps and records nothing only the predictor can be shown."""
    alone = grid_of(recording={"points": 0})
    with pytest.raises(UnsuitableFigure, match=r"^This figure .*\.$"):
        require_suitable(name, alone)
    with pytest.raises(UnsuitableFigure):
        FIGURES[name](results_of(alone))


@pytest.mark.parametrize("name", PRESETS)
def test_the_figures_of_a_preset_suit_it_in_every_size(name: str) -> None:
    """And are figures."""
    for spec in PRESETS[name].sizes.values():
        assert set(PRESETS[name].figures) <= set(suitable(Grid(spec)))


def test_captions_are_broken_at_commas() -> None:
    """And neither between a symbol and its value nor within a group of words."""
    swept = grid_of(data={"seed": {"values": [0, 1, 2]}}, initialization={"scale": {"values": [0.1, 1.0]}})
    lines = [text.get_text() for text in FIGURES["risk"](results_of(swept)).texts]
    first = next(position for position, line in enumerate(lines) if line.startswith("N = 50"))
    assert lines[first].endswith(",")
    assert lines[first + 1] == "median and quartiles of 3 data seeds"


def test_colours_are_in_order_of_lightness_and_dark_enough_for_paper() -> None:
    """So they can be told apart without hue: in grey, and by colour-blind readers."""
    for count in (1, 2, 5, 10):
        luminance = np.array([_luminance(colour) for colour in ordered_colours(count)])
        assert (np.diff(luminance) < 0).all()
        assert luminance.max() < 0.62


def test_colours_without_an_order_differ_in_lightness_too() -> None:
    """Those that may cross in one panel."""
    luminance = sorted(_luminance(colour) for colour in (INK, BLUE, GREEN, LIGHT_BLUE))
    assert min(np.diff(luminance)) > 0.05
    assert 0.1 < _luminance(VERMILION) < 0.5


def _luminance(colour: str) -> float:
    return float(np.array([0.2126, 0.7152, 0.0722]) @ np.array(colors.to_rgb(colour)) ** 2.2)


def test_a_figure_does_not_depend_on_the_settings_of_the_machine() -> None:
    """A user's matplotlibrc changes no byte, and drawing leaves the settings as they were."""
    plain = render(FIGURES["risk"](results_of(grid())), "svg")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert render(FIGURES["risk"](results_of(grid())), "svg") == plain
        assert mpl.rcParams["font.size"] == 30


def test_results_curves_presets_and_layouts_do_not_load_matplotlib() -> None:
    """They are read by processes that draw nothing."""
    program = (
        "import sys, core.results.curves, core.results.result, core.presets, core.figures.layouts.catalogue;"
        "sys.exit(any(name in sys.modules for name in ('matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_results_have_one_summary_for_each_run() -> None:
    """Or None: a figure that counted wrongly would show one run as another."""
    with pytest.raises(ValueError, match="7 summaries for 8 runs"):
        results_of(grid(), [None] * 7)


@pytest.mark.parametrize(
    "name", [name for name in FIGURE_TITLES if name not in {"phase", "predictor", "effective-init"}]
)
def test_the_order_in_which_values_are_swept_changes_no_line(name: str) -> None:
    """They are drawn in ascending order: lines join neighbours, and colours run from light to dark."""

    def swept(*, backwards: bool) -> Grid:
        step = -1 if backwards else 1
        return grid_of(
            data={"samples": {"values": [3, 6, 12][::step]}, "dimension": 20, "sparsity": {"values": [1, 2][::step]}},
            initialization={"scale": {"values": [0.1, 0.3][::step]}},
            optimizer={"step_size": {"values": [0.002, 0.004, 0.007][::step]}},
        )

    forwards, backwards = (FIGURES[name](results_of(swept(backwards=order))) for order in (False, True))
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
