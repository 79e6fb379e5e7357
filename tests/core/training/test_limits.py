"""The numbers that runs are judged by."""

import numpy as np
import pytest

from core.data.regression import Dataset, train_loss
from core.descent.optimizers import HeavyBall
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.training.limits import DIVERGENCE_FACTOR, Limits
from core.training.problem import NeverStable
from tests.core.trainings import SQUARED, TINY, planned, problem_of, trained_alone


def test_momentum_is_stable_at_the_interpolators_of_a_smaller_step_of_gradient_descent() -> None:
    """ηλ < 2 + 2m where gradient descent at 2η/(2 + 2m) has it below 2."""
    limits = Limits.of(problem_of(), [planned(0), planned(1, optimizer=HeavyBall(momentum=0.5))])
    np.testing.assert_allclose(limits.equivalent_step_size, [0.3, 0.2])


def test_a_run_diverges_relative_to_the_larger_of_its_start_and_zero() -> None:
    """A start may fit better than β = 0, worse, or overflow: then no finite loss is too large."""
    problem = problem_of()
    fit = np.linalg.lstsq(TINY.X, TINY.y, rcond=None)[0]
    starts = [np.sqrt([np.maximum(fit, 0), np.maximum(-fit, 0)]), np.stack([np.full(7, 3.0), np.ones(7)])]
    losses = [float(train_loss(SQUARED.predictor(start), TINY.X, TINY.y)) for start in starts]
    assert losses[0] < problem.zero_loss < losses[1]
    starts.append(np.stack([np.full(7, 1e80), np.ones(7)]))
    limits = Limits.of(problem, [planned(index, initial=start) for index, start in enumerate(starts)])
    largest = np.finfo(np.float64).max
    expected = [DIVERGENCE_FACTOR * problem.zero_loss, DIVERGENCE_FACTOR * losses[1], largest]
    np.testing.assert_allclose(limits.divergence, expected, rtol=1e-12)
    assert limits.diverged(np.array([np.nan, 1.0, largest])).tolist() == [True, False, False]
    assert limits.diverged(np.array([1.0, np.inf, np.inf])).tolist() == [False, True, True]


@pytest.mark.parametrize(("sign", "limit"), [(1.0, 0.5), (-1.0, 0.6)])
def test_what_is_never_stable_depends_on_the_signs_of_the_parameters(sign: float, limit: float) -> None:
    """A single negative parameter makes the larger bound the one that counts."""
    theta = np.ones((2, 2, 3))
    theta[:, 1, 2] = sign
    never = NeverStable(positive=0.5, any_sign=0.6).above(np.array([limit, limit + 1e-9]), theta)
    assert never.tolist() == [False, True]


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), UV()])
@pytest.mark.parametrize("scale", [0.5, 0.0])
def test_where_the_targets_are_zero_a_run_converges_relative_to_its_start(network: Network, scale: float) -> None:
    """½Ê[y²] is no measure there; a run that starts at β = 0 is at its end."""
    start = scale * np.abs(np.random.default_rng(1).standard_normal((len(network.parts), 7)))
    problem = problem_of(Dataset(X=TINY.X, y=np.zeros(3)), np.inf, network)
    run = planned(initial=start, step_size=0.01, warmup_steps=0)
    ended, start_loss = trained_alone(problem, run), float(train_loss(network.predictor(start), TINY.X, np.zeros(3)))
    assert ended.outcome is Outcome.CONVERGED
    assert ended.steps < run.max_steps
    assert ended.loss <= run.loss_tolerance * start_loss
    assert (start_loss > 0) == (ended.steps > 128)
