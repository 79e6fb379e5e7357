"""Runs and their ends in the opposite order of coordinates."""

from dataclasses import replace

import numpy as np
import pytest

from core.descent.optimizers import HeavyBall
from core.outcome import Outcome
from core.training.training_run import CompletedLimit, Landmark, TrainedRun
from core.training.turning import turned_end, turned_run
from tests.core.trainings import TINY, bits, made_up, planned, problem_of


def an_end() -> TrainedRun:
    """One that has everything that an end may have, no coordinate like another."""
    theta = np.arange(1.0, 15.0).reshape(2, 7)
    meets = Landmark(step=8192, predictor=np.arange(7.0))
    run = planned(initial=theta + 0.5, optimizer=HeavyBall(momentum=0.5), meets=meets)
    return replace(
        made_up(run, Outcome.CONVERGED),
        theta=theta,
        gradient_sum=np.arange(7.0) / 3,
        velocity=theta / 7,
        completion=CompletedLimit(theta=theta / 9, estimate=1e-9, bound=np.inf),
        landmark=Landmark(step=8192, predictor=np.arange(7.0) / 5),
    )


def test_every_coordinate_of_an_end_changes_its_place() -> None:
    """Of whatever is counted by coordinate; numbers stay as they are."""
    plain, turned = an_end(), turned_end(an_end())
    assert turned.completion is not None
    assert turned.velocity is not None
    assert turned.landmark is not None
    assert turned.theta[:, 0].tolist() == [7.0, 14.0]
    assert turned.gradient_sum[0] == 2.0
    assert turned.velocity[:, 0].tolist() == [1.0, 2.0]
    assert turned.completion.theta[:, 1].tolist() == [6 / 9, 13 / 9]
    assert turned.landmark.predictor[0] == 6 / 5
    assert (turned.loss, turned.steps, turned.completion.estimate) == (plain.loss, plain.steps, 1e-9)


def test_a_run_starts_and_meets_in_the_opposite_order() -> None:
    """And is otherwise the same."""
    plain, turned = an_end().run, turned_run(an_end().run)
    assert turned.meets is not None
    assert turned.initial[:, 0].tolist() == [7.5, 14.5]
    assert turned.meets.predictor[0] == 6
    assert (turned.index, turned.seed, turned.step_size) == (plain.index, plain.seed, plain.step_size)


def test_turned_twice_an_end_is_what_it_was() -> None:
    """To the bit."""
    assert bits(turned_end(turned_end(an_end()))) == bits(an_end())


def test_a_problem_backwards_has_the_same_losses() -> None:
    """Of predictors the other way round, on its samples and in the population; and it is named by other data."""
    problem = problem_of()
    backwards, beta = problem.backwards, np.arange(1.0, 8.0)
    one, other = problem.dataset, backwards.dataset
    assert (other.X @ beta[::-1] - other.y).tolist() == (one.X[:, ::-1] @ beta[::-1] - one.y)[::-1].tolist()
    assert other.digest != one.digest
    assert (backwards.is_backwards, backwards.backwards.is_backwards) == (True, False)
    assert backwards.backwards.dataset.digest == TINY.digest
    assert backwards.zero_loss == pytest.approx(problem.zero_loss, rel=1e-14)
