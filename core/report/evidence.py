"""What an experiment has found, as columns: one number a run or one a problem, NaN where it is not known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.descent.optimizers import Optimizer
from core.networks.network import Network
from core.outcome import WITH_LIMIT, Outcome
from core.results.result import Summary, check_one_per_run
from core.results.rounding import is_decided_by_rounding
from core.spec.experiment_spec import SparseRegression
from core.spec.run_spec import PlainData
from core.sweep.grid import Grid, GridProblem

QUANTITIES: Final = (
    "step_size",
    "sharpness",
    "sharpness_residual",
    "gauss_newton_sharpness",
    "sharpness_lower_bound",
    "sharpness_upper_bound",
    "weighted_norm",
    "stability_threshold",
    "certificate_residual",
    "kernel_change",
    "kernel_distance",
    "smallest_parameter",
    "limit_error",
    "risk_error",
    "excess_risk",
    "perturbations",
    "first_failing_step",
    "lasso_penalty",
)
"""The variables of a run that a report looks at."""

ANALYSED: Final = (
    "min_sharpness_upper",
    "min_sharpness_lower",
    "min_sharpness_gap",
    "min_sharpness_sign_free_lower",
    "max_stable_step",
    "never_stable_above",
    "least_squared_mean",
    "largest_second_moment",
    "interpolators.min_l1.residual",
    "interpolators.min_l2.residual",
    "interpolators.least_trace.residual",
    "interpolators.least_stability_measure.residual",
    "interpolators.flattest.residual",
    "interpolators.least_parameter_norm.residual",
    "interpolators.min_l1.l1_norm",
    "interpolators.flattest.l1_norm",
    "interpolators.min_l1.excess_risk",
    "interpolators.flattest.excess_risk",
    "interpolators.least_trace.objective",
    "interpolators.least_stability_measure.lower_bound",
)
"""The numbers of an analysis that a report looks at, by the names that lead to them."""

DRAWN: Final = ("mean", "variance", "samples", "sparsity", "noise_variance")
"""The parameters of the distribution of drawn data that a report looks at."""


class Family(StrEnum):
    """The networks as the statements of the paper tell them apart."""

    SQUARED = "D = 2"
    DEEP = "D ≥ 3"
    UV = "UV"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """A data set with a network: the `data` of the spec of its runs, and its analysis, None until it is made.

    `coordinates` are those on the axes that make problems differ.
    """

    coordinates: Mapping[str, float]
    network: Network
    data: PlainData
    analysis: ProblemAnalysis | None

    @property
    def family(self) -> Family:
        """Which of the statements are about its network."""
        return Family[self.network.step_kind.name]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evidence:
    """The runs of a grid and their problems, in grid order; those of problem k are neighbours, as many for each.

    `stored` says which runs are there, `outcome` how they ended and `path` how they came there (empty where not),
    `decided` in which of them rounding decided it. `runs` has the numbers of runs by name, `analysed` those of the
    problems' analyses, `drawn` the parameters of their data, NaN for user data and other laws than that of the paper.
    """

    grid: Grid
    stored: Bool[np.ndarray, " run"]
    outcome: np.ndarray  # of text, one entry a run: jaxtyping has no name for it
    path: np.ndarray  # likewise
    decided: Bool[np.ndarray, " run"]
    runs: Mapping[str, Float64[np.ndarray, " run"]]
    analysed: Mapping[str, Float64[np.ndarray, " problem"]]
    drawn: Mapping[str, Float64[np.ndarray, " problem"]]
    problems: tuple[Problem, ...]

    @property
    def converged(self) -> Bool[np.ndarray, " run"]:
        """Which runs have converged to an interpolator."""
        converged: Bool[np.ndarray, " run"] = self.outcome == Outcome.CONVERGED.value
        return converged

    @property
    def at_limit(self) -> Bool[np.ndarray, " run"]:
        """Which runs ended at a limit, of which theorems speak: an interpolator, or the least squares without one.

        At the least squares Xᵀr = 0, so that the Hessian is the Gauss–Newton matrix there, too: what holds of the
        sharpness of an interpolator, its bounds and 2/η holds of them. Not of the lasso that weight decay leads to.
        """
        found: Bool[np.ndarray, " run"] = np.isin(self.outcome, list(WITH_LIMIT)) & np.isnan(self.runs["lasso_penalty"])
        return found

    @property
    def depth(self) -> np.ndarray:
        """The depth of each problem's network; 2 for UV."""
        return np.array([problem.network.degree for problem in self.problems])

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser of the first run; all are of one kind."""
        return self.grid.run(0).optimizer

    @property
    def families(self) -> tuple[Family, ...]:
        """The kinds of network that the grid has."""
        present = {problem.family for problem in self.problems}
        return tuple(family for family in Family if family in present)

    @property
    def is_drawn(self) -> Bool[np.ndarray, " problem"]:
        """Whether each problem's data are drawn by a known law."""
        return np.array([isinstance(problem.data, SparseRegression) for problem in self.problems])

    @property
    def is_of_the_paper(self) -> Bool[np.ndarray, " problem"]:
        """Whether they are drawn by the law that the paper speaks of."""
        return np.array([_is_of_the_paper(problem.data) for problem in self.problems])

    def per_run(self, of_problem: np.ndarray) -> np.ndarray:
        """A value of each problem, at each of its runs."""
        return np.repeat(of_problem, self.grid.runs_per_problem)

    def per_problem(self, of_run: np.ndarray) -> np.ndarray:
        """A value of each run as a table: a row for each problem."""
        return of_run.reshape(len(self.problems), self.grid.runs_per_problem)


