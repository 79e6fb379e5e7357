"""How much of a run's end is decided by rounding: how far from it a twin ends.

Near the edge of stability the dynamics amplify what float64 cannot hold. How far the twin is away in the end says how
many digits of β mean anything, whatever computer the run was trained on. It moves all that decides: the start, and
with it the rounding of every step; the order of every sum, as it is trained on its samples and coordinates from the
last to the first; and the perturbations that push a run off an unstable interpolator. With one sample sums over them
have no other order, with one coordinate those over it, and with one of each the start alone is moved.

A twin that is near a run where that came to rest ends there (`core.training.landmarks`): it costs what leads to the
edge and across, which near it is a small part of a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network
from core.outcome import Outcome, RunPath
from core.randomness import stream
from core.training.landmarks import relative_distance
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trials import Search, SearchResult

RELATIVE_PERTURBATION: Final = 1e-15
"""Relative size of what moves the start: some five units in the last place of float64."""


def moved_start(initial: Float64[np.ndarray, "part dim"], seed: int) -> Float64[np.ndarray, "part dim"]:
    """θ(0)∘(1 + 1e-15·z) with z ~ N(0, I), a stream of its own; rounding makes it θ(0) + whole units in the last place.

    Entries of 0 stay 0.
    """
    z = stream(seed, "twin of a sensitivity").standard_normal(initial.shape)
    moved: Float64[np.ndarray, "part dim"] = initial + RELATIVE_PERTURBATION * z * initial
    return moved


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WithTwin:
    """A search, and a twin of its resulting trial, whose distance at the end is the `sensitivity`.

    The twin has the trial's step size and the random streams of its optimiser, and is not recorded. The distance is
    given however the two ended, and beside it the `twin_outcome`: a twin that ends in another way is as sensitive as
    runs get, which no number would hide. It is trained after the search, and where it is made `only_if_needed`, not if
    the trial is smooth: of any other rounding may have decided the end.
    """

    search: Search
    network: Network
    only_if_needed: bool = False

    @property
    def run(self) -> TrainingRun:
        """The run of the search."""
        return self.search.run

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """The search's trials; after the last of them, the twin."""
        own, twins = self._told_apart(history)
        if trials := self.search.next_trials(own):
            return [replace(trial, has_twin=True) for trial in trials]
        trained = self.search.result(own).trained
        return [] if _of(trained.run, twins) or not self._is_needed(trained) else self._twins_of(trained)

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """What the search remembers, and the twins of that."""
        own, twins = self._told_apart(history)
        remembered = self.search.remembered(own)
        return [*remembered, *(twin for trained in remembered for twin in _of(trained.run, twins))]

    def result(self, history: Sequence[TrainedRun]) -> SearchResult:
        """The search's result; of its twin, if it has one, the outcome and the distance.

        A distance of 0 without a twin stands for one whose start rounding makes that of the trial.
        """
        own, twins = self._told_apart(history)
        result = self.search.result(own)
        if not self._is_needed(result.trained):
            return result
        found = _of(result.trained.run, twins)
        (twin,) = found or [result.trained]
        told = {"twin_outcome": twin.outcome.value} if found else {}
        return replace(result, extras={**result.extras, **told, "sensitivity": self._distance(twin, result.trained)})

    def _distance(self, twin: TrainedRun, trained: TrainedRun) -> float:
        """Between the two where they met, else where they ended."""
        if twin.landmark is not None and trained.landmark is not None:
            return relative_distance(twin.landmark.predictor, trained.landmark.predictor)
        with np.errstate(all="ignore"):
            return relative_distance(self.network.predictor(twin.end), self.network.predictor(trained.end))

    def _is_needed(self, trained: TrainedRun) -> bool:
        return not self.only_if_needed or trained.path is not RunPath.SMOOTH

    def _twins_of(self, trained: TrainedRun) -> list[TrainingRun]:
        """The twin of a trial; none where no coordinate of its start can be moved."""
        run, meets = trained.run, trained.landmark if trained.outcome is Outcome.CONVERGED else None
        initial, name = moved_start(run.initial, run.seed), f"{run.perturbed_by} of a twin"
        if np.array_equal(initial, run.initial):
            return []
        twin = replace(run, initial=initial, perturbed_by=name, meets=meets, goes_backwards=True)
        return [replace(twin, record_points=0, has_twin=False)]

    def _told_apart(self, history: Sequence[TrainedRun]) -> tuple[list[TrainedRun], list[TrainedRun]]:
        """The search's own trials and the twins, which start elsewhere."""
        own: list[TrainedRun] = []
        twins: list[TrainedRun] = []
        for trained in history:
            (own if np.array_equal(trained.run.initial, self.run.initial) else twins).append(trained)
        return own, twins


def _of(run: TrainingRun, twins: Sequence[TrainedRun]) -> list[TrainedRun]:
    """The twin of a trial among those that have ended: the one with its step size."""
    return [twin for twin in twins if twin.run.step_size == run.step_size]
