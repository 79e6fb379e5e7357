"""The size of panels in inches."""

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.panel_size import figure_of, size_of
from core.figures.style import style


def test_the_size_of_a_panel_is_its_part_of_the_figure() -> None:
    """In inches, fewer of which are had where letters are larger."""
    figure = Figure(figsize=(8, 4))
    panel = figure.add_axes((0.25, 0.25, 0.5, 0.5))
    with style():
        assert size_of(panel) == (4, 2)
    with style(letters=2.0):
        assert size_of(panel) == (2, 1)
    assert figure_of(panel) is figure


def test_a_panel_without_a_figure_has_no_size() -> None:
    """One that was taken out of its figure."""
    figure = Figure()
    panel: Axes = figure.subplots()
    panel.remove()
    with pytest.raises(ValueError, match="in no figure"):
        size_of(panel)
