"""Which runs end where rounding decides, as far as is known of them."""

from typing import Final

from core.outcome import Outcome, RunPath
from core.results.result import Summary

LARGEST_CERTAIN: Final = 1e-2
"""Sensitivity beyond which a run's end is called decided by rounding: two digits of β are left."""

MADE: Final = frozenset({RunPath.PERTURBED.value, RunPath.RELEASED.value})
"""Paths that are made by a perturbation."""


WITHOUT_END: Final = frozenset({Outcome.DIVERGED.value, Outcome.OSCILLATING.value})
"""Outcomes of runs that come to no point, of which two could be near each other."""


def is_decided_by_rounding(summary: Summary | None) -> bool:
    """Whether a run's twin ended otherwise or elsewhere; without a twin, whether a perturbation made its path."""
    if summary is None:
        return False
    twin, sensitivity = summary.get("twin_outcome"), summary.get("sensitivity")
    if twin is None:
        return summary.get("path") in MADE
    if twin != summary["outcome"]:
        return True
    return twin not in WITHOUT_END and isinstance(sensitivity, float) and sensitivity > LARGEST_CERTAIN
