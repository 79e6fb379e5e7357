"""Runs that settle on an interpolator: the loss is below the tolerance at two successive checks, and nothing grows.

During warm-up a small loss shows nothing about η; and after a perturbation it shows nothing until that has grown.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.per_run import PerRun
from core.training.limits import Limits
from core.training.loss_checks import NEVER, LossChecks

FIRST_PATIENCE: Final = 2048
"""Steps that a first perturbation is given to grow at least; doubled with each one."""

PERTURBATION_GROWTH: Final = 1e9
"""Factor by which a perturbation grows until it moves the run: it is made a relative 1e-9 of y."""

HELD_BACK: Final = 2
"""Multiple of the steps to its tolerance after which it is let go all the same: float64 may have no smaller loss."""

MOST_FORESIGHT: Final = 2**20
"""Most steps that a perturbation is given at once because an instability is weak."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Settling(PerRun):
    """Whether each run was `below` the tolerance, at full step size, at the last check: 1 or 0.

    Until `judged_from` a perturbation of it may be growing; `patience` is how long the last one was given. Until
    `held_until`, 0 where it is not held back, a run that is settled goes on to be completed.
    """

    below: Int64[np.ndarray, " run"]
    judged_from: Int64[np.ndarray, " run"]
    patience: Int64[np.ndarray, " run"]
    held_until: Int64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int) -> Self:
        """Nothing has been seen."""
        return cls(
            below=np.zeros(runs, dtype=np.int64),
            judged_from=np.zeros(runs, dtype=np.int64),
            patience=np.full(runs, FIRST_PATIENCE // 2, dtype=np.int64),
            held_until=np.zeros(runs, dtype=np.int64),
        )

    def next_release(self, step: int) -> int:
        """The earliest step after this one at which a run has been held back long enough."""
        return min((until for until in self.held_until.tolist() if until > step), default=NEVER)

    def event_below(self, limits: Limits, step: int) -> Float64[np.ndarray, " run"]:
        """Below which loss a run settles after `step`, or is held back no longer."""
        return np.where(self.held_until > step, limits.tight, limits.tolerance)

    def holds(self, limits: Limits, run: int, step: int, loss: float) -> bool:
        """Whether a settled run goes on, from the first time on until its loss is tight or it has taken long enough."""
        if not limits.may_complete[run] or limits.exhausted(step)[run]:
            return False
        if not self.held_until[run]:
            self.held_until[run] = HELD_BACK * step
        return bool(step < self.held_until[run] and loss > limits.tight[run])

    def event_from(self, limits: Limits) -> Int64[np.ndarray, " run"]:
        """From which step on a loss below the tolerance is an event."""
        start: Int64[np.ndarray, " run"] = np.maximum.reduce(
            [limits.settled_from, limits.judged_from, self.judged_from]
        )
        return start

    def at_checks(self, limits: Limits, checks: LossChecks) -> Bool[np.ndarray, " run"]:
        """Take note of successive checks: which runs were below the tolerance at the last two?

        Only checks at full step size and without label noise count, and a run that was perturbed is left alone while
        that may be growing, unless its budget ends there.
        """
        below = (checks.steps[:, None] >= limits.settled_from) & (checks.losses <= limits.tolerance)
        before = below[-2] if len(below) > 1 else self.below > 0
        due = (checks.last_step >= self.judged_from) | limits.exhausted(checks.last_step)
        settled: Bool[np.ndarray, " run"] = before & due & below[-1] & (checks.last_step >= limits.judged_from)
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
        self.below[run], self.held_until[run] = 0, 0
