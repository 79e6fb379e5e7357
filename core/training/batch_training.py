"""Training of a batch: the loop that steps, checks losses, records and lets finished runs leave.

Everything that happens to a run happens at steps that depend on the run alone, so that its numbers do not depend on
what else is in its batch, nor on being interrupted: `checkpoint` and `resume` continue to the very bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from core.descent.batch_descent import BatchState
from core.descent.per_run import PerRun
from core.training.batch import Batch
from core.training.loss_checks import LossChecks, at_check_from
from core.training.oscillation import WINDOW, WindowEnd
from core.training.problem import Problem
from core.training.recording import Recorder, Sight, vectors_of_runs
from core.training.training_run import CompletedLimit, TrainedRun, TrainingRun
from core.training.verdict import Evidence, Verdict

MOST_UNSEEN: Final = 16_384
"""Entries of θ that may wait to be observed together: of small states several take as long as one."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Progress(PerRun):
    """How far the runs of a batch have come: where they are, and what was seen of them on the way."""

    state: BatchState
    evidence: Evidence
    recorder: Recorder

    @classmethod
    def begin(cls, problem: Problem, runs: Sequence[TrainingRun]) -> Self:
        """No step has been taken."""
        (samples, dim), parts = problem.dataset.X.shape, len(problem.network.parts)
        theta = np.stack([run.initial for run in runs], axis=1) if runs else np.empty((parts, 0, dim))
        momentum, averages = any(run.optimizer.has_velocity for run in runs), bool(vectors_of_runs(runs))
        return cls(
            state=BatchState.begin(theta, samples, momentum=momentum, averages=averages),
            evidence=Evidence.begin(runs, parts, dim),
            recorder=Recorder.begin(runs),
        )


class Training:
    """A batch in training, its runs all of one kind of optimiser. Call `advance` until `active` is empty."""

    def __init__(self, problem: Problem, runs: Sequence[TrainingRun]) -> None:
        self._problem, self.step = problem, 0
        self._go_on_with(runs, Progress.begin(problem, runs))
        self._unseen: list[Sight] = []
        self._see()
        self._observe()

    @property
    def active(self) -> Sequence[TrainingRun]:
        """The runs that have not ended."""
        return self._batch.runs

    def advance(self) -> list[TrainedRun]:
        """Step to a check at which something may be due; returns the runs that ended there, which leave the batch."""
        at_window_end = self.step > 0 and self.step % WINDOW == 0
        self._events = self._evidence.events(self._batch, self.step)
        self._growth = self._evidence.edge_crossings.watch(self._batch)
        window = self._step_over_window_end() if at_window_end else None
        stop = at_check_from(self.step + 1) if at_window_end else self._horizon()
        checks: list[LossChecks] = []
        while self.step < stop and not (checks and checks[-1].ended_by_event):
            checks.append(self._step_to(min(stop, self._next_record)))
        self._observe()
        return self._let_go(self._evidence.verdicts(self._batch, LossChecks.joined(checks), window))

    def checkpoint(self) -> dict[str, np.ndarray]:
        """All that `resume` needs, by name."""
        index = np.array([run.index for run in self.active], dtype=np.int64)
        return {"step": np.array([self.step]), "index": index} | self._progress().arrays()

    @classmethod
    def resume(cls, problem: Problem, runs: Sequence[TrainingRun], checkpoint: Mapping[str, np.ndarray]) -> Self:
        """The training that `checkpoint` was taken of; `runs` are all runs of the batch, or those still active.

        Raises:
            KeyError: the checkpoint is of another batch, or lacks something.
        """
        # Copies: a checkpoint read from bytes is read-only, and one kept by the caller stays as it was.
        checkpoint = {name: array.copy() for name, array in checkpoint.items()}
        by_index = {run.index: run for run in runs}
        training = cls(problem, [])
        training.step = int(checkpoint["step"][0])
        active = [by_index[index] for index in checkpoint["index"].tolist()]
        training._go_on_with(active, Progress.from_arrays(checkpoint))
        return training

    def _progress(self) -> Progress:
        return Progress(state=self._batch.descent.state, evidence=self._evidence, recorder=self._recorder)

    def _go_on_with(self, runs: Sequence[TrainingRun], progress: Progress) -> None:
        self._batch = Batch.at(progress.state, self._problem, runs)
        self._evidence, self._recorder = progress.evidence, progress.recorder
        self._next_record = self._recorder.next_due()

    def _horizon(self) -> int:
        """The next check at which something is due, whatever the losses are until then."""
        window_end = self.step - self.step % WINDOW + WINDOW
        chunk_end = self.step + self._batch.longest_chunk(self.step)
        due = min(chunk_end, window_end, self._evidence.next_due(self._batch, self.step))
        return at_check_from(max(due, self.step + 1))

    def _step_to(self, stop: int) -> LossChecks:
        """Step to `stop` at most, and record who is due there."""
        start, moves_from = self.step, self._evidence.moves_from
        events = replace(self._events, start=start)
        chunk = self._batch.advance(start, stop, moves_from=moves_from, events=events, growth=self._growth)
        self.step = start + chunk.steps
        if self.step >= self._next_record:
            self._see()
        return LossChecks.of(chunk, start)

    def _see(self) -> None:
        """Note who is due at this step, to be recorded with others."""
        self._unseen += self._recorder.due(self._batch, self.step)
        self._next_record = self._recorder.next_due()
        if sum(sight.theta.size for sight in self._unseen) > MOST_UNSEEN:
            self._observe()

    def _observe(self) -> None:
        """Record what waits to be observed."""
        self._recorder.record(self._batch, self._unseen)
        self._unseen = []

    def _step_over_window_end(self) -> WindowEnd:
        """Two single steps from the end of a window, to see how θ cycles, or whether it moves at all."""
        end, losses, start = self.step, self._batch.descent.losses(), self._batch.theta()
        self._step_to(end + 1)
        one_on = self._batch.theta()
        self._step_to(end + 2)
        return self._evidence.at_window_end(self._batch, end, losses, (start, one_on, self._batch.theta()))

    def _let_go(self, ended: Mapping[int, Verdict]) -> list[TrainedRun]:
        if not ended:
            return []
        finished = [self._trained(index, verdict) for index, verdict in sorted(ended.items())]
        kept = np.array([index for index in range(len(self.active)) if index not in ended], dtype=np.int64)
        self._go_on_with([self.active[index] for index in kept.tolist()], self._progress().select(kept))
        return finished

    def _trained(self, index: int, verdict: Verdict) -> TrainedRun:
        run, descent = self.active[index], self._batch.descent
        steps = min(self.step, run.max_steps)
        self._recorder.record_end(self._batch, index, steps)
        return TrainedRun(
            run=run,
            outcome=verdict.outcome,
            loss=float(descent.losses()[index]),
            steps=steps,
            perturbations=self._evidence.perturbations(index),
            theta=descent.theta[:, index].copy(),
            gradient_sum=descent.gradient_sum(index),
            trajectory=self._recorder.trajectory(index, run),
            completion=None if verdict.completion is None else CompletedLimit.of(verdict.completion),
            cycle=verdict.cycle,
            held_steps=self._evidence.held_steps(index),
            loss_grew=self._evidence.loss_grew(index),
            velocity=self._batch.velocity(index),
            landmark=self._evidence.landmarks.of(index),
        )
