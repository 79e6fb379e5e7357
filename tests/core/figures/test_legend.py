"""The legend beside the panels."""

from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from core.figures.legend import ColourScale, Legend, put_legend
from core.figures.style import ordered_colours, style


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


def test_many_lines_are_named_by_a_scale_of_colours() -> None:
    """A cell for each, in its colour, of which at most twenty are named: the first and the last among them."""
    for count in (8, 50):
        figure = _figure()
        names, colours = [f"line {k}" for k in range(count)], ordered_colours(count)
        scale = ColourScale(label="step size η", names=names, colours=colours)
        with style():
            put_legend(figure, figure.axes, Legend(handles=[], scale=scale))
        assert not figure.legends
        cells = [cell for cell in figure.artists if cell.get_label() in names]
        assert [cell.get_facecolor() for cell in cells] == [to_rgba(colour) for colour in colours]
        written = [text.get_text() for text in figure.texts]
        assert written[0] == "step size η"
        assert {names[0], names[-1]} <= set(written)
        assert len(written) == min(count, 20) + 1
