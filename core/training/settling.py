"""Runs that settle on an interpolator: the loss is below the tolerance at two successive checks, and nothing grows.

During warm-up a small loss shows nothing about η; and after a perturbation it shows nothing until that has grown.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Int64

from core.descent.per_run import PerRun
from core.training.limits import Limits
from core.training.loss_checks import LossChecks

FIRST_PATIENCE: Final = 2048
"""Steps that a first perturbation is given to grow at least; doubled with each one."""

PERTURBATION_GROWTH: Final = 1e9
"""Factor by which a perturbation grows until it moves the run: it is made a relative 1e-9 of y."""

MOST_FORESIGHT: Final = 2**20
"""Most steps that a perturbation is given at once because an instability is weak."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Settling(PerRun):
    """Whether each run was `below` the tolerance, at full step size, at the last check: 1 or 0.

    Until `judged_from` a perturbation of it may be growing; `patience` is how long the last one was given.
    """

    below: Int64[np.ndarray, " run"]
    judged_from: Int64[np.ndarray, " run"]
    patience: Int64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int) -> Self:
        """Nothing has been seen."""
        return cls(
            below=np.zeros(runs, dtype=np.int64),
            judged_from=np.zeros(runs, dtype=np.int64),
            patience=np.full(runs, FIRST_PATIENCE // 2, dtype=np.int64),
        )

    def event_from(self, limits: Limits) -> Int64[np.ndarray, " run"]:
        """From which step on a loss below the tolerance is an event."""
        start: Int64[np.ndarray, " run"] = np.maximum(limits.settled_from, self.judged_from)
        return start

    def at_checks(self, limits: Limits, checks: LossChecks) -> Bool[np.ndarray, " run"]:
        """Take note of successive checks: which runs were below the tolerance at the last two?

        Only checks at full step size and without label noise count, and a run that was perturbed is left alone while
        that may be growing, unless its budget ends there.
        """
        below = (checks.steps[:, None] >= limits.settled_from) & (checks.losses <= limits.tolerance)
        before = below[-2] if len(below) > 1 else self.below > 0
        due = (checks.last_step >= self.judged_from) | limits.exhausted(checks.last_step)
        settled: Bool[np.ndarray, " run"] = before & due & below[-1]
        self.below[:] = below[-1]
        return settled

    def let_grow(self, run: int, step: int, instability: float) -> None:
        """Leave a run that was perturbed at full step size alone: twice as long as the time before, or as it takes.

        Where the sharpness is beyond the stability limit by ε/η, a perturbation grows by a factor 1 + ε a step, with
        `instability` = ε.
        """
        foreseen = math.log(PERTURBATION_GROWTH) / instability if instability > 0 else MOST_FORESIGHT
        self.patience[run] = max(2 * int(self.patience[run]), math.ceil(min(foreseen, MOST_FORESIGHT)))
        self.judged_from[run] = step + self.patience[run]
        self.below[run] = 0
