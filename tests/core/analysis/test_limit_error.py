"""The error that a converged run reports, against the limit that much longer iteration leads to."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.analysis.limit_error import LimitErrors
from core.completion.completion import Completer, Completion
from core.completion.stepping import Stepping
from core.data.regression import Dataset
from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch, Optimizer
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.stability.sharpness import interpolator_spectrum_of
from core.training.training_run import CompletedLimit, TrainedRun, TrainingRun
from tests.core.trainings import TINY, made_up, planned, problem_of, trained_alone

LONGER = {"loss_tolerance": 1e-27, "completion_tolerance": 0.0}
"""To what float64 can tell from an interpolator."""

RUNS = [
    pytest.param(Diagonal(2), {}, id="descent"),
    pytest.param(Diagonal(2), {"step_size": 0.6, "warmup_steps": 0}, id="large step"),
    pytest.param(Diagonal(2), {"init_scale": 2.0, "step_size": 0.02}, id="large start"),
    pytest.param(Diagonal(2), {"init_scale": 1e-5, "step_size": 0.05}, id="small start"),
    pytest.param(Diagonal(3), {"step_size": 0.1}, id="depth 3"),
    pytest.param(Diagonal(5), {"step_size": 0.02, "init_scale": 0.5}, id="depth 5"),
    pytest.param(UV(), {"step_size": 0.5, "parts": 4}, id="uv"),
    pytest.param(Diagonal(2), {"optimizer": HeavyBall(momentum=0.9), "step_size": 0.1}, id="momentum"),
    pytest.param(Diagonal(2), {"optimizer": Minibatch(batch_size=1), "step_size": 0.05}, id="SGD"),
    pytest.param(
        Diagonal(2), {"optimizer": LabelNoise(noise_variance=0.1, noise_steps=500), "step_size": 0.05}, id="label noise"
    ),
]


def ends(network: Network, changes: dict[str, Any], **ending: Any) -> tuple[TrainedRun, float]:
    """How the run ends, and the true ‖β − β_limit‖₂/‖β‖₂ there."""
    run: TrainingRun = planned(max_steps=2_000_000, **changes)
    trained = trained_alone(problem_of(TINY, network=network), replace(run, **ending))
    limit = trained_alone(problem_of(TINY, network=network), replace(run, **LONGER))
    assert trained.outcome is limit.outcome is Outcome.CONVERGED
    found, true = (network.predictor(each.end) for each in (trained, limit))
    return trained, float(np.linalg.norm(found - true) / np.linalg.norm(true))


@pytest.mark.parametrize(("network", "changes"), RUNS)
@pytest.mark.parametrize("loss_tolerance", [1e-10, 1e-4])
def test_an_iterate_is_no_further_from_its_limit_than_it_says(
    network: Network, changes: dict[str, Any], loss_tolerance: float
) -> None:
    """And not a thousand times nearer; a hundred parts in a million of the true limit are lost by rounding."""
    trained, true = ends(network, changes, loss_tolerance=loss_tolerance)
    said = LimitErrors(TINY, network).of(trained)
    assert trained.completion is None
    assert true <= said
    assert said <= 1e3 * true + 1e-10


@pytest.mark.parametrize(("network", "changes"), RUNS)
def test_a_run_that_may_be_completed_is_near_its_limit(network: Network, changes: dict[str, Any]) -> None:
    """To a millionth, whatever its tolerance, however it is finished."""
    trained, true = ends(network, changes, loss_tolerance=1e-10, completion_tolerance=1e-6)
    said = LimitErrors(TINY, network).of(trained)
    assert true <= said <= 1.01e-6


def test_what_float64_cannot_mean_is_not_said() -> None:
    """No error is below the rounding of the steps."""
    trained, _ = ends(Diagonal(2), {}, loss_tolerance=1e-27)
    assert LimitErrors(TINY, Diagonal(2)).of(trained) > np.finfo(float).eps * np.sqrt(trained.steps)


def test_where_the_flow_cannot_be_followed_one_step_along_it_tells() -> None:
    """A coordinate of u that is zero has no flow limit here."""
    initial = np.full((2, 7), 0.1)
    initial[:, 0] = 0.0
    trained, true = ends(Diagonal(2), {"initial": initial}, loss_tolerance=1e-6)
    assert true <= LimitErrors(TINY, Diagonal(2)).of(trained) <= 1e3 * true


def rounding_of_steps(run: TrainedRun, network: Network) -> float:
    """A unit of the terms of β for the first step, and a random walk of as many for the rest, of which P is kept.

    One more for each step of a time constant if the last of them was below a unit, else fewer.
    """
    theta, slopes, X = run.end, network.jacobian(run.end), TINY.X
    c, terms = (slopes**2).sum(axis=0), np.linalg.norm(np.abs(slopes * theta).sum(axis=0))
    kept = np.eye(7) - c[:, None] * X.T @ np.linalg.solve(X * c @ X.T, X)
    slowest = (1 - run.run.optimizer.momentum) / (run.run.step_size * np.linalg.eigvalsh(X * c @ X.T / 3)[0])
    gradient = network.jacobian(run.theta) * (X.T @ (X @ network.predictor(run.theta) - TINY.y) / 3)
    share = np.abs(gradient[run.theta != 0] / run.theta[run.theta != 0]).max()
    last = run.run.step_size / (1 - run.run.optimizer.momentum) * float(share)
    missed = min(slowest, run.steps) * min(1.0, np.finfo(float).eps / last)
    walk = np.finfo(float).eps * (1 + np.sqrt(run.steps) + missed)
    return float(walk * np.linalg.norm(kept, 2) * terms / np.linalg.norm(network.predictor(theta)))


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), UV()])
def test_a_completed_run_errs_by_its_estimate_and_by_rounding(network: Network) -> None:
    """In the digits of |u₊|^D + |u₋|^D, in which β is lost where it is small."""
    theta = np.random.default_rng(0).uniform(0.5, 1.5, (len(network.parts), 7))
    run = made_up(planned(parts=len(network.parts)), Outcome.CONVERGED)
    for estimate, steps in ((0.0, 0), (0.0, 30), (1e-15, 30)):
        limit = CompletedLimit(theta=theta, estimate=estimate, bound=np.inf)
        told = replace(run, steps=steps, completion=limit)
        expected = estimate + rounding_of_steps(told, network)
        assert LimitErrors(TINY, network).of(told) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("optimizer", [FullBatch(), HeavyBall(momentum=0.75)])
def test_parameters_that_stand_still_miss_a_unit_of_every_step(optimizer: Optimizer) -> None:
    """Of a time constant of the slowest mode, which momentum shortens; where the last step was about a unit."""
    theta = trained_alone(problem_of(), planned(loss_tolerance=1e-29)).theta
    run = made_up(planned(optimizer=optimizer, step_size=1e-4), Outcome.CONVERGED)
    limit = CompletedLimit(theta=theta, estimate=0.0, bound=np.inf)
    told = replace(run, steps=10**6, theta=theta, completion=limit)
    few = replace(told, theta=theta * (1 + 1e-9))
    said, less = (LimitErrors(TINY, Diagonal(2)).of(each) for each in (told, few))
    assert said == pytest.approx(rounding_of_steps(told, Diagonal(2)), rel=0.3)
    assert less == pytest.approx(rounding_of_steps(few, Diagonal(2)), rel=1e-6)
    assert said > 2 * less
    weights = Diagonal(2).tangent_weights(theta)
    spectrum = interpolator_spectrum_of(TINY.X, weights)[1]
    assert LimitErrors(TINY, Diagonal(2)).of(told, spectrum) == pytest.approx(said, rel=1e-9)
    # A least eigenvalue that float64 has lost is not taken for what it is not.
    lost = np.where(np.arange(len(spectrum)) == 0, 1e-7 * spectrum, spectrum)
    assert LimitErrors(TINY, Diagonal(2)).of(told, lost) == said


def test_where_a_parameter_is_zero_rounding_is_that_of_the_steps_alone() -> None:
    """No projector is known there."""
    theta = np.full((2, 7), 0.5)
    theta[:, 0] = 0.0
    theta[0, 1] = 0.6
    limit = CompletedLimit(theta=theta, estimate=0.0, bound=np.inf)
    run = replace(made_up(planned(), Outcome.CONVERGED), steps=0, completion=limit)
    terms, beta = 2 * (theta**2).sum(axis=0), theta[0] ** 2 - theta[1] ** 2
    expected = np.finfo(float).eps * np.linalg.norm(terms) / np.linalg.norm(beta)
    assert LimitErrors(TINY, Diagonal(2)).of(run) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("factor", "is_known"), [(1.0, True), (1 - 1e-12, False), (1.001, False)])
def test_an_error_larger_than_the_predictor_is_none(factor: float, *, is_known: bool) -> None:
    """Of a completed run as of any other, also where rounding makes it so. All of β is said of minibatches alone."""
    theta = np.full((2, 7), 0.5) * np.array([[1.2], [1.0]])
    limit = CompletedLimit(theta=theta, estimate=factor, bound=np.inf)
    run = replace(made_up(planned(), Outcome.CONVERGED), completion=limit, steps=10**15)
    said = LimitErrors(TINY, Diagonal(2)).of(run)
    assert said == 1.0 if is_known else np.isnan(said)


@pytest.mark.parametrize("momentum", [0.0, 0.75])
@pytest.mark.parametrize("blocked", [False, True])
def test_an_iterate_errs_by_the_way_that_is_left(momentum: float, *, blocked: bool) -> None:
    """To the end of the flow, or of the step C Xᵀ(X C Xᵀ)⁻¹(y − Xβ) along it; with care, and where momentum leads."""
    theta = trained_alone(problem_of(), planned(loss_tolerance=1e-4)).theta.copy()
    theta[:, 0] *= not blocked
    beta, velocity = theta[0] ** 2 - theta[1] ** 2, 1e-6 * theta if momentum else None
    ahead = theta * (1 + 1e-6 * momentum / (1 - momentum))
    optimizer = HeavyBall(momentum=momentum) if momentum else FullBatch()
    trained = replace(made_up(planned(optimizer=optimizer), Outcome.CONVERGED), theta=theta, velocity=velocity)
    stepping = Stepping(momentum=momentum, velocity=velocity)
    found = Completer(TINY, Diagonal(2)).complete(theta, step_size=0.3, tolerance=np.inf, stepping=stepping)
    if blocked:
        there, c = ahead[0] ** 2 - ahead[1] ** 2, 4 * (ahead**2).sum(axis=0)
        X, missing = TINY.X, TINY.y - TINY.X @ there
        to_interpolator = np.linalg.norm(c * (X.T @ np.linalg.solve(X * c @ X.T, missing)))
        left = float(np.linalg.norm(there - beta) + to_interpolator)
    else:
        assert isinstance(found, Completion)
        left = float(np.linalg.norm(found.predictor - beta) + found.estimate * np.linalg.norm(found.predictor))
    share = left / float(np.linalg.norm(beta))
    expected = 2 * (1 + share / 0.01) * share + rounding_of_steps(trained, Diagonal(2))
    assert LimitErrors(TINY, Diagonal(2)).of(trained) == pytest.approx(expected, rel=1e-9)


def test_of_sgd_that_is_not_stable_in_the_mean_square_nothing_is_promised() -> None:
    """All of β: however small the loss is, the next minibatches may raise it again."""
    there = trained_alone(problem_of(), planned(step_size=0.5))
    run = planned(optimizer=Minibatch(batch_size=1), step_size=0.5)
    trained = replace(made_up(run, Outcome.CONVERGED), theta=there.theta)
    assert LimitErrors(TINY, Diagonal(2)).of(trained) == 1.0
    both = replace(trained, run=replace(run, optimizer=Minibatch(batch_size=2)))
    assert LimitErrors(TINY, Diagonal(2)).of(both) < 1e-3


def at_rest(data: Dataset, start: np.ndarray) -> np.ndarray:
    """Where gradient flow from here ends, by many small steps."""
    theta = start.copy()
    for _ in range(50_000):
        x = 0.02 * ((theta[0] ** 2 - theta[1] ** 2) @ data.X.T - data.y) @ data.X / len(data.y)
        theta = theta * np.array([1 - x, 1 + x])
    return theta


@pytest.mark.parametrize("zeros", [0, 1])
def test_of_sgd_nothing_is_promised_where_a_parameter_is_zero_either(zeros: int) -> None:
    """Its limit cannot be followed then, but how sharp it is where it stands can be known."""
    start = np.full((2, 7), 0.3)
    start[:, :zeros] = 0.0
    theta = at_rest(TINY, start)
    grams = [4 * row @ ((theta**2).sum(axis=0) * row) for row in TINY.X]
    unstable, stable = 2.05 / max(grams), 0.5 / sum(grams)
    for step_size, error in ((unstable, 1.0), (stable, 0.0)):
        run = planned(optimizer=Minibatch(batch_size=1), step_size=step_size, initial=start)
        trained = replace(made_up(run, Outcome.CONVERGED), theta=theta)
        assert LimitErrors(TINY, Diagonal(2)).of(trained) == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize(("batch_size", "promised"), [(1, False), (2, False), (3, True)])
def test_minibatches_have_no_limit_where_nothing_interpolates(batch_size: int, *, promised: bool) -> None:
    """The gradients of single samples do not vanish at the least squares; those of all of them do."""
    data = Dataset(X=np.array([[1.0], [2.0], [3.0]]), y=np.array([1.0, 1.0, 2.0]))
    theta = at_rest(data, np.full((2, 1), 0.3))
    optimizer = Minibatch(batch_size=batch_size).on(3)
    run = planned(optimizer=optimizer, step_size=0.01, initial=theta)
    trained = replace(made_up(run, Outcome.STATIONARY), theta=theta)
    assert (LimitErrors(data, Diagonal(2)).of(trained) < 1e-6) is promised
