"""What is kept of the trajectories of a batch: a few quantities at log-spaced steps.

The steps are spaced over the budget, not over the run, whose length nobody knows beforehand: a run that ends early has
recorded those that it came to, and its end is always added as the last record (unless nothing is recorded at all).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64, Int64

from core.data.regression import risks
from core.descent.per_run import PerRun
from core.implicit_bias.certificate import mean_effective_init
from core.training.batch import Batch
from core.training.loss_checks import NEVER
from core.training.training_run import TrainingRun
from core.training.trajectory import QUANTITIES, Trajectory, trajectory


def record_steps(points: int, max_steps: int) -> Int64[np.ndarray, " record"]:
    """At most `points` different steps of a run of `max_steps`: 0, and the others log-spaced from 1 to `max_steps`.

    Two points are 0 and `max_steps`, one point is `max_steps` alone, and no point means no recording. Fewer steps than
    `points` where rounding makes some equal.
    """
    if points == 0:
        return np.empty(0, dtype=np.int64)
    spaced = np.rint(np.geomspace(max_steps, 1, max(points - 1, 1))).astype(np.int64)
    return np.unique(np.append(spaced, 0))[-points:]


def observed(batch: Batch, runs: Int64[np.ndarray, " kept"]) -> Float64[np.ndarray, "kept quantity"]:
    """The quantities of some runs at their present state, the sharpness by the kernel that trains them.

    NaN for those that data, network or optimiser do not have.
    """
    problem, theta = batch.problem, batch.descent.theta[:, runs]
    has_effective_init = np.array([batch.runs[run].optimizer.keeps_row_space_form for run in runs.tolist()])
    with np.errstate(all="ignore"):
        predictors = problem.network.predictor(theta)
        excess, test = risks(predictors, problem.dataset)
        values = {
            "train_loss": batch.descent.losses()[runs],
            "excess_risk": excess,
            "test_loss": test,
            "l1_norm": np.abs(predictors).sum(axis=-1),
            "effective_init": np.where(has_effective_init, mean_effective_init(problem.network, theta), np.nan),
            "sharpness": problem.sharpness(theta),
        }
    return np.stack([np.broadcast_to(values[name], len(runs)) for name in QUANTITIES], axis=1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recorder(PerRun):
    """The first `count` records of each run, and the steps of these and of those that are still to come."""

    count: Int64[np.ndarray, " run"]
    step: Int64[np.ndarray, "run record"]
    values: Float64[np.ndarray, "run record quantity"]

    @classmethod
    def begin(cls, runs: Sequence[TrainingRun]) -> Self:
        """Nothing is recorded; there is room for one record more than is asked for, that of a run's end."""
        room = max((run.record_points for run in runs), default=0) + 1
        step = np.full((len(runs), room), NEVER)
        for steps, run in zip(step, runs, strict=True):
            planned = record_steps(run.record_points, run.max_steps)
            steps[: len(planned)] = planned
        return cls(
            count=np.zeros(len(runs), dtype=np.int64), step=step, values=np.zeros((len(runs), room, len(QUANTITIES)))
        )

    def next_due(self) -> int:
        """The earliest step at which any run is still to be recorded."""
        return int(self._next_steps().min(initial=NEVER))

    def record_due(self, batch: Batch, step: int) -> None:
        """Record the runs that are due at this step."""
        due = np.flatnonzero(self._next_steps() == step)
        if len(due):
            self._add(due, step, observed(batch, due))

    def record_end(self, batch: Batch, run: int, steps: int) -> None:
        """Record the end of a run that is recorded at all and ended after so many steps, unless that was recorded."""
        count = int(self.count[run])
        last = int(self.step[run, count - 1]) if count else -1
        if self.step[run, 0] < NEVER and last < steps:
            at = np.array([run])
            self._add(at, steps, observed(batch, at))

    def trajectory(self, run: int) -> Trajectory:
        """The curves of a run so far."""
        count = int(self.count[run])
        return trajectory(self.step[run, :count], self.values[run, :count])

    def _next_steps(self) -> Int64[np.ndarray, " run"]:
        steps: Int64[np.ndarray, " run"] = self.step[np.arange(len(self.count)), self.count]
        return steps

    def _add(self, runs: Int64[np.ndarray, " kept"], step: int, values: Float64[np.ndarray, "kept quantity"]) -> None:
        self.step[runs, self.count[runs]] = step
        self.values[runs, self.count[runs]] = values
        self.count[runs] += 1
