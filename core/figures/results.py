"""What every figure of an experiment is drawn from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.analysis.problem_analysis import ProblemAnalysis
from core.figures.layouts.shown import part_of
from core.outcome import WITH_LIMIT
from core.results.result import Summary, check_one_per_run
from core.results.rounding import is_decided_by_rounding
from core.results.variables import COORDINATES
from core.sweep.grid import Grid


def has_converged(summary: Summary | None) -> bool:
    """Whether a run is there and converged."""
    return summary is not None and summary["outcome"] in WITH_LIMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """The runs of a grid that are there, None for each other one, and the analyses of its problems by problem key.

    `name` is the experiment's, in its user's words. `arrays` gives the stored arrays of a run by its index, None where
    it is not stored; `true_predictor` the β* of its data set, None where it is not known. Both may be slow: a figure
    asks for what it draws, and for nothing else. `part` says which part of an experiment this is, where it is not all.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """

    grid: Grid
    summaries: Sequence[Summary | None]
    analyses: Mapping[str, ProblemAnalysis]
    name: str
    arrays: Callable[[int], Mapping[str, np.ndarray] | None]
    true_predictor: Callable[[int], np.ndarray | None]
    part: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_one_per_run(self.grid, self.summaries)

    @property
    def runs_done(self) -> int:
        """How many runs are there."""
        return sum(summary is not None for summary in self.summaries)

    @property
    def runs_converged(self) -> int:
        """How many of them converged."""
        return sum(has_converged(summary) for summary in self.summaries)

    @property
    def runs_decided_by_rounding(self) -> int:
        """How many of them ended where rounding decided."""
        return sum(is_decided_by_rounding(summary) for summary in self.summaries)


def part_of_results(results: Results, where: Mapping[str, Sequence[float]]) -> Results:
    """The runs at these values of axes, as if no others were swept; it says of how many they are.

    Raises:
        InvalidChoice: there is no such axis, or no such value on it.
    """
    grid, kept = part_of(results.grid, where)
    indices = kept.tolist()
    every = {axis.name: len(axis.values) for axis in results.grid.axes}
    shown = [
        f"{len(axis.values)} of the {every[axis.name]} values of {COORDINATES[axis.name].label}"
        for axis in grid.axes
        if len(axis.values) < every[axis.name]
    ]
    return replace(
        results,
        grid=grid,
        summaries=[results.summaries[index] for index in indices],
        arrays=lambda index: results.arrays(indices[index]),
        true_predictor=lambda index: results.true_predictor(indices[index]),
        part=(f"shown: {', '.join(shown)}",) if shown else (),
    )
