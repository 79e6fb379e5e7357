"""Between which step sizes the runs of a problem stop converging, to be read beside its largest stable step."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.outcome import WITH_LIMIT, Outcome
from core.report.evidence import Evidence

_NO_FAILURE: Final = WITH_LIMIT | {Outcome.STOPPED}
"""Ends that say nothing against a step size: at a limit, the least squares included, or after the steps asked for."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StepLimits:
    """Of each problem the largest step size of a run that converged, and the smallest above it of one that did not.

    A step size is 2 over the run's stability threshold, which compares with 2/min λ_max: η itself, or 2η/c where the
    optimiser's stability limit is c. `first_failing` is the smallest of those that a search found, in the same measure;
    `excess_risk` the median over the runs that converged at the largest. NaN where there is none.
    """

    largest_converged: Float64[np.ndarray, " problem"]
    smallest_failed_above: Float64[np.ndarray, " problem"]
    first_failing: Float64[np.ndarray, " problem"]
    excess_risk: Float64[np.ndarray, " problem"]


def step_limits(evidence: Evidence) -> StepLimits:
    """Of each problem, over all its runs, whatever else differs between them."""
    runs = evidence.runs
    threshold = np.where(runs["stability_threshold"] > 0, runs["stability_threshold"], np.nan)
    step = evidence.per_problem(2 / threshold)
    converged = evidence.per_problem(evidence.converged)
    failed = evidence.per_problem(evidence.stored & ~np.isin(evidence.outcome, list(_NO_FAILURE)))
    largest = _greatest(step, converged)
    beyond = failed & (step > np.where(np.isnan(largest), -np.inf, largest)[:, None])
    # threshold·η is the optimiser's stability limit
    searched = evidence.per_problem(runs["first_failing_step"] * 2 / (threshold * runs["step_size"]))
    return StepLimits(
        largest_converged=largest,
        smallest_failed_above=-_greatest(-step, beyond),
        first_failing=-_greatest(-searched, ~np.isnan(searched)),
        excess_risk=_median(evidence.per_problem(runs["excess_risk"]), converged & (step == largest[:, None])),
    )


def _greatest(
    values: Float64[np.ndarray, "problem run"], among: Bool[np.ndarray, "problem run"]
) -> Float64[np.ndarray, " problem"]:
    """The greatest value of each row among those that are known; NaN where there is none."""
    candidates = np.where(among & ~np.isnan(values), values, -np.inf)
    greatest = candidates.max(axis=1)
    return np.where(np.isneginf(greatest), np.nan, greatest)


def _median(
    values: Float64[np.ndarray, "problem run"], among: Bool[np.ndarray, "problem run"]
) -> Float64[np.ndarray, " problem"]:
    """The median of each row among those that are known; NaN where there is none."""
    ordered = np.sort(np.where(among, values, np.nan), axis=1)  # NaN sorts last
    known = (~np.isnan(ordered)).sum(axis=1)
    rows, last = np.arange(len(ordered)), np.maximum(known - 1, 0)
    median: Float64[np.ndarray, " problem"] = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    return median
