"""Which curves of an experiment are shown: what is asked for, and what is chosen where nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from core.analysis.problem_analysis import ProblemAnalysis
from core.errors import StepbiasError
from core.results.curves import Curves, Inclusion, curves, default_quantity
from core.results.result import Summary
from core.spec.optimizers import RELATIVE_AXES
from core.sweep.grid import Grid

PREFERRED_X: Final = ("init_scale", "step_size", *RELATIVE_AXES)


class NoAxisLeft(StepbiasError):
    """Every axis of the experiment is fixed, aggregated over or a series: there is none to draw against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveQuestion:
    """The parameters of `core.results.curves.curves`."""

    x: str
    y: str
    series: str | None
    over: str
    where: Mapping[str, float]
    include: Inclusion

    @classmethod
    def of(  # noqa: PLR0913 - each is a parameter of the question, and all are named
        cls,
        grid: Grid,
        summaries: Sequence[Summary | None],
        *,
        x: str | None = None,
        y: str | None = None,
        series: str | None = None,
        over: str | None = None,
        where: Mapping[str, float] | None = None,
        include: Inclusion = Inclusion.CONVERGED,
    ) -> Self:
        """The question in full; `summaries` are those of the grid's runs.

        Raises:
            NoAxisLeft: there is no axis to draw against.
        """
        over, where = over or "seed", where or {}
        free = [axis.name for axis in grid.axes if axis.name not in {x, series, over, *where}]
        preferred = [name for name in PREFERRED_X if name in free] or free
        x = x or next(iter(preferred), None)
        if x is None:
            raise NoAxisLeft("the experiment sweeps nothing else, so there is no axis to draw against")
        left = [axis.name for axis in grid.axes if axis.name in free and axis.name != x and len(axis.values) > 1]
        return cls(
            x=x,
            y=y or default_quantity(grid.spec.data, summaries),
            series=series or (left[0] if len(left) == 1 else None),
            over=over,
            where=where,
            include=include,
        )

    def curves(
        self, grid: Grid, summaries: Sequence[Summary | None], analyses: Mapping[str, ProblemAnalysis]
    ) -> Curves:
        """The answer, with baselines from the `analyses`, by the key of their problem.

        Raises:
            InvalidChoice: as `core.results.curves.curves` does.
        """
        return curves(
            grid,
            summaries,
            x=self.x,
            y=self.y,
            series=self.series,
            over=self.over,
            where=self.where,
            include=self.include,
            analyses=analyses,
        )
