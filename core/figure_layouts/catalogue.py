"""Which figures there are, and whether one suits an experiment."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from core.figure_layouts.risk import risk_layout
from core.figure_layouts.sample_complexity import sample_complexity_layout
from core.figure_layouts.stability import stability_layout
from core.figure_layouts.trajectory import trajectory_layout
from core.grid import Grid

FIGURE_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "risk": "Risk against initialisation scale, by step size",
        "stability": "Sharpness, its bounds and 2/η against the step size",
        "trajectory": "Training loss and sharpness along training, with 2/η",
        "sample-complexity": "Risk of the flattest interpolator against the number of samples",
    }
)
"""The figures of an experiment, by name."""

_LAYOUTS: Final[Mapping[str, Callable[[Grid], Any]]] = MappingProxyType(
    {
        "risk": risk_layout,
        "stability": stability_layout,
        "trajectory": trajectory_layout,
        "sample-complexity": sample_complexity_layout,
    }
)


def require_suitable(name: str, grid: Grid) -> None:
    """Refuse a figure that cannot be made of such an experiment.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for it, or keeps too little of its runs.
    """
    _LAYOUTS[name](grid)
