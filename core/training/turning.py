"""Coordinates from the last to the first, of runs that go backwards and of their ends; twice it changes nothing."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from core.training.training_run import Landmark, TrainedRun, TrainingRun


def turned_run(run: TrainingRun) -> TrainingRun:
    """A run, and where it meets another one, in the opposite order of coordinates."""
    return replace(run, initial=_turned(run.initial), meets=_turned_landmark(run.meets))


def turned_end(trained: TrainedRun) -> TrainedRun:
    """How a run ended, in the opposite order of coordinates; `run` and the recorded curves are left as they are."""
    completion, velocity = trained.completion, trained.velocity
    return replace(
        trained,
        theta=_turned(trained.theta),
        gradient_sum=_turned(trained.gradient_sum),
        completion=None if completion is None else replace(completion, theta=_turned(completion.theta)),
        velocity=None if velocity is None else _turned(velocity),
        landmark=_turned_landmark(trained.landmark),
    )


def _turned_landmark(landmark: Landmark | None) -> Landmark | None:
    return None if landmark is None else replace(landmark, predictor=_turned(landmark.predictor))


def _turned(values: Float64[np.ndarray, "*part dim"]) -> Float64[np.ndarray, "*part dim"]:
    """A copy: arrays that lie the other way round are not what kernels and products expect."""
    return np.ascontiguousarray(values[..., ::-1])
