"""Which figures there are, and whether one suits an experiment."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.effective_init import effective_init_layout
from core.figures.layouts.phase import phase_layout
from core.figures.layouts.predictor import predictor_layout
from core.figures.layouts.risk import risk_layout
from core.figures.layouts.sample_complexity import sample_complexity_layout
from core.figures.layouts.stability import stability_layout
from core.figures.layouts.trajectory import trajectory_layout
from core.sweep.grid import Grid

FIGURE_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "risk": "Risk against initialisation scale, by step size",
        "stability": "Sharpness, its bounds and 2/η against the step size",
        "trajectory": "Training loss and sharpness along training, with 2/η",
        "sample-complexity": "Risk of the flattest interpolator against the number of samples",
        "phase": "Outcome, risk and effective initialisation over scale and step size",
        "effective-init": "Effective initialisation √A against the step size, by scale",
        "predictor": "The predictor of some runs, entry by entry",
    }
)
"""The figures of an experiment, by name."""

_LAYOUTS: Final[Mapping[str, Callable[[Grid], Any]]] = MappingProxyType(
    {
        "risk": risk_layout,
        "stability": stability_layout,
        "trajectory": trajectory_layout,
        "sample-complexity": sample_complexity_layout,
        "phase": phase_layout,
        "effective-init": effective_init_layout,
        "predictor": predictor_layout,
    }
)


def require_suitable(name: str, grid: Grid) -> None:
    """Refuse a figure that cannot be made of such an experiment.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for it, or keeps too little of its runs.
    """
    _LAYOUTS[name](grid)


def suitable(grid: Grid) -> list[str]:
    """The names of the figures that can be made of such an experiment."""
    return [name for name in FIGURE_TITLES if _suits(name, grid)]


def _suits(name: str, grid: Grid) -> bool:
    try:
        require_suitable(name, grid)
    except UnsuitableFigure:
        return False
    return True
