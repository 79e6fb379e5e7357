"""Runs that oscillate: a finite loss is no sign of health.

Above the largest stable step gradient descent settles on a cycle, bounded for ever; but a run that stands still may be
near a saddle and no more. The two are told apart by whole windows of steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.per_run import PerRun
from core.training.limits import Limits
from core.training.loss_checks import LossChecks
from core.training.training_run import Cycle

WINDOW: Final = 8192
"""Steps of a window, the unit in which a plateau and a cycle are judged; a multiple of `CHECK_INTERVAL`."""

PLATEAU_WINDOWS: Final = 3

VARYING: Final = 1.5
"""From this ratio of two losses of a plateau on, they vary; where they only fall, they do so by a tenth at most."""

CYCLE_WINDOWS: Final = 4

AT_REST: Final = 100.0
"""From this ratio ‖θ(t+1) − θ(t)‖/‖θ(t+2) − θ(t)‖ on, a cycle of period two has come to rest."""

ThreeSteps = tuple[
    Float64[np.ndarray, "run part dim"], Float64[np.ndarray, "run part dim"], Float64[np.ndarray, "run part dim"]
]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WindowEnd:
    """What the end of a window shows: how runs oscillate, by their index, and which stand `still` to the last bit."""

    cycles: Mapping[int, Cycle]
    still: Bool[np.ndarray, " run"]


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
    ) -> WindowEnd:
        """Close the window that ended at `step`, given θ(t), θ(t+1), θ(t+2) from there: which runs oscillate?

        Either evidence is enough, and both ask for windows entirely at full step size, without label noise:
        * it is `impossible` to settle, since no interpolator is stable at η, the lowest loss has stopped falling, and
          the run goes to and fro: two successive steps point against each other, or losses of the window vary. A run
          that waits at a saddle does neither, whatever the step size;
        * a cycle of period two that has come to rest: ‖θ(t+1) − θ(t)‖ ≥ 100·‖θ(t+2) − θ(t)‖, the loss where it was a
          window ago to one in a million, and no |θ_i| growing. The last condition spares a run that waits at a saddle,
          where small coordinates grow by a constant factor per step while the loss stands still. Not for steps that
          depend on chance or on the step before.
        """
        judged = (step - WINDOW >= limits.settled_from) & (losses > limits.tolerance)
        with np.errstate(all="ignore"):
            plateau = judged & (self.lowest_loss >= 0.9 * self.lowest_before) & self._to_and_fro(losses, theta)
            cycle = judged & limits.may_cycle & self._cycle_at_rest(losses, theta)
        self.plateaus[:] = np.where(plateau, self.plateaus + 1, 0)
        self.cycles[:] = np.where(cycle, self.cycles + 1, 0)
        self.lowest_before[:], self.lowest_loss[:] = self.lowest_loss, np.inf
        self.end_loss[:], self.end_size[:] = losses, np.abs(theta[0])
        found = (impossible & (self.plateaus >= PLATEAU_WINDOWS)) | (self.cycles >= CYCLE_WINDOWS)
        still = judged & limits.may_cycle & _equal(theta[0], theta[1])
        return WindowEnd(cycles={run: _cycle(run, theta) for run in np.flatnonzero(found).tolist()}, still=still)

    def _to_and_fro(self, losses: Float64[np.ndarray, " run"], theta: ThreeSteps) -> Bool[np.ndarray, " run"]:
        start, one_on, two_on = theta
        forth, back = one_on - start, two_on - one_on
        turns = np.array([float(a @ b) < 0 for a, b in zip(_rows(forth), _rows(back), strict=True)], dtype=np.bool_)
        varies: Bool[np.ndarray, " run"] = np.fmax(losses, self.end_loss) >= VARYING * self.lowest_loss
        found: Bool[np.ndarray, " run"] = turns | varies
        return found

    def _cycle_at_rest(self, losses: Float64[np.ndarray, " run"], theta: ThreeSteps) -> Bool[np.ndarray, " run"]:
        start, one_on, two_on = theta
        swing, drift, size = _norms(one_on - start), _norms(two_on - start), _norms(start)
        growth = np.nan_to_num(np.log(np.abs(start) / self.end_size), nan=-1.0).max(axis=(1, 2))
        unchanged = np.abs(losses - self.end_loss) <= 1e-6 * self.end_loss
        at_rest: Bool[np.ndarray, " run"] = (
            (swing >= AT_REST * drift) & (swing > 1e-9 * size) & unchanged & (growth <= 1e-6)
        )
        return at_rest


def _cycle(run: int, theta: ThreeSteps) -> Cycle:
    start, one_on, two_on = (each[run] for each in theta)
    swing, drift = np.linalg.norm(one_on - start), np.linalg.norm(two_on - start)
    return Cycle(amplitude=float(swing / np.linalg.norm(start)), period=2 if swing >= AT_REST * drift else 0)


def _equal(
    left: Float64[np.ndarray, "run part dim"], right: Float64[np.ndarray, "run part dim"]
) -> Bool[np.ndarray, " run"]:
    equal: Bool[np.ndarray, " run"] = (left == right).all(axis=(1, 2))
    return equal


def _rows(theta: Float64[np.ndarray, "run part dim"]) -> Float64[np.ndarray, "run parameter"]:
    return theta.reshape(len(theta), -1)


def _norms(theta: Float64[np.ndarray, "run part dim"]) -> Float64[np.ndarray, " run"]:
    """‖θ‖ of each run by itself: a joint reduction may sum in an order that depends on how many runs there are."""
    return np.sqrt([float(row @ row) for row in _rows(theta)])
