"""Runs that are made of several trainings, called trials: what is tried next follows from how the last ones ended.

A search is a pure function of its history, so that all there is to keep of a run in progress is how its trials ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

import numpy as np

from core.descent.per_run import under
from core.training.batch_training import Training
from core.training.problem import Problem
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trial_history import arrays_of, history_of
from core.training.turning import turned_end, turned_run

MOST_TRIALS: Final = 64
"""Most trials of one run in one round: trial k of the run of index n is trained under the index 64n + k."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SearchResult:
    """What comes of a run: the trial that stands for it, and what no single trial has by name, NaN for no number."""

    trained: TrainedRun
    extras: Mapping[str, float | str] = field(default_factory=dict)


class Search(Protocol):
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
        """A part of the history that tells the search as much as the whole; the rest is forgotten after each round."""
        ...

    def result(self, history: Sequence[TrainedRun]) -> SearchResult:
        """What a complete history comes to."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SingleTrial:
    """A run that is trained once."""

    run: TrainingRun

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """The run itself."""
        return [] if history else [self.run]

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """Its end."""
        return history

    def result(self, history: Sequence[TrainedRun]) -> SearchResult:
        """Its end."""
        return SearchResult(trained=history[0])


class Trials:
    """A batch of searches in training, with the interface of `Training`.

    The next trials of all unfinished searches are trained together, to the end of the last of them: then the next round
    begins. Those that go backwards have a problem of their own, and wait for a round without others. A search that is
    complete gives its result at once. Nothing but the search decides the bits of that.
    """

    def __init__(self, problem: Problem, searches: Sequence[Search]) -> None:
        self._problem = problem
        self._searches = {search.run.index: search for search in searches}
        self._history: dict[int, tuple[TrainedRun, ...]] = dict.fromkeys(self._searches, ())
        self._earlier_steps = 0
        self._begin_round()

    @property
    def active(self) -> Sequence[TrainingRun]:
        """The runs that have no result yet."""
        return [search.run for search in self._searches.values()]

    @property
    def step(self) -> int:
        """Steps taken, of all rounds."""
        return self._earlier_steps + self._training.step

    def advance(self) -> list[SearchResult]:
        """Step to the next check; returns the results of the searches that are complete there, and leave the batch."""
        ended = self._training.advance()
        for trained in ended:
            run = self._round[trained.run.index]
            self._ended[trained.run.index] = replace(turned_end(trained) if run.goes_backwards else trained, run=run)
        touched = sorted({trained.run.index // MOST_TRIALS for trained in ended})
        results = [self._result(index) for index in touched if self._is_complete(index)]
        if results:
            for number in [number for number in self._ended if number // MOST_TRIALS not in self._searches]:
                del self._ended[number]
        if not self._training.active:
            self._history = {index: self._history_with_round(index) for index in self._searches}
            self._earlier_steps = self.step
            self._begin_round()
        return results

    def checkpoint(self) -> dict[str, np.ndarray]:
        """All that `resume` needs, by name; of a batch that is still active."""
        history = [trained for entries in self._history.values() for trained in entries]
        return (
            {
                "step": np.array([self.step]),
                "search": np.array(list(self._searches), dtype=np.int64),
                "ended": np.array(list(self._ended), dtype=np.int64),
            }
            | _prefixed("training", self._training.checkpoint())
            | _prefixed("history", arrays_of(history))
            | _prefixed("round", arrays_of(list(self._ended.values())))
        )

    @classmethod
    def resume(cls, problem: Problem, searches: Sequence[Search], checkpoint: Mapping[str, np.ndarray]) -> Self:
        """The trials that `checkpoint` was taken of; `searches` are all of the batch, or those still unfinished.

        Raises:
            KeyError: the checkpoint is of another batch.
        """
        by_index = {search.run.index: search for search in searches}
        trials = cls(problem, [])
        trials._searches = {index: by_index[index] for index in checkpoint["search"].tolist()}
        runs = {index: search.run for index, search in trials._searches.items()}
        trials._history = dict.fromkeys(trials._searches, ())
        for trained in history_of(under("history", checkpoint), runs):
            trials._history[trained.run.index] += (trained,)
        ended = history_of(under("round", checkpoint), runs)
        trials._ended = dict(zip(checkpoint["ended"].tolist(), ended, strict=True))
        trials._round = trials._trials()
        kept = under("training", checkpoint)
        trials._training = Training.resume(trials._problem_of_round(), trials._numbered(), kept)
        trials._earlier_steps = int(checkpoint["step"][0]) - trials._training.step
        return trials

    def _begin_round(self) -> None:
        self._ended: dict[int, TrainedRun] = {}
        self._round = self._trials()
        self._training = Training(self._problem_of_round(), self._numbered())

    def _trials(self) -> dict[int, TrainingRun]:
        """The trials of the round, by the index under which each is trained; a function of searches and history."""
        wanted = {
            index * MOST_TRIALS + number: trial
            for index, search in self._searches.items()
            for number, trial in enumerate(search.next_trials(self._history[index]))
        }
        return {number: trial for number, trial in wanted.items() if not trial.goes_backwards} or wanted

    def _problem_of_round(self) -> Problem:
        goes_backwards = any(trial.goes_backwards for trial in self._round.values())
        return self._problem.backwards if goes_backwards else self._problem

    def _numbered(self) -> list[TrainingRun]:
        """The trials as they are trained."""
        return [
            replace(turned_run(trial) if trial.goes_backwards else trial, index=number)
            for number, trial in self._round.items()
        ]

    def _history_with_round(self, index: int) -> tuple[TrainedRun, ...]:
        """What a search remembers once its trials of this round have ended."""
        own = [self._ended[number] for number in self._own_of(index)]
        return tuple(self._searches[index].remembered([*self._history[index], *own]))

    def _own_of(self, index: int) -> list[int]:
        """The trials of a search in this round, by number: a batch has hundreds of others."""
        return [number for number in range(index * MOST_TRIALS, (index + 1) * MOST_TRIALS) if number in self._round]

    def _is_complete(self, index: int) -> bool:
        is_over = all(number in self._ended for number in self._own_of(index))
        return is_over and not self._searches[index].next_trials(self._history_with_round(index))

    def _result(self, index: int) -> SearchResult:
        result = self._searches[index].result(self._history_with_round(index))
        del self._searches[index], self._history[index]
        return result


def _prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}
