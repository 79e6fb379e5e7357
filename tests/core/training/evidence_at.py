"""Batches and losses made by hand, for the tests of how runs are judged."""

from collections.abc import Sequence

import numpy as np

from core.descent.batch_descent import BatchState
from core.training.batch import Batch
from core.training.loss_checks import CHECK_INTERVAL, LossChecks
from core.training.oscillation import WindowEnd
from core.training.problem import Problem
from core.training.training_run import Cycle, TrainingRun
from tests.core.trainings import problem_of


def batch_of(*runs: TrainingRun, problem: Problem | None = None) -> Batch:
    """The runs at their start."""
    problem = problem or problem_of()
    theta = np.stack([run.initial for run in runs], axis=1)
    momentum = any(run.optimizer.has_velocity for run in runs)
    return Batch.at(BatchState.begin(theta, len(problem.dataset.y), momentum=momentum), problem, runs)


def window_end(*, is_cycling: bool = False, is_still: bool = False) -> WindowEnd:
    """What the end of a window shows of one run."""
    cycles = {0: Cycle(amplitude=0.1, period=2)} if is_cycling else {}
    return WindowEnd(cycles=cycles, still=np.array([is_still]))


def checks(*losses: Sequence[float], last: int) -> LossChecks:
    """The losses of all runs at successive checks, relative to those of β = 0 on the tiny problem, up to a step."""
    steps = last - CHECK_INTERVAL * np.arange(len(losses))[::-1]
    return LossChecks(steps=steps, losses=np.array(losses) * problem_of().zero_loss, ended_by_event=False)
