"""Runs that are made of several trainings, called trials: what is tried next follows from how the last ones ended.

A plan is a pure function of its history, so that all there is to keep of a run in progress is how its trials ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

import numpy as np

from core.training.batch_training import Problem, TrainedRun, Training, TrainingRun
from core.training.trial_history import arrays_of, history_of

MOST_TRIALS: Final = 64
"""Most trials of one run in one round: trial k of the run of index n is trained under the index 64n + k."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Conclusion:
    """What comes of a run: the trial that stands for it, and numbers that no single trial has, NaN for none."""

    trained: TrainedRun
    extras: Mapping[str, float] = field(default_factory=dict)


class Plan(Protocol):
    """How a run is made of trials, which differ in start, step size and recording alone.

    All methods are functions of the history, the trials that have ended, in the order in which they were asked for.
    """

    @property
    def run(self) -> TrainingRun:
        """The run; its trials have its index."""
        ...

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """What to train next, at most `MOST_TRIALS` at once; none where the history is complete, which [] is not."""
        ...

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """A part of the history that tells the plan as much as the whole; the rest is forgotten after each round."""
        ...

    def conclude(self, history: Sequence[TrainedRun]) -> Conclusion:
        """What a complete history comes to."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SingleTrial:
    """The plan of a run that is trained once."""

    run: TrainingRun

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """The run itself."""
        return [] if history else [self.run]

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """Its end."""
        return history

    def conclude(self, history: Sequence[TrainedRun]) -> Conclusion:
        """Its end."""
        return Conclusion(trained=history[0])


class Trials:
    """A batch of plans in training, with the interface of `Training`.

    The next trials of all unfinished plans are trained together, to the end of the last of them: then the next round
    begins. A plan that is complete concludes at once. Nothing but the plan decides the bits of its conclusion.
    """

    def __init__(self, problem: Problem, plans: Sequence[Plan]) -> None:
        self._problem = problem
        self._plans = {plan.run.index: plan for plan in plans}
        self._history: dict[int, tuple[TrainedRun, ...]] = dict.fromkeys(self._plans, ())
        self._earlier_steps = 0
        self._begin_round()

    @property
    def active(self) -> Sequence[TrainingRun]:
        """The runs that have not concluded."""
        return [plan.run for plan in self._plans.values()]

    @property
    def step(self) -> int:
        """Steps taken, of all rounds."""
        return self._earlier_steps + self._training.step

    def advance(self) -> list[Conclusion]:
        """Step to the next check; returns what the runs came to that are complete there, which leave the batch."""
        ended = self._training.advance()
        for trained in ended:
            self._ended[trained.run.index] = replace(trained, run=self._round[trained.run.index])
        touched = sorted({trained.run.index // MOST_TRIALS for trained in ended})
        concluded = [self._conclude(index) for index in touched if self._is_complete(index)]
        if not self._training.active:
            self._history = {index: self._history_with_round(index) for index in self._plans}
            self._earlier_steps = self.step
            self._begin_round()
        return concluded

    def checkpoint(self) -> dict[str, np.ndarray]:
        """All that `resume` needs, by name; of a batch that is still active."""
        history = [trained for entries in self._history.values() for trained in entries]
        return (
            {
                "step": np.array([self.step]),
                "plan": np.array(list(self._plans), dtype=np.int64),
                "ended": np.array(list(self._ended), dtype=np.int64),
            }
            | _prefixed("training", self._training.checkpoint())
            | _prefixed("history", arrays_of(history))
            | _prefixed("round", arrays_of(list(self._ended.values())))
        )

    @classmethod
    def resume(cls, problem: Problem, plans: Sequence[Plan], checkpoint: Mapping[str, np.ndarray]) -> Self:
        """The trials that `checkpoint` was taken of; `plans` are all plans of the batch, or those still unfinished.

        Raises:
            KeyError: the checkpoint is of another batch.
        """
        by_index = {plan.run.index: plan for plan in plans}
        trials = cls(problem, [])
        trials._plans = {index: by_index[index] for index in checkpoint["plan"].tolist()}
        runs = {index: plan.run for index, plan in trials._plans.items()}
        trials._history = dict.fromkeys(trials._plans, ())
        for trained in history_of(_stripped("history", checkpoint), runs):
            trials._history[trained.run.index] += (trained,)
        ended = history_of(_stripped("round", checkpoint), runs)
        trials._ended = dict(zip(checkpoint["ended"].tolist(), ended, strict=True))
        trials._round = trials._trials()
        trials._training = Training.resume(problem, trials._numbered(), _stripped("training", checkpoint))
        trials._earlier_steps = int(checkpoint["step"][0]) - trials._training.step
        return trials

    def _begin_round(self) -> None:
        self._ended: dict[int, TrainedRun] = {}
        self._round = self._trials()
        self._training = Training(self._problem, self._numbered())

    def _trials(self) -> dict[int, TrainingRun]:
        """The trials of the round, by the index under which each is trained; a function of plans and history."""
        return {
            index * MOST_TRIALS + place: trial
            for index, plan in self._plans.items()
            for place, trial in enumerate(plan.next_trials(self._history[index]))
        }

    def _numbered(self) -> list[TrainingRun]:
        return [replace(trial, index=number) for number, trial in self._round.items()]

    def _history_with_round(self, index: int) -> tuple[TrainedRun, ...]:
        """What a plan remembers once its trials of this round have ended."""
        own = [self._ended[number] for number in self._round if number // MOST_TRIALS == index]
        return tuple(self._plans[index].remembered([*self._history[index], *own]))

    def _is_complete(self, index: int) -> bool:
        own = {number for number in self._round if number // MOST_TRIALS == index}
        return own <= self._ended.keys() and not self._plans[index].next_trials(self._history_with_round(index))

    def _conclude(self, index: int) -> Conclusion:
        conclusion = self._plans[index].conclude(self._history_with_round(index))
        del self._plans[index], self._history[index]
        self._ended = {number: trained for number, trained in self._ended.items() if number // MOST_TRIALS != index}
        return conclusion


def _prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _stripped(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}
