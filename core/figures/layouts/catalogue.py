"""Which figures there are, and whether one suits an experiment: the one table of figures, known without Matplotlib."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.depth import DepthLayout, depth_layout
from core.figures.layouts.effective_init import EffectiveInitLayout, effective_init_layout
from core.figures.layouts.phase import PhaseLayout, phase_layout
from core.figures.layouts.predictor import PredictorLayout, predictor_layout
from core.figures.layouts.risk import RiskLayout, excess_risk_layout, risk_layout
from core.figures.layouts.sample_complexity import SampleComplexityLayout, sample_complexity_layout
from core.figures.layouts.stability import StabilityLayout, stability_layout
from core.figures.layouts.trajectory import TrajectoryLayout, trajectory_layout
from core.sweep.grid import Grid

Layout = (
    RiskLayout
    | StabilityLayout
    | TrajectoryLayout
    | SampleComplexityLayout
    | PhaseLayout
    | EffectiveInitLayout
    | PredictorLayout
    | DepthLayout
)
"""The layout of any figure. Its type says which, so that `core.figures.draw` cannot miss one: see there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureKind:
    """A figure as it can be asked for by `name`; `title` says what it shows.

    `layout` raises UnsuitableFigure for an experiment that sweeps too little or too much, or keeps too little of its
    runs.
    """

    name: str
    title: str
    layout: Callable[[Grid], Layout]

    def suits(self, grid: Grid) -> bool:
        """Whether it can be made of such an experiment."""
        try:
            self.layout(grid)
        except UnsuitableFigure:
            return False
        return True


_KINDS: Final = (
    FigureKind(name="risk", title="Test loss against initialisation scale, by step size", layout=risk_layout),
    FigureKind(
        name="excess-risk", title="Excess risk against initialisation scale, by step size", layout=excess_risk_layout
    ),
    FigureKind(name="stability", title="Sharpness, its bounds and 2/η against the step size", layout=stability_layout),
    FigureKind(
        name="trajectory", title="Training loss and sharpness along training, with 2/η", layout=trajectory_layout
    ),
    FigureKind(
        name="sample-complexity",
        title="Risk of the flattest interpolator against the number of samples",
        layout=sample_complexity_layout,
    ),
    FigureKind(
        name="phase",
        title="Outcome, risk and effective initialisation over scale and step size",
        layout=phase_layout,
    ),
    FigureKind(
        name="effective-init",
        title="Effective initialisation √A against the step size, by scale",
        layout=effective_init_layout,
    ),
    FigureKind(name="depth", title="Test loss against depth, beside the norms that compete", layout=depth_layout),
    FigureKind(name="predictor", title="The predictor of some runs, entry by entry", layout=predictor_layout),
)

FIGURES: Final[Mapping[str, FigureKind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""The figures of an experiment, by name."""


def require_suitable(name: str, grid: Grid) -> None:
    """Refuse a figure that cannot be made of such an experiment.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for it, or keeps too little of its runs.
    """
    FIGURES[name].layout(grid)


def suitable(grid: Grid) -> list[str]:
    """The names of the figures that can be made of such an experiment."""
    return [kind.name for kind in _KINDS if kind.suits(grid)]
