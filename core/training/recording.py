"""What is kept of the trajectories of a batch: a few quantities, log-spaced if nothing else is asked for.

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
from core.record_plan import VectorQuantity
from core.training.batch import Batch
from core.training.loss_checks import NEVER
from core.training.recorded_vectors import vector_names, vectors_at
from core.training.training_run import TrainingRun
from core.training.trajectory import QUANTITIES, Trajectory, trajectory


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sight:
    """States that are to be observed: whose they are, which of its records each is to be, θ, and the loss there.

    `time` is Σ η_t up to there and `average` that of the predictor, where any run's vectors are recorded.
    """

    run: Int64[np.ndarray, " kept"]
    record: Int64[np.ndarray, " kept"]
    theta: Float64[np.ndarray, "part kept dim"]
    loss: Float64[np.ndarray, " kept"]
    time: Float64[np.ndarray, " kept"]
    average: Float64[np.ndarray, "kept dim"]

    @classmethod
    def of(cls, batch: Batch, runs: Int64[np.ndarray, " kept"], record: Int64[np.ndarray, " kept"]) -> Self:
        """Some runs at their present state."""
        descent = batch.descent
        return cls(
            run=runs,
            record=record,
            # All of them at once are copied in a quarter of the time.
            theta=descent.theta.copy() if len(runs) == descent.lanes else descent.theta[:, runs],
            loss=descent.losses()[runs],
            time=descent.time[runs],
            average=descent.time_average(runs),
        )

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
            time=np.concatenate([each.time for each in sights]),
            average=np.concatenate([each.average for each in sights]),
        )


def observed(batch: Batch, sight: Sight) -> Float64[np.ndarray, "kept quantity"]:
    """The quantities of some states, the sharpness by the kernel that trains them.

    NaN for those that data, network or optimiser do not have. No state's bits depend on what is observed beside it.
    """
    problem, theta = batch.problem, sight.theta
    with np.errstate(all="ignore"):
        predictors = problem.network.predictor(theta)
        excess, test = risks(predictors, problem.dataset)
        effective_init = mean_effective_init(problem.network, theta)
        values = {
            "train_loss": sight.loss,
            "excess_risk": excess,
            "test_loss": test,
            "l1_norm": np.abs(predictors).sum(axis=-1),
            "effective_init": np.where(batch.keeps_form[sight.run], effective_init, np.nan),
            "sharpness": problem.sharpness(theta),
        }
    found = np.empty((len(sight.run), len(QUANTITIES)))
    for column, name in enumerate(QUANTITIES):
        found[:, column] = values[name]
    return found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recorder(PerRun):
    """The first `count` records of each run, and the steps of these and of those that are still to come.

    `times` and `vectors` are of what the runs record of every coordinate: all of a batch record the same, or nothing.
    """

    count: Int64[np.ndarray, " run"]
    step: Int64[np.ndarray, "run record"]
    values: Float64[np.ndarray, "run record quantity"]
    times: Float64[np.ndarray, "run timed"]
    vectors: Float64[np.ndarray, "run timed vector dim"]

    @classmethod
    def begin(cls, runs: Sequence[TrainingRun]) -> Self:
        """Nothing is recorded; there is room for one record more than is asked for, that of a run's end."""
        room = max((run.record_points for run in runs), default=0) + 1
        step = np.full((len(runs), room), NEVER)
        spans = {(run.record_plan, run.record_points, run.max_steps) for run in runs}
        planned = {(plan, *span): plan.steps(*span) for plan, *span in spans}
        for steps, run in zip(step, runs, strict=True):
            due = planned[run.record_plan, run.record_points, run.max_steps]
            steps[: len(due)] = due
        parts, dim = runs[0].initial.shape if runs else (0, 0)
        names = vector_names(vectors_of_runs(runs), parts)
        timed = room if names else 0
        return cls(
            count=np.zeros(len(runs), dtype=np.int64),
            step=step,
            values=np.zeros((len(runs), room, len(QUANTITIES))),
            times=np.zeros((len(runs), timed)),
            vectors=np.zeros((len(runs), timed, len(names), dim)),
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
            if self.vectors.shape[2]:
                names = vector_names(vectors_of_runs(batch.runs), len(sight.theta))
                with np.errstate(all="ignore"):
                    vectors = vectors_at(names, batch.problem.network, sight.theta, sight.average)
                self.times[sight.run, sight.record], self.vectors[sight.run, sight.record] = sight.time, vectors

    def record_end(self, batch: Batch, run: int, steps: int) -> None:
        """Record the end of a run that is recorded at all and ended after so many steps, unless that was recorded."""
        count = int(self.count[run])
        last = int(self.step[run, count - 1]) if count else -1
        if self.step[run, 0] < NEVER and last < steps:
            self.record(batch, [self._noted(batch, np.array([run]), steps)])

    def trajectory(self, index: int, run: TrainingRun) -> Trajectory:
        """The curves so far of the run that has this index here, and its vectors."""
        count = int(self.count[index])
        return trajectory(
            self.step[index, :count],
            self.values[index, :count],
            time=self.times[index, :count],
            vectors=self.vectors[index, :count],
            names=vector_names(run.vectors, len(run.initial)),
        )

    def _next_steps(self) -> Int64[np.ndarray, " run"]:
        steps: Int64[np.ndarray, " run"] = self.step[np.arange(len(self.count)), self.count]
        return steps

    def _noted(self, batch: Batch, runs: Int64[np.ndarray, " kept"], step: int) -> Sight:
        """The runs as they are at this step, which is counted as recorded."""
        record = self.count[runs]
        self.step[runs, record] = step
        self.count[runs] += 1
        return Sight.of(batch, runs, record)


def vectors_of_runs(runs: Sequence[TrainingRun]) -> tuple[VectorQuantity, ...]:
    """What is recorded of every coordinate of those runs that have vectors: one plan is that of all of them."""
    return next((run.vectors for run in runs if run.vectors), ())
