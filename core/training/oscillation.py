"""Runs that oscillate: a finite loss is no sign of health.

Above the largest stable step gradient descent settles on a cycle, bounded for ever; but a run that stands still may be
near a saddle and no more. The two are told apart by whole windows of steps.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.per_run import PerRun
from core.training.limits import Limits
from core.training.loss_checks import LossChecks

WINDOW: Final = 8192
"""Steps of a window, the unit in which a plateau and a cycle are judged; a multiple of `CHECK_INTERVAL`."""

PLATEAU_WINDOWS: Final = 3
CYCLE_WINDOWS: Final = 4

ThreeSteps = tuple[
    Float64[np.ndarray, "run part dim"], Float64[np.ndarray, "run part dim"], Float64[np.ndarray, "run part dim"]
]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Oscillation(PerRun):
    """What the windows of each run have shown.

    `lowest_loss` and `lowest_before`: of this window so far and of the one before. `end_loss` and `end_size`: loss and
    |θ| where the last window ended. `plateaus` and `cycles` count the successive windows of either kind.
    """

    lowest_loss: Float64[np.ndarray, " run"]
    lowest_before: Float64[np.ndarray, " run"]
    end_loss: Float64[np.ndarray, " run"]
    end_size: Float64[np.ndarray, "run part dim"]
    plateaus: Int64[np.ndarray, " run"]
    cycles: Int64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int, parts: int, dim: int) -> Self:
        """Nothing has been seen."""
        return cls(
            lowest_loss=np.full(runs, np.inf),
            lowest_before=np.full(runs, np.inf),
            end_loss=np.full(runs, np.nan),
            end_size=np.full((runs, parts, dim), np.nan),
            plateaus=np.zeros(runs, dtype=np.int64),
            cycles=np.zeros(runs, dtype=np.int64),
        )

    def note(self, checks: LossChecks) -> None:
        """Take note of successive checks in a window."""
        np.fmin(self.lowest_loss, np.fmin.reduce(checks.losses, axis=0), out=self.lowest_loss)

    def at_window_end(
        self,
        limits: Limits,
        step: int,
        losses: Float64[np.ndarray, " run"],
        theta: ThreeSteps,
        impossible: Bool[np.ndarray, " run"],
    ) -> Bool[np.ndarray, " run"]:
        """Close the window that ended at `step`, given θ(t), θ(t+1), θ(t+2) from there: which runs oscillate?

        Either evidence is enough, and both ask for windows entirely at full step size, without label noise:
        * it is `impossible` to settle, since no interpolator is stable at η, and the lowest loss has stopped falling;
        * a cycle of period two that has come to rest: ‖θ(t+1) − θ(t)‖ ≥ 100·‖θ(t+2) − θ(t)‖, the loss where it was a
          window ago to one in a million, and no |θ_i| growing. The last condition spares a run that waits at a saddle,
          where small coordinates grow by a constant factor per step while the loss stands still. Not for steps that
          depend on chance or on the step before.
        """
        judged = (step - WINDOW >= limits.settled_from) & (losses > limits.tolerance)
        with np.errstate(all="ignore"):
            plateau = judged & (self.lowest_loss >= 0.9 * self.lowest_before)
            cycle = judged & limits.may_cycle & self._cycle_at_rest(losses, theta)
        self.plateaus[:] = np.where(plateau, self.plateaus + 1, 0)
        self.cycles[:] = np.where(cycle, self.cycles + 1, 0)
        self.lowest_before[:], self.lowest_loss[:] = self.lowest_loss, np.inf
        self.end_loss[:], self.end_size[:] = losses, np.abs(theta[0])
        found: Bool[np.ndarray, " run"] = (impossible & (self.plateaus >= PLATEAU_WINDOWS)) | (
            self.cycles >= CYCLE_WINDOWS
        )
        return found

    def _cycle_at_rest(self, losses: Float64[np.ndarray, " run"], theta: ThreeSteps) -> Bool[np.ndarray, " run"]:
        start, one_on, two_on = theta
        swing, drift, size = _norms(one_on - start), _norms(two_on - start), _norms(start)
        growth = np.nan_to_num(np.log(np.abs(start) / self.end_size), nan=-1.0).max(axis=(1, 2))
        unchanged = np.abs(losses - self.end_loss) <= 1e-6 * self.end_loss
        at_rest: Bool[np.ndarray, " run"] = (
            (swing >= 100 * drift) & (swing > 1e-9 * size) & unchanged & (growth <= 1e-6)
        )
        return at_rest


def _norms(theta: Float64[np.ndarray, "run part dim"]) -> Float64[np.ndarray, " run"]:
    """‖θ‖ of each run by itself: a joint reduction may sum in an order that depends on how many runs there are."""
    return np.sqrt([float(row @ row) for row in theta.reshape(len(theta), -1)])
