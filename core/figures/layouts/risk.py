"""The risk figure: what stands along x, what the lines are, and one panel for each combination of the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import REPLICATES, STEP_SIZES, fixings, replicates, swept
from core.spec.axes import Axis
from core.spec.experiment_spec import SparseRegression
from core.sweep.grid import Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskLayout:
    """The axes along x, of the lines if there are several, and aggregated; for each panel the values that it fixes.

    `quantity` is what is drawn; None is the default one of the experiment, the test loss where that is known.
    """

    x: str
    series: str | None
    over: str
    panels: tuple[Mapping[str, float], ...]
    quantity: str | None = None


def risk_layout(grid: Grid) -> RiskLayout:
    """Initialisation scale along x and a line per step size, where these two are swept; seeds are aggregated.

    The longest axis of training goes along x and the next one makes the lines. What makes the problem another one makes
    panels, each with its own baselines, unless nothing else is swept.

    Raises:
        UnsuitableFigure: the experiment sweeps too little or too much for this figure.
    """
    over = replicates(grid)
    axes = [axis for axis in swept(grid) if axis.name != over]
    problem = {axis.name for axis in grid.problem_axes}
    training = [axis for axis in axes if axis.name not in {*problem, *REPLICATES}]
    drawn = training or [axis for axis in axes if axis.name not in REPLICATES]
    if not drawn:
        raise UnsuitableFigure("This figure needs an experiment that sweeps a number besides the seeds.")
    x = max(drawn, key=_along_x)
    series = max((axis for axis in drawn if axis is not x), key=lambda axis: len(axis.values), default=None)
    rest = [axis for axis in axes if axis not in (x, series)]
    return RiskLayout(x=x.name, series=series.name if series else None, over=over, panels=tuple(fixings(rest)))


def excess_risk_layout(grid: Grid) -> RiskLayout:
    """The same of the excess risk: what of the test loss no predictor can avoid is taken away.

    Raises:
        UnsuitableFigure: likewise, or the data are a user's, of which β* and distribution are not known.
    """
    if not isinstance(grid.spec.data, SparseRegression):
        raise UnsuitableFigure("This figure needs sparse_regression data: of others the excess risk is not known.")
    return replace(risk_layout(grid), quantity="excess_risk")


def _along_x(axis: Axis) -> tuple[float, bool]:
    """The longest axis comes first; step sizes only where they are more than twice as many as the values of others."""
    return len(axis.values) / (2 if axis.name in STEP_SIZES else 1), axis.name == "warmup_steps"
