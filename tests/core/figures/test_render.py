"""Figures as the bytes of files."""

import pytest
from matplotlib.figure import Figure

from core.errors import InvalidChoice
from core.figures.draw import draw
from core.figures.layouts.catalogue import FIGURES
from core.figures.render import Format, render
from tests.core.made_up import HOSTILE, results_of
from tests.core.specs import every_figure

MAGIC = {Format.PNG: b"\x89PNG", Format.SVG: b"<?xml", Format.PDF: b"%PDF"}


@pytest.mark.parametrize("form", Format)
def test_a_figure_in_each_format_has_the_same_bytes_each_time(form: Format) -> None:
    """Whatever the name of the experiment: it is text, in any script, and never a formula or markup."""
    first, second = (render(draw(FIGURES["risk"], results_of(every_figure(), name=HOSTILE)), form) for _ in range(2))
    assert first == second
    assert first.startswith(MAGIC[form])


def test_an_unknown_format_names_the_known_ones() -> None:
    """As every refusal does."""
    with pytest.raises(InvalidChoice) as refusal:
        render(Figure(), "gif")
    assert refusal.value.choices == ("png", "svg", "pdf")
