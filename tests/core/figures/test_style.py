"""The colours of figures."""

import numpy as np
import pytest
from matplotlib import colors

from core.figures.layouts.options import Style
from core.figures.style import (
    BLUE,
    GREEN,
    GROUND,
    INK,
    MUTED,
    PURPLE,
    RUG,
    TRUTH,
    VERMILION,
    letter_scale,
    ordered_colours,
    style,
)
from tests.core.drawn import contrast


def test_colours_are_in_order_of_lightness_and_dark_enough_for_paper() -> None:
    """So they can be told apart without hue: in grey, and by colour-blind readers."""
    for count in (1, 2, 5, 10):
        luminance = np.array([_luminance(colour) for colour in ordered_colours(count)])
        assert (np.diff(luminance) < 0).all()
        assert luminance.max() < 0.62


def test_colours_without_an_order_differ_in_lightness_too() -> None:
    """Those that may cross in one panel."""
    luminance = sorted(_luminance(colour) for colour in (INK, BLUE, GREEN, PURPLE))
    assert min(np.diff(luminance)) > 0.05
    assert 0.1 < _luminance(VERMILION) < 0.5


@pytest.mark.parametrize("name", Style)
def test_every_colour_of_lines_and_words_stands_off_the_ground(name: Style) -> None:
    """Lines 3 : 1, also on the ground of strips; words 4.5 : 1 (WCAG 2.1)."""
    with style(name):
        for ground in (GROUND, RUG):
            assert min(contrast(colour, ground) for colour in (BLUE, GREEN, PURPLE, VERMILION, TRUTH)) >= 3
            assert min(contrast(colour, ground) for colour in (INK, MUTED)) >= 4.5
            assert min(contrast(colour, ground) for colour in ordered_colours(9)) >= 3


def test_a_style_is_left_as_it_was_found() -> None:
    """Also where one is drawn within another."""
    with style("dark"):
        assert letter_scale() == 1
        with style("slide", 1.5):
            assert (letter_scale(), colors.to_hex(GROUND)) == (1.5, "#ffffff")
        assert colors.to_hex(GROUND) != "#ffffff"
    assert colors.to_hex(GROUND) == "#ffffff"


def _luminance(colour: str) -> float:
    return float(np.array([0.2126, 0.7152, 0.0722]) @ np.array(colors.to_rgb(colour)) ** 2.2)
