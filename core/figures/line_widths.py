"""Lines and markers as large as letters are: drawn as on paper, and then made thicker or thinner together."""

from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch


def scale_panel(panel: Axes, factor: float) -> None:
    """Do so with all that is drawn in a panel, and with its legend."""
    legend = panel.get_legend()
    scale_artists([*panel.lines, *panel.collections, *panel.patches, *panel.artists], factor)
    if legend is not None:
        scale_artists([*legend.get_lines(), *legend.get_patches()], factor)


def scale_artists(artists: Iterable[Artist], factor: float) -> None:
    """Do so with these, such as the handles of a legend that is not made yet."""
    for artist in artists:
        if isinstance(artist, Line2D):
            artist.set_markersize(artist.get_markersize() * factor)
            artist.set_markeredgewidth(artist.get_markeredgewidth() * factor)
        if isinstance(artist, Line2D | Patch):
            artist.set_linewidth(artist.get_linewidth() * factor)
        if isinstance(artist, Collection):
            artist.set_linewidth(np.multiply(artist.get_linewidth(), factor).tolist())
