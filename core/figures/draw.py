"""From a kind of figure and results to the figure."""

from typing import assert_never

from matplotlib.figure import Figure

from core.figures.drawing import USUAL
from core.figures.drawings.depth import DEPTHS
from core.figures.drawings.effective_init import EFFECTIVE_INIT
from core.figures.drawings.gain import GAIN
from core.figures.drawings.phase import PHASE
from core.figures.drawings.plateaus import PLATEAUS
from core.figures.drawings.predictor import PREDICTOR
from core.figures.drawings.risk import RISK
from core.figures.drawings.sample_complexity import SAMPLE_COMPLEXITY
from core.figures.drawings.stability import STABILITY
from core.figures.drawings.trajectory import TRAJECTORY
from core.figures.layouts.catalogue import FigureKind
from core.figures.layouts.depth import DepthLayout
from core.figures.layouts.effective_init import EffectiveInitLayout
from core.figures.layouts.gain import GainLayout
from core.figures.layouts.options import FigureOptions
from core.figures.layouts.phase import PhaseLayout
from core.figures.layouts.plateaus import PlateausLayout
from core.figures.layouts.predictor import PredictorLayout
from core.figures.layouts.risk import RiskLayout
from core.figures.layouts.sample_complexity import SampleComplexityLayout
from core.figures.layouts.stability import StabilityLayout
from core.figures.layouts.trajectory import TrajectoryLayout
from core.figures.picture import Picture
from core.figures.results import Results, part_of_results


def draw(kind: FigureKind, results: Results, options: FigureOptions = USUAL) -> Figure:
    """The figure of these results alone, without its words and numbers: see `picture`."""
    return picture(kind, results, options).figure


def picture(  # noqa: C901, PLR0911 - one for each kind
    kind: FigureKind, results: Results, options: FigureOptions = USUAL
) -> Picture:
    """The figure of these results, or of the part of them that is asked for, laid out for their grid.

    The type of the layout chooses the drawing: a kind whose layout has no drawing, or that of another kind, does not
    pass the type checker.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for it, or keeps too little of its runs.
        InvalidChoice: there is no such part.
    """
    if options.where:
        results = part_of_results(results, options.where)
    layout = kind.layout_of(results.grid, options.runs)
    match layout:
        case RiskLayout():
            return RISK.of(results, layout, options)
        case StabilityLayout():
            return STABILITY.of(results, layout, options)
        case TrajectoryLayout():
            return TRAJECTORY.of(results, layout, options)
        case SampleComplexityLayout():
            return SAMPLE_COMPLEXITY.of(results, layout, options)
        case PhaseLayout():
            return PHASE.of(results, layout, options)
        case EffectiveInitLayout():
            return EFFECTIVE_INIT.of(results, layout, options)
        case PredictorLayout():
            return PREDICTOR.of(results, layout, options)
        case DepthLayout():
            return DEPTHS.of(results, layout, options)
        case PlateausLayout():
            return PLATEAUS.of(results, layout, options)
        case GainLayout():
            return GAIN.of(results, layout, options)
        case _:
            assert_never(layout)
