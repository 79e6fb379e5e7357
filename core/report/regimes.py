"""How many runs are in which regime: kernel or rich, at the edge of stability or below it, below or above η*."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Bool

from core.report.evidence import Evidence
from core.report.run_inequalities import least_sharpness
from core.stability.bounds import ROUNDING

KERNEL: Final = 0.1
"""Largest relative change of the tangent kernel that is called the kernel regime here."""

RICH: Final = 1.0
"""Change of the tangent kernel from which on a run is called rich here."""

EDGE: Final = 0.9
"""From which fraction of its stability threshold on the sharpness of a run rides the edge of stability."""

UNKNOWN: Final = "unknown"

Counts = Mapping[str, int]


def kernel_regimes(evidence: Evidence) -> Counts:
    """Runs at their limits by the change ‖K − K₀‖/‖K₀‖ of their tangent kernel (eqs. 5 and 6 of Nacson et al. 2022)."""
    change = evidence.runs["kernel_change"]
    rich, kernel = change > RICH, change < KERNEL
    regimes = {"kernel": kernel, "between": ~(kernel | rich | np.isnan(change)), "rich": rich}
    return _counted(regimes, evidence.at_limit)


def edge_of_stability(evidence: Evidence) -> Counts:
    """Runs at their limits by whether their sharpness is near the stability threshold, its largest (Lemma 2.3)."""
    ratio = evidence.runs["sharpness"] / evidence.runs["stability_threshold"]
    return _counted({"riding": ratio >= EDGE, "below": ratio < EDGE}, evidence.at_limit)


def ends_by_step_size(evidence: Evidence) -> Mapping[str, Counts]:
    """How the stored runs ended, by where their step size lies: Assumption 5.4 of Nacson et al. 2022, as we read it.

    It says that every stable step size converges, so that all of `below_max_stable_step` have. Of
    `above_never_stable` none can; `between` is as wide as the gap of min λ_max, or where a sign decides at odd depth.
    """
    threshold = evidence.runs["stability_threshold"]
    below = threshold > evidence.per_run(evidence.analysed["min_sharpness_upper"]) * (1 + ROUNDING)
    lower = least_sharpness(evidence)
    above = threshold < lower * (1 - ROUNDING)
    between = ~(below | above | np.isnan(threshold) | np.isnan(lower))
    places = {"below_max_stable_step": below, "between": between, "above_never_stable": above}
    places[UNKNOWN] = ~(below | between | above)
    return {place: _outcomes(evidence, where & evidence.stored) for place, where in places.items()}


def outcomes(evidence: Evidence) -> Counts:
    """How the stored runs ended."""
    return _outcomes(evidence, evidence.stored)


def paths(evidence: Evidence) -> Counts:
    """How the stored runs came to their end; not known of other optimisers than gradient descent."""
    return _named(evidence.path[evidence.stored])


def _outcomes(evidence: Evidence, where: Bool[np.ndarray, " run"]) -> Counts:
    return _named(evidence.outcome[where])


def _named(texts: np.ndarray) -> Counts:
    names, counts = np.unique(texts, return_counts=True)
    return {str(name) or UNKNOWN: int(count) for name, count in zip(names, counts, strict=True)}


def _counted(regimes: Mapping[str, Bool[np.ndarray, " run"]], among: Bool[np.ndarray, " run"]) -> Counts:
    counts = {name: int((regime & among).sum()) for name, regime in regimes.items()}
    return counts | {UNKNOWN: int(among.sum()) - sum(counts.values())}
