"""The figures of an experiment, by name."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from core.choice import InvalidChoice
from core.curves import Analysis, Curves, curves
from core.figures.caption import caption
from core.figures.results import Results
from core.figures.risk import risk_figure
from core.grid import STEP_SIZE_FRACTION, Axis, Grid
from core.result import Summary
from core.spec import SparseRegression
from core.variables import VARIABLES

MAX_PANELS: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureKind:
    """A figure of the catalogue: its title, and how it is drawn."""

    name: str
    title: str
    drawn_by: Callable[[Results], Figure]

    def draw(
        self,
        grid: Grid,
        summaries: Sequence[Summary | None],
        analyses: Iterable[Analysis | None],
        name: str,
    ) -> Figure:
        """The figure of an experiment called `name`, from the runs and analyses that are there, None for the others.

        Raises:
            InvalidChoice: the experiment sweeps too little or too much for this figure.
            ValueError: there is not one summary (or None) for each run of the grid.
        """
        by_data_key = {analysis["data_key"]: analysis for analysis in analyses if analysis is not None}
        return self.drawn_by(Results(grid=grid, summaries=summaries, analyses=by_data_key, name=name))


def _risk(results: Results) -> Figure:
    grid = results.grid
    x, series = _roles(grid)
    others = [axis for axis in grid.axes if axis.name not in {x, series, "seed"} and len(axis.values) > 1]
    panels = [_family(results, x, series, where) for where in _fixings(others)]
    lines = panels[0].series
    title = f"{panels[0].y.label.removesuffix(' R(β)')} against {panels[0].x.label}"
    title = title[0].upper() + title[1:] + (f", by {lines.label}" if lines else "")
    return risk_figure(panels, caption(results, title))


def _roles(grid: Grid) -> tuple[str, str | None]:
    """The axis along x, and that of the lines: initialisation scale and step size where they are swept."""
    names = [axis.name for axis in sorted(grid.axes, key=lambda axis: -len(axis.values)) if axis.name != "seed"]
    if not names:
        raise InvalidChoice("name", [], "this figure needs an experiment that sweeps a number besides the data seed")
    preferred = [name for name in ("init_scale", "step_size", STEP_SIZE_FRACTION) if name in names]
    x = (preferred or names)[0]
    steps = [name for name in preferred if name != x]
    return x, steps[0] if steps else None


def _fixings(axes: Sequence[Axis]) -> list[dict[str, float]]:
    """The values that each panel fixes: every combination of the axes that are neither drawn nor aggregated."""
    combinations = list(itertools.product(*(axis.values for axis in axes)))
    if len(combinations) > MAX_PANELS:
        raise InvalidChoice("name", [], f"this figure would need {len(combinations)} panels; {MAX_PANELS} are the most")
    return [dict(zip((axis.name for axis in axes), values, strict=True)) for values in combinations]


def _family(results: Results, x: str, series: str | None, where: Mapping[str, float]) -> Curves:
    """Excess risk, or test loss where the true predictor is not known."""
    known = isinstance(results.grid.spec.data, SparseRegression) or any(
        summary is not None and summary.get("excess_risk") is not None for summary in results.summaries
    )
    return curves(
        results.grid,
        results.summaries,
        x=x,
        y=VARIABLES["excess_risk" if known else "test_loss"].name,
        series=series,
        where=where,
        analyses=results.analyses,
    )


FIGURES: Final[Mapping[str, FigureKind]] = MappingProxyType(
    {"risk": FigureKind(name="risk", title="Risk against initialisation scale, by step size", drawn_by=_risk)}
)
"""Every figure, by name."""
