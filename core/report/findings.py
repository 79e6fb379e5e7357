"""What a report finds: verdicts on the statements, measured quantities, counts by regime, a row for each problem."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.report.endings import Ending, endings
from core.report.evidence import Evidence, evidence
from core.report.frequencies import Frequency, frequencies
from core.report.measurements import MEASURED, Measurement, measure, of_each_problem
from core.report.problem_inequalities import PROBLEM_INEQUALITIES
from core.report.regimes import Counts, edge_of_stability, ends_by_step_size, kernel_regimes, outcomes, paths
from core.report.run_inequalities import RUN_INEQUALITIES
from core.report.step_limits import step_limits
from core.report.verdict import Status, Verdict, judge
from core.results.result import Summary
from core.sweep.grid import Grid

STATEMENTS: Final = (*RUN_INEQUALITIES, *PROBLEM_INEQUALITIES)
"""Every inequality that is checked: of runs at their end, then of problems before training."""

_OF_ANALYSES: Final = ("min_sharpness_upper", "min_sharpness_lower", "max_stable_step", "never_stable_above")


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """What a report rests on: of `runs` runs `stored` are there, of `problems` problems `analysed`.

    `perturbed` runs had to be pushed off an unstable interpolator, `perturbations` times in all. `paths` says how many
    stored runs came to their end in which way, `decided_by_rounding` of how many rounding decided it.
    """

    runs: int
    stored: int
    converged: int
    problems: int
    analysed: int
    outcomes: Counts
    perturbed: int
    perturbations: int
    paths: Counts
    decided_by_rounding: int

    @property
    def missing(self) -> int:
        """Runs that are not stored (yet)."""
        return self.runs - self.stored

    def to_document(self) -> dict[str, Any]:
        """The basis as JSON."""
        return {
            "runs": self.runs,
            "stored": self.stored,
            "missing": self.missing,
            "converged": self.converged,
            "outcomes": dict(self.outcomes),
            "perturbed": self.perturbed,
            "perturbations": self.perturbations,
            "kicked": self.perturbed,  # former names, kept for one version
            "kicks": self.perturbations,
            "paths": dict(self.paths),
            "decided_by_rounding": self.decided_by_rounding,
            "problems": self.problems,
            "analysed": self.analysed,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemRow:
    """One problem: its place, its network, how many of its runs converged, and its numbers by name, None if unknown.

    The numbers are the measured quantities of problems, min λ_max and η* with their bounds, and the step sizes between
    which its runs stop converging.
    """

    index: int
    coordinates: Mapping[str, float]
    network: str
    stored: int
    converged: int
    numbers: Mapping[str, float | None]

    def to_document(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            "problem": self.index,
            "coordinates": dict(self.coordinates),
            "network": self.network,
            "stored": self.stored,
            "converged": self.converged,
            **self.numbers,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Verdicts on inequalities, measured quantities, counts by regime and over seeds, why runs ended, each problem."""

    basis: Basis
    verdicts: tuple[Verdict, ...]
    measurements: tuple[Measurement, ...]
    kernel_regimes: Counts
    edge_of_stability: Counts
    ends_by_step_size: Mapping[str, Counts]
    endings: tuple[Ending, ...]
    frequencies: tuple[Frequency, ...]
    problems: tuple[ProblemRow, ...]

    @property
    def statuses(self) -> Mapping[Status, int]:
        """How many statements have which status."""
        found = Counter(verdict.status for verdict in self.verdicts)
        return {status: found[status] for status in Status}

    def to_document(self) -> dict[str, Any]:
        """The report as JSON; numbers that are not known or not finite are null.

        `inequalities` have a row for each statement, `measurements` one for each quantity, `regimes` counts of runs,
        `frequencies` a row for the problems that differ in their seed alone, `endings` one for each way in which runs
        ended, and `problems` one for each problem, in the order of the grid.
        """
        return {
            "basis": self.basis.to_document(),
            "statuses": {status.value: count for status, count in self.statuses.items()},
            "inequalities": [verdict.to_document() for verdict in self.verdicts],
            "measurements": [measurement.to_document() for measurement in self.measurements],
            "regimes": {
                "kernel": dict(self.kernel_regimes),
                "edge_of_stability": dict(self.edge_of_stability),
                "ends_by_step_size": {place: dict(counts) for place, counts in self.ends_by_step_size.items()},
            },
            "frequencies": [frequency.to_document() for frequency in self.frequencies],
            "endings": [ending.to_document() for ending in self.endings],
            "problems": [problem.to_document() for problem in self.problems],
        }


# Numbers may be of any size: what overflows is not finite, and counts as not known.
@np.errstate(all="ignore")
def report(grid: Grid, summaries: Sequence[Summary | None], analyses: Mapping[str, ProblemAnalysis]) -> Report:
    """Check every statement on what is stored so far.

    Args:
        grid: of the experiment.
        summaries: of its runs in grid order, None where one is not stored.
        analyses: of its problems as far as they are made, by problem key.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.

    Cost: O(runs) in columns, with a hash for each problem; a hundred thousand runs take about a second.
    """
    found = evidence(grid, summaries, analyses)
    return Report(
        basis=_basis(found),
        verdicts=tuple(judge(statement, found) for statement in STATEMENTS),
        measurements=tuple(measure(quantity, found) for quantity in MEASURED),
        kernel_regimes=kernel_regimes(found),
        edge_of_stability=edge_of_stability(found),
        ends_by_step_size=ends_by_step_size(found),
        endings=endings(grid, summaries),
        frequencies=frequencies(found),
        problems=_problem_rows(found),
    )


def _basis(found: Evidence) -> Basis:
    perturbations = np.nan_to_num(found.runs["perturbations"])
    return Basis(
        runs=len(found.grid),
        stored=int(found.stored.sum()),
        converged=int(found.converged.sum()),
        problems=len(found.problems),
        analysed=sum(problem.analysis is not None for problem in found.problems),
        outcomes=outcomes(found),
        perturbed=int((perturbations > 0).sum()),
        perturbations=int(perturbations.sum()),
        paths=paths(found),
        decided_by_rounding=int(found.decided.sum()),
    )


def _problem_rows(found: Evidence) -> tuple[ProblemRow, ...]:
    numbers = {
        **{name: _nulled(found.analysed[name]) for name in _OF_ANALYSES},
        **_step_limits(found),
        **of_each_problem(found),
    }
    stored = found.per_problem(found.stored).sum(axis=1).tolist()
    converged = found.per_problem(found.converged).sum(axis=1).tolist()
    return tuple(
        ProblemRow(
            index=index,
            coordinates=problem.coordinates,
            network=problem.network.key,
            stored=stored[index],
            converged=converged[index],
            numbers={name: column[index] for name, column in numbers.items()},
        )
        for index, problem in enumerate(found.problems)
    )


def _step_limits(found: Evidence) -> Mapping[str, list[float | None]]:
    limits = step_limits(found)
    return {
        "largest_converged_step": _nulled(limits.largest_converged),
        "smallest_failed_step_above": _nulled(limits.smallest_failed_above),
        "first_failing_step": _nulled(limits.first_failing),
    }


def _nulled(column: Float64[np.ndarray, " problem"]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in column.tolist()]
