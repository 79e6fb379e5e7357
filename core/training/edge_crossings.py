"""Which runs have crossed the edge of stability, seen from their loss.

Gradient descent lowers the loss wherever it is stable, ηλ < 2 along the step. Where the loss grows, what rounding put
into the residual along the top eigenvector grows with it; and while the step size warms up slowly, rounding is all that
it grew from. On a grid like Figure 1 the runs whose loss never grows keep 14 digits of β, and the others 2 to 9.

The kernel looks at the loss (`core.descent.loss_growth`), after every step up to the first check and every fourth from
then on: between two checks it may rise a thousandfold and fall again, and where the run goes then is its only trace.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.loss_growth import LossGrowth
from core.descent.per_run import PerRun
from core.training.batch import Batch
from core.training.limits import RESOLVED

FLOOR: Final = 1e-20
"""Loss, relative to that of the start or of β = 0, up to which rounding may raise it: residuals of 1e-10."""

ABOVE_RESOLVED: Final = 100.0
"""Multiple of `RESOLVED` that takes its place where the loss tends to something else than 0."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EdgeCrossings(PerRun):
    """For each run the last step by which its loss had grown, 0 for none, and the `lowest` one since the last check.

    Of the loss only what is above the least one counts, and below the floor it is taken to be there: what sinks below
    and stays has not grown, and what comes up through it has.
    """

    grew_at: Int64[np.ndarray, " run"]
    lowest: Float64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int) -> Self:
        """Nothing has been seen."""
        return cls(grew_at=np.zeros(runs, dtype=np.int64), lowest=np.full(runs, np.inf))

    def watch(self, batch: Batch) -> LossGrowth | None:
        """What a kernel notes of these runs; nothing where none steps by the gradient at θ alone: such losses rise."""
        if batch.ascent is not None or not batch.limits.may_cycle.any():
            return None
        problem, start = batch.problem, batch.limits.start_loss
        resolved = ABOVE_RESOLVED * RESOLVED * problem.zero_loss if problem.dataset.least_loss else 0.0
        floor = np.maximum(FLOOR * np.fmax(start, problem.zero_loss), resolved)
        return LossGrowth(least=problem.dataset.least_loss, floor=floor, lowest=self.lowest, grew_at=self.grew_at)
