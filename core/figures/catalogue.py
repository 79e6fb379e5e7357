"""The figures of an experiment, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from core.figures.effective_init import draw_effective_init
from core.figures.phase import draw_phase
from core.figures.predictor import draw_predictor
from core.figures.results import Results
from core.figures.risk import draw_risk
from core.figures.sample_complexity import draw_sample_complexity
from core.figures.stability import draw_stability
from core.figures.trajectory import draw_trajectory

Draw = Callable[[Results], Figure]
"""Raises UnsuitableFigure where the experiment sweeps too little or too much, or keeps too little of its runs."""

FIGURES: Final[Mapping[str, Draw]] = MappingProxyType(
    {
        "risk": draw_risk,
        "stability": draw_stability,
        "trajectory": draw_trajectory,
        "sample-complexity": draw_sample_complexity,
        "phase": draw_phase,
        "effective-init": draw_effective_init,
        "predictor": draw_predictor,
    }
)
"""Every figure, by name, in the order of `core.figures.layouts.catalogue.FIGURE_TITLES`."""
