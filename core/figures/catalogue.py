"""The figures of an experiment, by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from core.curves import Analysis, Curves, curves, telling_quantity
from core.figure_layout import FIGURE_TITLES, risk_layout
from core.figures.caption import caption
from core.figures.results import Results
from core.figures.risk import risk_figure
from core.grid import Grid
from core.result import Summary


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
            UnsuitableFigure: the experiment sweeps too little or too much for this figure.
            ValueError: there is not one summary (or None) for each run of the grid.
        """
        by_data_key = {analysis["data_key"]: analysis for analysis in analyses if analysis is not None}
        return self.drawn_by(Results(grid=grid, summaries=summaries, analyses=by_data_key, name=name))


def _risk(results: Results) -> Figure:
    layout = risk_layout(results.grid)
    panels = [_family(results, layout.x, layout.series, where) for where in layout.panels]
    lines = panels[0].series
    title = f"{panels[0].y.label.partition(' R(β)')[0]} against {panels[0].x.label}"
    title = title[0].upper() + title[1:] + (f", by {lines.label}" if lines else "")
    return risk_figure(panels, caption(results, title))


def _family(results: Results, x: str, series: str | None, where: Mapping[str, float]) -> Curves:
    return curves(
        results.grid,
        results.summaries,
        x=x,
        y=telling_quantity(results.grid.spec.data, results.summaries),
        series=series,
        where=where,
        analyses=results.analyses,
    )


FIGURES: Final[Mapping[str, FigureKind]] = MappingProxyType(
    {"risk": FigureKind(name="risk", title=FIGURE_TITLES["risk"], drawn_by=_risk)}
)
"""Every figure, by name."""
