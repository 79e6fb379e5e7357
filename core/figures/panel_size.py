"""How large a panel is in its figure, in inches on paper: where letters are larger, it has room for as many fewer."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.style import letter_scale


def figure_of(panel: Axes) -> Figure:
    """The figure that a panel stands in.

    Raises:
        ValueError: the panel is in no figure.
    """
    figure = panel.get_figure(root=True)
    if figure is None:
        raise ValueError("the panel is in no figure")
    return figure


def size_of(panel: Axes) -> tuple[float, float]:
    """Width and height of a panel."""
    box, (width, height) = panel.get_position(), page_size(figure_of(panel))
    return float(box.width * width), float(box.height * height)


def page_size(figure: Figure) -> tuple[float, float]:
    """Width and height of a figure."""
    width, height = figure.get_size_inches() / letter_scale()
    return float(width), float(height)
