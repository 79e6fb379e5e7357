"""The legend beside the panels."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from core.figures.legend import Legend, put_legend


def _figure() -> Figure:
    figure = Figure(figsize=(8, 4))
    figure.subplots(1, 2)
    figure.subplots_adjust(right=0.75)
    return figure


def test_names_that_are_too_long_for_the_column_are_broken() -> None:
    """Between words, and nowhere else; short ones stay as they are."""
    figure = _figure()
    handles = [Line2D([], [], label=label) for label in ("short", "a name that is far too long for its column")]
    put_legend(figure, figure.axes, Legend(handles=handles))
    (legend,) = figure.legends
    short, long = (text.get_text() for text in legend.get_texts())
    assert short == "short"
    assert "\n" in long
    assert long.replace("\n", " ") == "a name that is far too long for its column"
    assert legend.get_title().get_text() == ""


def test_a_legend_stands_right_of_all_panels_under_its_title() -> None:
    """Level with the top of the first row."""
    figure = _figure()
    put_legend(figure, figure.axes, Legend(handles=[Line2D([], [], label="a line")], title="noise steps"))
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "noise steps"
    figure.canvas.draw()
    last = figure.axes[-1].get_window_extent()
    box = legend.get_window_extent()
    assert box.x0 > last.x1
    assert box.y1 <= last.y1
