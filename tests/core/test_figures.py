"""All figures."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from core.choice import InvalidChoice
from core.figures.catalogue import FIGURES
from core.figures.render import Format, render
from core.figures.style import ordered_colours
from tests.core.drawn import words
from tests.core.made_up import results_of
from tests.core.specs import fan

MAGIC = {Format.PNG: b"\x89PNG", Format.SVG: b"<?xml", Format.PDF: b"%PDF"}


@pytest.mark.parametrize("form", Format)
def test_a_figure_has_the_same_bytes_each_time(form: Format) -> None:
    """Cached by content, compared in tests: no dates, no random ids."""
    first, second = (render(_risk(fan(), summaries_of(fan())), form) for _ in range(2))
    assert first == second
    assert first.startswith(MAGIC[form])


def test_an_unknown_format_names_the_known_ones() -> None:
    """As every refusal does."""
    with pytest.raises(InvalidChoice) as refusal:
        render(Figure(), "gif")
    assert refusal.value.choices == ("png", "svg", "pdf")


@pytest.mark.parametrize("form", Format)
def test_the_name_of_an_experiment_is_text_and_nothing_else(form: Format) -> None:
    """No formulas, no markup, no control characters, any script, any length."""
    name = "$\\frac{x$ <b>&\x00\n_^{ 日本 " + "long " * 40
    figure = _risk(fan(), summaries_of(fan()), name)
    assert render(figure, form).startswith(MAGIC[form])
    shown = next(text for text in words(figure) if "frac" in text)
    assert shown.isprintable()
    assert len(shown) <= 80


def test_colours_are_in_order_of_lightness_and_dark_enough_for_paper() -> None:
    """So they can be told apart without hue: in grey, and by colour-blind readers."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    for count in (1, 2, 5, 10):
        linear = np.array([colors.to_rgb(colour) for colour in ordered_colours(count)]) ** 2.2
        luminance = linear @ weights
        assert (np.diff(luminance) < 0).all()
        assert luminance.max() < 0.62


def test_a_figure_does_not_depend_on_the_settings_of_the_machine() -> None:
    """A user's matplotlibrc changes no byte, and drawing leaves the settings as they were."""
    plain = render(_risk(fan(), summaries_of(fan())), "svg")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert render(_risk(fan(), summaries_of(fan())), "svg") == plain
        assert mpl.rcParams["font.size"] == 30


def test_results_curves_and_presets_do_not_load_matplotlib() -> None:
    """They are read by processes that draw nothing."""
    program = (
        "import sys, core.result, core.curves, core.presets, core.figures;"
        "sys.exit(any(name in sys.modules for name in ('matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
