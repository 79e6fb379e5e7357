"""A heat map of a phase diagram in numbers: what the cells say, and how large steps may be over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.figures.largest_steps import largest_steps
from core.figures.layouts.cells import MISSING, CellAxis, cell_axis, commonest, converged_median, outcome_codes
from core.figures.layouts.effective_init import without_effective_init
from core.figures.layouts.phase import PhaseLayout
from core.figures.layouts.selection import STEP_SIZES
from core.figures.results import Results
from core.results.rounding import is_decided_by_rounding
from core.sweep.arrangement import Arrangement, arrange


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeatMap:
    """The cells at the fixed values `where`: their outcomes, whether seeds differ in them, the median of each quantity.

    `decided` are the cells with a run that rounding decided.
    `absent` says of quantities that no run behind the cells can have why it cannot. `largest_steps` holds both η* over
    each cell along x, in units of the y axis; NaN where they are not known or y is no step size.
    """

    where: Mapping[str, float]
    x: CellAxis
    y: CellAxis
    outcomes: Int64[np.ndarray, "y x"]
    differing: Bool[np.ndarray, "y x"]
    decided: Bool[np.ndarray, "y x"]
    medians: Mapping[str, Float64[np.ndarray, "y x"]]
    absent: Mapping[str, str]
    largest_steps: Float64[np.ndarray, "2 x"]

    @property
    def y_edges(self) -> Float64[np.ndarray, "y+1 x"]:
        """Where the cells of each column end and begin: at η* where it lies between two of them or just outside.

        So no cell of steps that are stable reaches above η*, and none of others below it.
        """
        edges = np.repeat(self.y.edges[:, None], len(self.x.values), axis=1)
        for column, step in enumerate(self.largest_steps[0].tolist()):
            if np.isfinite(step) and not np.isclose(self.y.positions, step, rtol=1e-9).any():
                between = int(np.searchsorted(self.y.positions, step))
                if self.y.edges[0] < step < self.y.edges[-1]:
                    edges[between, column] = step
        return edges

    @property
    def missing(self) -> Bool[np.ndarray, "y x"]:
        """The cells of which no run is stored."""
        return np.asarray(self.outcomes == MISSING)

    def without_value(self, quantity: str) -> Bool[np.ndarray, "y x"]:
        """The cells with runs of which none that converged has the quantity, though it might."""
        if quantity in self.absent:
            return np.zeros_like(self.differing)
        return np.asarray(~self.missing & np.isnan(self.medians[quantity]))


def heat_map(results: Results, layout: PhaseLayout, where: Mapping[str, float], quantities: Sequence[str]) -> HeatMap:
    """The heat map over a layout's axes at these values of the others."""
    arrangement = arrange(results.grid, x=layout.x, series=layout.y, over=layout.over, where=where)
    upward = [axis.values for axis in results.grid.axes if axis.name == layout.y]
    x, y = cell_axis(arrangement.x.values), cell_axis(upward[0])
    ascending = np.ix_(y.order, x.order)
    codes = arrangement.table(outcome_codes(results.summaries))[ascending]
    outcomes, differing = commonest(codes)
    decided = np.array([is_decided_by_rounding(summary) for summary in results.summaries])
    reason = without_effective_init(results.grid, where)
    tables = {name: arrangement.table(_column(results, name))[ascending] for name in quantities}
    return HeatMap(
        where=where,
        x=x,
        y=y,
        outcomes=outcomes,
        differing=differing,
        decided=arrangement.table(decided)[ascending].any(axis=-1),
        medians={name: converged_median(table, codes) for name, table in tables.items()},
        absent={"effective_init": reason} if reason else {},
        largest_steps=_largest_steps(results, arrangement, layout.y)[:, x.order],
    )


def _column(results: Results, name: str) -> Float64[np.ndarray, " run"]:
    return np.array([(summary or {}).get(name) for summary in results.summaries], dtype=np.float64)


def _largest_steps(results: Results, arrangement: Arrangement, y: str) -> Float64[np.ndarray, "2 x"]:
    """Both η* for each value of x, the medians over seeds.

    One line of cells is enough: a step size changes neither the problem nor the optimiser's stability limit.
    """
    if y not in STEP_SIZES:
        return np.full((2, len(arrangement.x.values)), np.nan)
    cells = arrangement.table(np.arange(len(results.grid)))[0]
    return np.array([largest_steps(results, cell, axis=y) for cell in cells]).T
