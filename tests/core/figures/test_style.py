"""The colours of figures."""

import numpy as np
from matplotlib import colors

from core.figures.style import BLUE, GREEN, INK, LIGHT_BLUE, VERMILION, ordered_colours


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