def evidence(grid: Grid, summaries: Sequence[Summary | None], analyses: Mapping[str, ProblemAnalysis]) -> Evidence:
    """The columns of these summaries and analyses (by problem key). Infinities are not known either.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    check_one_per_run(grid, summaries)
    # One empty row for all that is missing: `(summary or {})` would build a dict for each of them and column.
    rows: list[Summary] = [{} if summary is None else _of_today(summary) for summary in summaries]
    problems = tuple(_problem(problem, analyses) for problem in grid.each_problem())
    return Evidence(
        grid=grid,
        stored=np.array([summary is not None for summary in summaries]),
        outcome=np.array([row.get("outcome") or "" for row in rows], dtype=np.str_),
        path=np.array([row.get("path") or "" for row in rows], dtype=np.str_),
        decided=np.array([is_decided_by_rounding(summary) for summary in summaries], dtype=np.bool_),
        runs={name: _column(row.get(name) for row in rows) for name in QUANTITIES},
        analysed={name: _column(_number(problem.analysis, name) for problem in problems) for name in ANALYSED},
        drawn={name: _column(_drawn(problem.data, name) for problem in problems) for name in DRAWN},
        problems=problems,
    )


def _is_of_the_paper(data: PlainData) -> bool:
    return isinstance(data, SparseRegression) and data.is_of_the_paper


def _drawn(data: PlainData, name: str) -> float | None:
    """A parameter of the law, None of another law than the paper's, where it means something else."""
    return getattr(data, name) if _is_of_the_paper(data) else None


def _of_today(summary: Summary) -> Summary:
    """Up to numerics version 4 the sharpness of a converged run was that of the Gauss–Newton matrix."""
    if "gauss_newton_sharpness" in summary:
        return summary
    return {**summary, "gauss_newton_sharpness": summary.get("sharpness")}


def _problem(problem: GridProblem, analyses: Mapping[str, ProblemAnalysis]) -> Problem:
    return Problem(
        coordinates=problem.coordinates,
        network=problem.network,
        data=problem.data,
        analysis=analyses.get(problem.key),
    )


def _number(analysis: ProblemAnalysis | None, path: str) -> float | None:
    """What the names lead to, None where it is not known."""
    if analysis is None:
        return None
    if "." not in path:
        own: float | None = getattr(analysis, path)
        return own
    _, interpolator, quantity = path.split(".")
    of_interpolator: float | None = getattr(analysis.interpolators.get(interpolator), quantity, None)
    return of_interpolator


def _column(values: Iterable[Any]) -> Float64[np.ndarray, " case"]:
    column = np.array(list(values), dtype=np.float64)
    column[~np.isfinite(column)] = np.nan
    return column
