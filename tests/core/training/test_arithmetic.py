"""What the arithmetic makes of a run: float64, a plain loop in it, and thousands of digits."""

import contextlib

import numpy as np
import pytest

from core.data.regression import sparse_regression
from core.interpolators.flattest import flattest_interpolator
from core.outcome import Outcome, RunPath
from core.stability.sharpness import interpolator_sharpness_of
from core.training.training_run import TrainingRun
from tests.core.trainings import MAX_STABLE_STEP, SQUARED, TINY, ended_of, planned, problem_of, trained_alone
from tests.reference import descent_by_hand as by_hand
from tests.reference.exact_arithmetic import Warming, descend

ONE_SAMPLE = sparse_regression(samples=1, dimension=5, sparsity=5, mean=5.0, variance=5.0, noise_variance=0.01, seed=1)
WARMING = Warming(
    init_scale=0.1,
    step_size=0.9 * 2 / flattest_interpolator(ONE_SAMPLE.X, ONE_SAMPLE.y, SQUARED).sharpness_upper,
    warmup_steps=1000,
)


def warming(index: int = 0, *, holds: bool = False) -> TrainingRun:
    """The run in numbers, its start moved by so many relative 1e-13."""
    return planned(
        index,
        init_scale=WARMING.init_scale * (1 + index * 1e-13),
        step_size=WARMING.step_size,
        warmup_steps=WARMING.warmup_steps,
        holds=holds,
        dim=5,
    )


def test_in_exact_arithmetic_a_run_may_diverge_that_converges_in_float64() -> None:
    """N = 1, d = 5, .9 η*, W = 1000: with 3,000 digits it leaves so late that it diverges, and so it does if held.

    In float64 it leaves early. Of its neighbours some converge, just below the edge, and the others diverge: which ones
    is a matter of rounding, and only where they end is the same on every processor.
    """
    problem = problem_of(ONE_SAMPLE, np.inf)
    free = ended_of(problem, [warming(index) for index in range(64)])
    assert {trained.outcome for trained in free} == {Outcome.CONVERGED, Outcome.DIVERGED}
    converged = [trained for trained in free if trained.outcome is Outcome.CONVERGED]
    weights = [SQUARED.tangent_weights(trained.end) for trained in converged]
    edges = [WARMING.step_size * interpolator_sharpness_of(ONE_SAMPLE.X, each).value for each in weights]
    assert 1.94 < min(edges) <= max(edges) < 1.98
    held = trained_alone(problem, warming(holds=True))
    assert (held.outcome, held.path) == (Outcome.DIVERGED, RunPath.RELEASED)
    exact = descend(ONE_SAMPLE.X, ONE_SAMPLE.y, WARMING, steps=820, digits=3000)
    assert np.abs(exact).max() > 1e6


@pytest.mark.parametrize(
    ("scale", "step_size", "warmup_steps", "path"),
    [
        pytest.param(0.1, 0.3, 0, RunPath.SMOOTH, id="small step"),
        pytest.param(0.01, 0.6, 500, RunPath.SMOOTH, id="small scale"),
        pytest.param(0.3, 0.98 * MAX_STABLE_STEP, 1000, RunPath.CROSSED_EDGE, id="rides the edge"),
        pytest.param(1.0, 3.0, 0, RunPath.CROSSED_EDGE, id="diverges"),
        pytest.param(0.3, 1.1 * MAX_STABLE_STEP, 1000, RunPath.CROSSED_EDGE, id="oscillates"),
    ],
)
def test_runs_end_as_a_plain_loop_does(scale: float, step_size: float, warmup_steps: int, path: RunPath) -> None:
    """Coordinate by coordinate in plain Python, where nothing is held: it comes to the same."""
    trained = trained_alone(problem_of(), planned(init_scale=scale, step_size=step_size, warmup_steps=warmup_steps))
    walk = by_hand.Path(u_plus=[scale] * 7, u_minus=[scale] * 7)
    X, y = TINY.X.tolist(), TINY.y.tolist()
    with contextlib.suppress(OverflowError):
        by_hand.descend(X, y, walk, [step_size * min(1, (t + 1) / max(warmup_steps, 1)) for t in range(6000)])
    end = by_hand.loss(X, y, walk) / problem_of().zero_loss
    expected = Outcome.CONVERGED if end < 1e-6 else Outcome.OSCILLATING if end < 1e6 else Outcome.DIVERGED
    assert (trained.outcome, trained.path, trained.held_steps) == (expected, path, 0)
