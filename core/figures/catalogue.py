"""The figures of an experiment, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from core.figure_layouts.catalogue import FIGURE_TITLES
from core.figures.results import Results
from core.figures.risk import risk_figure
from core.figures.sample_complexity import sample_complexity_figure
from core.figures.stability import stability_figure
from core.figures.trajectory import trajectory_figure


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureKind:
    """A figure of the catalogue: its title, and how it is drawn.

    `draw` raises UnsuitableFigure where the experiment sweeps too little or too much for the figure, and ValueError
    where there is not one summary (or None) for each run of the grid.
    """

    name: str
    title: str
    draw: Callable[[Results], Figure]


_DRAWN_BY: Final[Mapping[str, Callable[[Results], Figure]]] = MappingProxyType(
    {
        "risk": risk_figure,
        "stability": stability_figure,
        "trajectory": trajectory_figure,
        "sample-complexity": sample_complexity_figure,
    }
)

FIGURES: Final[Mapping[str, FigureKind]] = MappingProxyType(
    {name: FigureKind(name=name, title=title, draw=_DRAWN_BY[name]) for name, title in FIGURE_TITLES.items()}
)
"""Every figure, by name."""
