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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sight:
    """States that are to be observed: whose they are, which of its records each is to be, θ, and the loss there."""

    run: Int64[np.ndarray, " kept"]
    record: Int64[np.ndarray, " kept"]
    theta: Float64[np.ndarray, "part kept dim"]
    loss: Float64[np.ndarray, " kept"]

    @classmethod
    def of(cls, batch: Batch, runs: Int64[np.ndarray, " kept"], record: Int64[np.ndarray, " kept"]) -> Self:
        """Some runs at their present state."""
        return cls(run=runs, record=record, theta=batch.descent.theta[:, runs], loss=batch.descent.losses()[runs])

    @classmethod
    def joined(cls, sights: Sequence[Self]) -> Self:
        """One or several, as one."""
        if len(sights) == 1:
            return sights[0]
        return cls(
            run=np.concatenate([each.run for each in sights]),
            record=np.concatenate([each.record for each in sights]),
            theta=np.concatenate([each.theta for each in sights], axis=1),
            loss=np.concatenate([each.loss for each in sights]),
        )


def observed(batch: Batch, sight: Sight) -> Float64[np.ndarray, "kept quantity"]:
    """The quantities of some states, the sharpness by the kernel that trains them.

    NaN for those that data, network or optimiser do not have. No state's bits depend on what is observed beside it.
    """
    problem, theta = batch.problem, sight.theta
    has_effective_init = np.array([batch.runs[run].optimizer.keeps_row_space_form for run in sight.run.tolist()])
    with np.errstate(all="ignore"):
        predictors = problem.network.predictor(theta)
        excess, test = risks(predictors, problem.dataset)
        values = {
            "train_loss": sight.loss,
            "excess_risk": excess,
            "test_loss": test,
            "l1_norm": np.abs(predictors).sum(axis=-1),
            "effective_init": np.where(has_effective_init, mean_effective_init(problem.network, theta), np.nan),
            "sharpness": problem.sharpness(theta),
        }
    found = np.empty((len(sight.run), len(QUANTITIES)))
    for column, name in enumerate(QUANTITIES):
        found[:, column] = values[name]
    return found


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
        spans = {(run.record_points, run.max_steps) for run in runs}
        planned = {span: record_steps(*span) for span in spans}
        for steps, run in zip(step, runs, strict=True):
            due = planned[run.record_points, run.max_steps]
            steps[: len(due)] = due
        return cls(
            count=np.zeros(len(runs), dtype=np.int64), step=step, values=np.zeros((len(runs), room, len(QUANTITIES)))
        )

    def next_due(self) -> int:
        """The earliest step at which any run is still to be recorded."""
        return int(self._next_steps().min(initial=NEVER))

    def due(self, batch: Batch, step: int) -> list[Sight]:
        """What is to be observed of the runs that are due at this step; none where none is."""
        due = np.flatnonzero(self._next_steps() == step)
        return [self._noted(batch, due, step)] if len(due) else []

    def record(self, batch: Batch, sights: Sequence[Sight]) -> None:
        """Record what was to be observed."""
        if sights:
            sight = Sight.joined(sights)
            self.values[sight.run, sight.record] = observed(batch, sight)

    def record_end(self, batch: Batch, run: int, steps: int) -> None:
        """Record the end of a run that is recorded at all and ended after so many steps, unless that was recorded."""
        count = int(self.count[run])
        last = int(self.step[run, count - 1]) if count else -1
        if self.step[run, 0] < NEVER and last < steps:
            self.record(batch, [self._noted(batch, np.array([run]), steps)])

    def trajectory(self, run: int) -> Trajectory:
        """The curves of a run so far."""
        count = int(self.count[run])
        return trajectory(self.step[run, :count], self.values[run, :count])

    def _next_steps(self) -> Int64[np.ndarray, " run"]:
        steps: Int64[np.ndarray, " run"] = self.step[np.arange(len(self.count)), self.count]
        return steps

    def _noted(self, batch: Batch, runs: Int64[np.ndarray, " kept"], step: int) -> Sight:
        """The runs as they are at this step, which is counted as recorded."""
        record = self.count[runs]
        self.step[runs, record] = step
        self.count[runs] += 1
        return Sight.of(batch, runs, record)
