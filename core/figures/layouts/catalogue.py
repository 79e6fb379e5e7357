"""Which figures there are, and whether one suits an experiment: the one table of figures, known without Matplotlib."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.errors import InvalidChoice
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.depth import DepthLayout, depth_layout
from core.figures.layouts.effective_init import EffectiveInitLayout, effective_init_layout
from core.figures.layouts.gain import GainLayout, gain_layout
from core.figures.layouts.options import MOST_HEIGHT, FigureOptions
from core.figures.layouts.phase import PhaseLayout, phase_layout
from core.figures.layouts.plateaus import PlateausLayout, plateaus_layout, plateaus_of_runs
from core.figures.layouts.predictor import PredictorLayout, predictor_layout, predictor_of_runs
from core.figures.layouts.risk import RiskLayout, excess_risk_layout, risk_layout
from core.figures.layouts.sample_complexity import SampleComplexityLayout, sample_complexity_layout
from core.figures.layouts.shown import part_of, require_runs
from core.figures.layouts.stability import StabilityLayout, stability_layout
from core.figures.layouts.trajectory import (
    TrajectoryLayout,
    early_stopping_layout,
    early_stopping_of_runs,
    trajectory_layout,
    trajectory_of_runs,
)
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
    | PlateausLayout
    | GainLayout
)
"""The layout of any figure. Its type says which, so that `core.figures.draw` cannot miss one: see there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureKind:
    """A figure as it can be asked for by `name`; `title` says what it shows.

    `layout` raises UnsuitableFigure for an experiment that sweeps too little or too much, or keeps too little of its
    runs. `of_runs` is the layout for runs that are chosen, where the figure follows runs; `has_y_range` says whether
    its y axis is a quantity whose ends can be chosen.
    """

    name: str
    title: str
    layout: Callable[[Grid], Layout]
    of_runs: Callable[[Grid, Sequence[int]], Layout] | None = None
    has_y_range: bool = True

    def layout_of(self, grid: Grid, runs: Sequence[int] = ()) -> Layout:
        """The layout for the grid, or for these runs of it.

        Raises:
            UnsuitableFigure: the experiment does not suit.
            InvalidChoice: the grid has no such runs, or the figure is none of runs.
        """
        if not runs:
            return self.layout(grid)
        if self.of_runs is None:
            raise InvalidChoice(
                "runs",
                (),
                "it aggregates runs; trajectory, early-stopping, predictor and plateaus follow some of them",
            )
        require_runs(grid, runs)
        return self.of_runs(grid, runs)

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
        name="trajectory",
        title="Training loss and sharpness along training, with 2/η",
        layout=trajectory_layout,
        of_runs=trajectory_of_runs,
    ),
    FigureKind(
        name="early-stopping",
        title="Training loss and excess risk along training",
        layout=early_stopping_layout,
        of_runs=early_stopping_of_runs,
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
        has_y_range=False,
    ),
    FigureKind(
        name="effective-init",
        title="Effective initialisation √A against the step size, by scale",
        layout=effective_init_layout,
    ),
    FigureKind(name="depth", title="Test loss against depth, beside the norms that compete", layout=depth_layout),
    FigureKind(
        name="gain",
        title="Risk over that of gradient flow, against a number of the data and the step size",
        layout=gain_layout,
        has_y_range=False,
    ),
    FigureKind(
        name="predictor",
        title="The predictor of some runs, entry by entry",
        layout=predictor_layout,
        of_runs=predictor_of_runs,
    ),
    FigureKind(
        name="plateaus",
        title="Loss and size of each coordinate against rescaled time, saddle to saddle",
        layout=plateaus_layout,
        of_runs=plateaus_of_runs,
    ),
)

FIGURES: Final[Mapping[str, FigureKind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""The figures of an experiment, by name."""


def require_suitable(name: str, grid: Grid, options: FigureOptions | None = None) -> None:
    """Refuse a figure that cannot be made of such an experiment, or not in this way.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for it, or keeps too little of its runs.
        InvalidChoice: there is no such part of the experiment, or the figure has no such option.
    """
    kind, asked = FIGURES[name], options or FigureOptions()
    if asked.where and asked.runs:
        raise InvalidChoice("runs", (), "the runs that are followed are of the whole experiment: leave out where")
    for end in ("y_min", "y_max"):
        given = getattr(asked, end)
        if given is not None and not kind.has_y_range:
            raise InvalidChoice(end, (), "the y axis of this figure is that of its cells")
        if given is not None and given < 1 / MOST_HEIGHT and name != "predictor":
            sentence = f"the y axis of this figure is logarithmic: its ends are positive, {1 / MOST_HEIGHT:g} or more"
            raise InvalidChoice(end, (), sentence)
    part = part_of(grid, asked.where)[0] if asked.where else grid
    kind.layout_of(part, asked.runs)


def suitable(grid: Grid) -> list[str]:
    """The names of the figures that can be made of such an experiment."""
    return [kind.name for kind in _KINDS if kind.suits(grid)]
