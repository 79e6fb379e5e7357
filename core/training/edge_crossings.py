"""Which runs have crossed the edge of stability, seen from their loss.

Gradient descent lowers the loss wherever it is stable, ηλ < 2 along the step. Where the loss grows, what rounding put
into the residual along the top eigenvector grows with it; and while the step size warms up slowly, rounding is all that
it grew from. On a grid like Figure 1 the runs whose loss never grows keep 14 digits of β, and the others 2 to 9.

The loss is looked at after every step up to the first check, where a run without warm-up may settle, then at checks.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.per_run import PerRun
from core.training.batch import Batch
from core.training.limits import RESOLVED
from core.training.loss_checks import LossChecks

FLOOR: Final = 1e-20
"""Loss, relative to that of the start or of β = 0, up to which rounding may raise it: residuals of 1e-10."""

ABOVE_RESOLVED: Final = 100.0
"""Multiple of `RESOLVED` that takes its place where the loss tends to something else than 0."""

LEAST_RISE: Final = 2e-4
"""Least relative growth of the loss from one look to the next that is seen: at `FLOOR` rounding makes 1e-6 to 1e-5."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EdgeCrossings(PerRun):
    """For each run the last step by which its loss had grown, 0 for none, and the loss at the last check, NaN before.

    Of the loss only what is above the least one counts, and below the floor it is taken to be there: what sinks below
    and stays has not grown, and what comes up through it has.
    """

    grew_at: Int64[np.ndarray, " run"]
    last: Float64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int) -> Self:
        """Nothing has been seen."""
        return cls(grew_at=np.zeros(runs, dtype=np.int64), last=np.full(runs, np.nan))

    def note(self, batch: Batch, checks: LossChecks) -> None:
        """Take note of successive checks."""
        before = np.where(np.isnan(self.last), batch.limits.start_loss, self.last)
        self.compare(batch, before, checks.losses, checks.steps)
        self.last[:] = checks.losses[-1]

    def compare(
        self,
        batch: Batch,
        before: Float64[np.ndarray, " run"],
        losses: Float64[np.ndarray, "check run"],
        steps: Int64[np.ndarray, " check"],
    ) -> None:
        """Compare each of successive losses with the one before; one that is no number has grown."""
        with np.errstate(all="ignore"):
            above = _above_floor(batch, np.vstack([before, losses]))
            grew = ~(above[1:] <= (1 + LEAST_RISE) * above[:-1])
        np.maximum(self.grew_at, (grew * steps[:, None]).max(axis=0), out=self.grew_at)


def _above_floor(batch: Batch, losses: Float64[np.ndarray, "check run"]) -> Float64[np.ndarray, "check run"]:
    """What a loss is above the least one, at least the floor."""
    problem, start = batch.problem, batch.limits.start_loss
    resolved = ABOVE_RESOLVED * RESOLVED * problem.zero_loss if problem.least_loss else 0.0
    floor = np.maximum(FLOOR * np.fmax(start, problem.zero_loss), resolved)
    above: Float64[np.ndarray, "check run"] = np.maximum(losses - problem.least_loss, floor)
    return above
