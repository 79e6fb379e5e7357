"""How large a panel is in its figure, in inches."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure


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
    """Width and height of a panel, in inches."""
    box, (width, height) = panel.get_position(), figure_of(panel).get_size_inches()
    return float(box.width * width), float(box.height * height)
