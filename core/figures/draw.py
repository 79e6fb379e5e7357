"""From a kind of figure and results to the figure."""

from typing import assert_never

from matplotlib.figure import Figure

from core.figures.drawings.depth import DEPTHS
from core.figures.drawings.effective_init import EFFECTIVE_INIT
from core.figures.drawings.phase import PHASE
from core.figures.drawings.predictor import PREDICTOR
from core.figures.drawings.risk import RISK
from core.figures.drawings.sample_complexity import SAMPLE_COMPLEXITY
from core.figures.drawings.stability import STABILITY
from core.figures.drawings.trajectory import TRAJECTORY
from core.figures.layouts.catalogue import FigureKind
from core.figures.layouts.depth import DepthLayout
from core.figures.layouts.effective_init import EffectiveInitLayout
from core.figures.layouts.phase import PhaseLayout
from core.figures.layouts.predictor import PredictorLayout
from core.figures.layouts.risk import RiskLayout
from core.figures.layouts.sample_complexity import SampleComplexityLayout
from core.figures.layouts.stability import StabilityLayout
from core.figures.layouts.trajectory import TrajectoryLayout
from core.figures.results import Results


def draw(kind: FigureKind, results: Results) -> Figure:
    """The figure of these results, laid out for their grid.

    The type of the layout chooses the drawing: a kind whose layout has no drawing, or that of another kind, does not
    pass the type checker.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for it, or keeps too little of its runs.
    """
    layout = kind.layout(results.grid)
    match layout:
        case RiskLayout():
            figure = RISK.of(results, layout)
        case StabilityLayout():
            figure = STABILITY.of(results, layout)
        case TrajectoryLayout():
            figure = TRAJECTORY.of(results, layout)
        case SampleComplexityLayout():
            figure = SAMPLE_COMPLEXITY.of(results, layout)
        case PhaseLayout():
            figure = PHASE.of(results, layout)
        case EffectiveInitLayout():
            figure = EFFECTIVE_INIT.of(results, layout)
        case PredictorLayout():
            figure = PREDICTOR.of(results, layout)
        case DepthLayout():
            figure = DEPTHS.of(results, layout)
        case _:
            assert_never(layout)
    return figure
