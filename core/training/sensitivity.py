"""How much of a run's end is decided by rounding: a twin that starts a hair beside it, and where that ends.

Near the edge of stability the dynamics amplify what float64 cannot hold. How far the twin is away in the end says how
many digits of β mean anything, whatever computer the run was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network
from core.randomness import stream
from core.training.batch_training import TrainedRun, TrainingRun
from core.training.trials import Conclusion, Plan

PERTURBATION: Final = 1e-15
"""Relative size of what moves the start: some five units in the last place of float64."""


def perturbed(initial: Float64[np.ndarray, "part dim"], seed: int) -> Float64[np.ndarray, "part dim"]:
    """θ(0)∘(1 + 1e-15·z) with z ~ N(0, I), a stream of its own; rounding makes it θ(0) + whole units in the last place.

    Entries of 0 stay 0.
    """
    z = stream(seed, "twin of a sensitivity").standard_normal(initial.shape)
    moved: Float64[np.ndarray, "part dim"] = initial + PERTURBATION * z * initial
    return moved


def relative_distance(twin: Float64[np.ndarray, " dim"], predictor: Float64[np.ndarray, " dim"]) -> float:
    """‖β_twin − β‖₂/‖β‖₂; NaN where one of them is not finite, or β = 0."""
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(twin - predictor) / np.linalg.norm(predictor))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WithTwin:
    """A plan, and beside the trial that it concludes with a twin, whose distance at the end is the `sensitivity`.

    The twin has the run's step size and random streams, and is not recorded. The distance is given however the two
    ended: a twin that ends in another way is as sensitive as runs get, which no number at all would hide.
    """

    plan: Plan
    network: Network

    @property
    def run(self) -> TrainingRun:
        """The run of the plan."""
        return self.plan.run

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """The plan's trials; with one that is alone, or after the last of them, the twin."""
        own, twins = self._told_apart(history)
        trials = self.plan.next_trials(own)
        if len(trials) > 1:
            return trials
        (single,) = trials or [self.plan.conclude(own).trained.run]
        return trials if _of(single, twins) else [*trials, *self._twins_of(single)]

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """What the plan remembers, and the twins of that."""
        own, twins = self._told_apart(history)
        remembered = self.plan.remembered(own)
        return [*remembered, *(twin for trained in remembered for twin in _of(trained.run, twins))]

    def conclude(self, history: Sequence[TrainedRun]) -> Conclusion:
        """The plan's conclusion and the `sensitivity`, 0 where rounding left nothing of the perturbation."""
        own, twins = self._told_apart(history)
        conclusion = self.plan.conclude(own)
        (twin,) = _of(conclusion.trained.run, twins) or [conclusion.trained]
        predictors = (self.network.predictor(trained.end) for trained in (twin, conclusion.trained))
        return replace(conclusion, extras={**conclusion.extras, "sensitivity": relative_distance(*predictors)})

    def _twins_of(self, run: TrainingRun) -> list[TrainingRun]:
        """The twin of a trial; none where it would be the trial itself, to the bit."""
        initial = perturbed(run.initial, run.seed)
        if np.array_equal(initial, run.initial):
            return []
        return [replace(run, initial=initial, record_points=0)]

    def _told_apart(self, history: Sequence[TrainedRun]) -> tuple[list[TrainedRun], list[TrainedRun]]:
        """The plan's own trials and the twins, which start elsewhere."""
        own: list[TrainedRun] = []
        twins: list[TrainedRun] = []
        for trained in history:
            (own if np.array_equal(trained.run.initial, self.run.initial) else twins).append(trained)
        return own, twins


def _of(run: TrainingRun, twins: Sequence[TrainedRun]) -> list[TrainedRun]:
    """The twin of a trial among those that have ended: the one with its step size."""
    return [twin for twin in twins if twin.run.step_size == run.step_size]
