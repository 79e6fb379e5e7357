"""Trainings for the tests of what is made of several: small runs, their bits, and made-up ends."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.data.regression import Dataset
from core.descent.optimizers import FullBatch
from core.networks.network import Diagonal, Network
from core.outcome import Outcome
from core.training.batch_training import Training
from core.training.problem import NeverStable, Problem
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trajectory import QUANTITIES, trajectory
from tests.core.problems import small_problem

SQUARED = Diagonal(2)

TINY = small_problem(1)
"""Three samples in seven dimensions."""

MAX_STABLE_STEP = 0.694205
"""2/min λ_max of it."""


def planned(index: int = 0, *, init_scale: float = 0.1, dim: int = 7, parts: int = 2, **changes: Any) -> TrainingRun:
    """A run in numbers; unless changed, a quick one on the tiny problem."""
    settings: dict[str, Any] = {
        "optimizer": FullBatch(),
        "step_size": 0.3,
        "warmup_steps": 1000,
        "loss_tolerance": 1e-6,
        "max_steps": 100_000,
        "perturb_unstable": True,
    }
    settings |= {"record_points": 5, "seed": index + 7, "initial": np.full((parts, dim), init_scale)} | changes
    return TrainingRun(index=index, **settings)


def problem_of(
    data: Dataset = TINY, never_stable_above: float = 1.0001 * MAX_STABLE_STEP, network: Network = SQUARED
) -> Problem:
    """The data with a network, and the step size above which nothing is stable."""
    never_stable = NeverStable(positive=never_stable_above, any_sign=never_stable_above)
    return Problem(dataset=data, network=network, never_stable=never_stable)


def ended_of(problem: Problem, runs: Sequence[TrainingRun]) -> list[TrainedRun]:
    """The ends of the runs of a batch, in the order of their indices."""
    training, ended = Training(problem, runs), []
    while training.active:
        ended += training.advance()
    return sorted(ended, key=lambda trained: trained.run.index)


def trained_alone(problem: Problem, run: TrainingRun) -> TrainedRun:
    """The end of a run that is trained by itself."""
    (trained,) = ended_of(problem, [run])
    return trained


def trained_backwards(problem: Problem, run: TrainingRun) -> np.ndarray:
    """θ at the end of a run without noise that is trained by itself on X and y written from the last to the first."""
    data = Dataset(X=problem.dataset.X[::-1, ::-1], y=problem.dataset.y[::-1])
    alone = trained_alone(replace(problem, dataset=data), replace(run, initial=run.initial[:, ::-1]))
    return alone.end[:, ::-1]


def bits(trained: TrainedRun) -> tuple[object, ...]:
    """Everything about the end of a run, to the bit."""
    run, curves = trained.run, trained.trajectory.curves
    completion, cycle, landmark = trained.completion, trained.cycle, trained.landmark
    velocity = np.empty(0) if trained.velocity is None else trained.velocity
    arrays = (run.initial, trained.theta, velocity, trained.end, trained.gradient_sum, trained.trajectory.record_step)
    errors = [np.nan, np.nan] if completion is None else [completion.estimate, completion.bound]
    numbers = np.array([run.step_size, trained.loss, *errors]).tobytes()
    return (
        *(run.index, run.record_points, trained.outcome, trained.steps, trained.perturbations, numbers),
        *(completion is None, cycle, trained.held_steps, trained.loss_grew),
        landmark and (landmark.step, landmark.predictor.tobytes()),
        *(array.tobytes() for array in arrays),
        *(curves[name].tobytes() for name in QUANTITIES),
        trained.trajectory.time.tobytes(),
        *((name, path.tobytes()) for name, path in trained.trajectory.vectors.items()),
    )


def made_up(run: TrainingRun, outcome: Outcome) -> TrainedRun:
    """An end that no training came to."""
    return TrainedRun(
        run=run,
        outcome=outcome,
        loss=0.5,
        steps=3,
        perturbations=1,
        held_steps=2,
        loss_grew=True,
        theta=run.initial,
        gradient_sum=run.initial[0],
        trajectory=trajectory(np.array([0, 3]), np.arange(2.0 * len(QUANTITIES)).reshape(2, -1)),
    )
