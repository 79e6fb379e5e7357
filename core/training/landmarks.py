"""Where a run that has crossed the edge is seen to come to rest: there its twin may end.

What rounding decides is decided by then, and near the edge most steps are still to come. From there on run and twin
keep, but for the square of small steps, to what gradient flow conserves: how far the limits of flow are from each other
is how far the two will end. Looked for at the ends of windows, where every batch stops.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.per_run import PerRun
from core.training.batch import Batch
from core.training.oscillation import WINDOW
from core.training.training_run import Landmark, TrainingRun

AT_REST: Final = 1.05
"""Ratio of the steps of a landmark to those up to which the loss has grown, or the run was perturbed, at least."""

NEAR: Final = 0.1
"""Largest distance of a twin that ends as its run does, relative to ‖β‖₂; one further away goes on to its own end."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Landmarks(PerRun):
    """For each run the step of its landmark, 0 where there is none, and β of the limit of gradient flow from there.

    `tried` is the step at which that limit was last asked for.
    """

    step: Int64[np.ndarray, " run"]
    tried: Int64[np.ndarray, " run"]
    predictor: Float64[np.ndarray, "run dim"]

    @classmethod
    def begin(cls, runs: int, dim: int) -> Self:
        """Nothing has been seen."""
        step, tried = np.zeros((2, runs), dtype=np.int64)
        return cls(step=step, tried=tried, predictor=np.full((runs, dim), np.nan))

    def of(self, run: int) -> Landmark | None:
        """That of a run, if it has one."""
        return Landmark(step=int(self.step[run]), predictor=self.predictor[run].copy()) if self.step[run] else None

    def look(self, batch: Batch, step: int, disturbed: Int64[np.ndarray, " run"]) -> list[int]:
        """Look for landmarks at a check, given up to when each run was disturbed, 0 for never; which twins end there?

        At full step size alone: as it grows, limits of flow come closer to each other. A landmark that was followed by
        a disturbance is forgotten. Where float64 does not reach the limit, it is asked for again after a while.
        """
        rests = (AT_REST * disturbed <= step) & (step >= batch.limits.settled_from)
        self.step[~rests] = 0
        if step % WINDOW:
            return []
        due = np.where(_followed(batch), disturbed > 0, _meeting(batch, step))
        for index in np.flatnonzero(rests & due & (self.step == 0) & (AT_REST * self.tried <= step)).tolist():
            self.tried[index] = step
            limit = batch.problem.flow_limit(batch.descent.theta[:, index])
            if limit is not None and _is_near(batch.runs[index], limit):
                self.step[index], self.predictor[index] = step, limit
        return np.flatnonzero((self.step == step) & ~_followed(batch)).tolist()


def relative_distance(other: Float64[np.ndarray, " dim"], predictor: Float64[np.ndarray, " dim"]) -> float:
    """‖β_other − β‖₂/‖β‖₂; NaN where one of them is not finite, or β = 0."""
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(other - predictor) / np.linalg.norm(predictor))


def _is_near(run: TrainingRun, limit: Float64[np.ndarray, " dim"]) -> bool:
    """Whether a twin is near its run; any other run is."""
    return run.meets is None or relative_distance(limit, run.meets.predictor) <= NEAR


def _followed(batch: Batch) -> Bool[np.ndarray, " run"]:
    """Runs of gradient descent to their limit that a twin may follow."""
    descent = [
        run.optimizer.follows_gradient and not run.takes_all_steps and not run.weight_decay.lasts for run in batch.runs
    ]
    return np.array([run.has_twin for run in batch.runs], dtype=np.bool_) & descent


def _meeting(batch: Batch, step: int) -> Bool[np.ndarray, " run"]:
    return np.array([run.meets is not None and run.meets.step == step for run in batch.runs], dtype=np.bool_)
