"""Every scalar of a run from the definitions, at states that no training came to."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.analysis.limit_error import LimitErrors
from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.analysis.run_analysis import RunAnalysis
from core.data.regression import Dataset, sparse_regression
from core.descent.optimizers import HeavyBall
from core.implicit_bias.gradient_flow import flow_limit_from
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.training.training_run import CompletedLimit, Cycle, TrainedRun
from tests.core.network_kinds import depth_by_hand
from tests.core.trainings import made_up, planned
from tests.reference import finite_difference, network_by_hand

DATA = sparse_regression(samples=3, dimension=5, sparsity=2, mean=1.5, variance=2.0, noise_variance=0.3, seed=4)
NETWORKS: list[Network] = [Diagonal(2), Diagonal(3), UV()]


def ended(network: Network, outcome: Outcome = Outcome.CONVERGED, **changes: Any) -> TrainedRun:
    """A run that ended at parameters of order ½."""
    rng, shape = np.random.default_rng(3), (len(network.parts), 5)
    run = planned(dim=5, parts=len(network.parts), initial=rng.uniform(0.4, 0.9, shape), step_size=0.05)
    theta, gradient_sum = rng.uniform(0.2, 0.8, shape), rng.standard_normal(5)
    return replace(made_up(run, outcome), theta=theta, gradient_sum=gradient_sum, **changes)


@cache
def analysis_of(data: Dataset, network: Network) -> ProblemAnalysis:
    """What is known before."""
    return analyse_problem(data, network, "the data").analysis


def summary(trained: TrainedRun, network: Network, data: Dataset = DATA) -> dict[str, Any]:
    """What is said of it."""
    analysis = RunAnalysis(data, network, analysis_of(data, network))
    return analysis.summary(trained, init_scale=0.25, kernel_id="by hand")


def by_hand(network: Network, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """β and c, parameter by parameter."""
    depth = depth_by_hand(network)
    slopes = np.array(network_by_hand.slopes(theta.tolist(), depth))
    return np.array(network_by_hand.predictor(theta.tolist(), depth)), (slopes**2).sum(axis=0)


def sharpness_of(c: np.ndarray) -> float:
    """λ_max of (1/N)·X diag(c) Xᵀ."""
    return float(np.linalg.eigvalsh(DATA.X @ np.diag(c) @ DATA.X.T / 3)[-1])


def excess(beta: np.ndarray) -> float:
    """½eᵀΣe with Σ = E[xxᵀ]."""
    error = beta - np.array([1, 1, 0, 0, 0]) / np.sqrt(2)
    return float(error @ (2.0 * np.eye(5) + 1.5**2) @ error / 2)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("completed", [False, True])
def test_the_end_of_a_run_in_numbers(network: Network, *, completed: bool) -> None:
    """Losses, risks, norms, sharpness and its bounds; those of the limit where the run was completed."""
    trained = ended(network)
    if completed:
        trained = replace(
            trained, completion=CompletedLimit(theta=trained.theta * 0.9 + 0.02, estimate=1e-7, bound=3e-7)
        )
    told = summary(trained, network)
    beta, c = by_hand(network, trained.end)
    iterate, _ = by_hand(network, trained.theta)
    _, c_start = by_hand(network, trained.run.initial)
    hessian = finite_difference.hessian(DATA.X, DATA.y, trained.end, network, 1e-4)
    kernels = [DATA.X @ np.diag(weights) @ DATA.X.T for weights in (c, c_start)]
    loss = float(((DATA.X @ beta - DATA.y) ** 2).sum() / 6)
    expected = {
        "train_loss": loss if completed else trained.loss,
        "iterate_train_loss": trained.loss,
        "excess_risk": excess(beta),
        "test_loss": excess(beta) + 0.15,
        "iterate_excess_risk": excess(iterate),
        "predictor_error": float(np.linalg.norm(beta - np.array([1, 1, 0, 0, 0]) / np.sqrt(2))),
        "l1_norm": np.abs(beta).sum(),
        "l2_norm": np.linalg.norm(beta),
        "gauss_newton_sharpness": sharpness_of(c),
        "sharpness_lower_bound": c @ DATA.X.mean(axis=0) ** 2,
        "sharpness_upper_bound": c @ (DATA.X**2).mean(axis=0),
        "stability_threshold": 2 / 0.05,
        "kernel_change": np.linalg.norm(kernels[0] - kernels[1]) / np.linalg.norm(kernels[1]),
        "smallest_parameter": trained.end.min(),
    }
    assert {name: told[name] for name in expected} == pytest.approx(expected, rel=1e-10)
    sharpness = sharpness_of(c) if completed else np.linalg.eigvalsh(hessian)[-1]
    assert told["sharpness"] == pytest.approx(sharpness, rel=1e-5)
    assert told["sharpness_residual"] < 1e-10
    least = network.least_tangent_weights(beta)
    assert told["weighted_norm"] == pytest.approx(least @ DATA.X.mean(axis=0) ** 2)
    assert told["completion_error_estimate"] == (1e-7 if completed else None)
    assert told["completion_error_bound"] == (3e-7 if completed else None)
    assert told["finished_by"] == ("completion" if completed else "iteration")


def test_a_limit_that_strides_found_says_so() -> None:
    """Of it there is no bound either."""
    theta = ended(Diagonal(2)).theta
    trained = ended(Diagonal(2), completion=CompletedLimit(theta=theta, estimate=1e-7, bound=np.inf, by_strides=True))
    told = summary(trained, Diagonal(2))
    assert (told["finished_by"], told["completion_error_bound"]) == ("strides", None)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_run_with_a_limit_is_some_way_from_it(outcome: Outcome) -> None:
    """And its risk is no further from that of the limit than the farthest β at that distance."""
    theta = ended(Diagonal(2), outcome).theta
    trained = ended(Diagonal(2), outcome, completion=CompletedLimit(theta=theta, estimate=1e-3, bound=np.inf))
    told = summary(trained, Diagonal(2))
    assert told["outcome"] == outcome.value
    if outcome not in {Outcome.CONVERGED, Outcome.STATIONARY}:
        assert (told["limit_error"], told["risk_error"]) == (None, None)
        return
    beta, _ = by_hand(Diagonal(2), trained.end)
    assert told["limit_error"] == LimitErrors(DATA, Diagonal(2)).of(trained)
    distance, moment = told["limit_error"] * np.linalg.norm(beta), 2.0 * np.eye(5) + 1.5**2
    slope = np.linalg.norm(moment @ (beta - np.array([1, 1, 0, 0, 0]) / np.sqrt(2)))
    assert told["risk_error"] == pytest.approx(slope * distance + np.linalg.norm(moment, 2) * distance**2 / 2)


@pytest.mark.parametrize(("estimate", "known"), [(1.0, (True, False)), (0.8, (True, False)), (0.1, (True, True))])
def test_an_error_as_large_as_the_risk_of_0_is_none(estimate: float, known: tuple[bool, bool]) -> None:
    """Of the risk earlier than of β, since that depends on it with a slope."""
    theta = ended(Diagonal(2)).theta
    trained = ended(Diagonal(2), completion=CompletedLimit(theta=theta, estimate=estimate, bound=np.inf))
    told = summary(trained, Diagonal(2))
    assert (told["limit_error"] is not None, told["risk_error"] is not None) == known


@pytest.mark.parametrize("outcome", [Outcome.CONVERGED, Outcome.STATIONARY])
def test_of_a_run_that_stopped_far_away_nothing_is_said(outcome: Outcome) -> None:
    """Its error would be larger than its predictor."""
    told = summary(ended(Diagonal(2), outcome), Diagonal(2))
    assert (told["limit_error"], told["risk_error"]) == (None, None)


def test_what_a_run_was_stands_beside_it() -> None:
    """Its steps, its cycle, its place, and the largest stable step of its optimiser."""
    trained = ended(Diagonal(2), Outcome.OSCILLATING, cycle=Cycle(amplitude=0.2, period=2))
    told, analysis = summary(trained, Diagonal(2)), analysis_of(DATA, Diagonal(2))
    expected = {
        "steps": 3,
        "perturbations": 1,
        "cycle_period": 2,
        "cycle_amplitude": 0.2,
        "network": "diagonal-2",
        "depth": 2,
        "step_size": 0.05,
        "init_scale": 0.25,
        "kernel_id": "by hand",
        "data_key": "the data",
        "min_sharpness": analysis.min_sharpness_upper,
        "max_stable_step": analysis.max_stable_step,
    }
    assert {name: told[name] for name in expected} == expected
    aperiodic = summary(replace(trained, cycle=Cycle(amplitude=0.2, period=0)), Diagonal(2))
    assert (aperiodic["cycle_period"], aperiodic["cycle_amplitude"]) == (None, 0.2)
    resting = summary(replace(trained, cycle=None), Diagonal(2))
    assert (resting["cycle_period"], resting["cycle_amplitude"]) == (None, None)
    heavy = summary(replace(trained, run=replace(trained.run, optimizer=HeavyBall(momentum=0.5))), Diagonal(2))
    assert analysis.max_stable_step is not None
    assert heavy["max_stable_step"] == pytest.approx(1.5 * analysis.max_stable_step)
    assert heavy["stability_threshold"] == pytest.approx(3 / 0.05)


def test_the_bias_of_a_run_is_that_of_its_last_state() -> None:
    """√A and the certificate from u± and the sum of gradients; neither beyond depth 2, nor with momentum."""
    trained = ended(Diagonal(2))
    told = summary(trained, Diagonal(2))
    plus, minus = trained.theta
    mirror = np.arcsinh((plus**2 - minus**2) / (2 * plus * minus)) - np.log(plus / minus) - 2 * trained.gradient_sum
    outside = mirror - np.linalg.pinv(DATA.X) @ (DATA.X @ mirror)
    assert told["effective_init"] == pytest.approx(np.sqrt(plus * minus).mean())
    assert told["certificate_residual"] == pytest.approx(np.linalg.norm(outside) / np.linalg.norm(mirror))
    heavy = replace(trained, run=replace(trained.run, optimizer=HeavyBall(momentum=0.5)))
    for without in (summary(heavy, Diagonal(2)), summary(ended(Diagonal(3)), Diagonal(3))):
        assert (without["effective_init"], without["certificate_residual"]) == (None, None)


@pytest.mark.parametrize("size", [0.0, 1e-200, 1e200])
def test_a_coordinate_without_a_product_has_no_certificate(size: float) -> None:
    """A = |u₊u₋| vanishes or overflows; its root may be known all the same."""
    trained = ended(Diagonal(2), Outcome.BUDGET_EXHAUSTED)
    theta = trained.theta.copy()
    theta[:, 0] = size
    told = summary(replace(trained, theta=theta), Diagonal(2))
    assert told["certificate_residual"] is None
    assert told["effective_init"] == pytest.approx(np.sqrt(theta[0]) @ np.sqrt(theta[1]) / 5)


def test_a_diverged_run_has_no_sharpness() -> None:
    """Nor a limit."""
    assert summary(ended(Diagonal(2), Outcome.DIVERGED), Diagonal(2))["sharpness"] is None


@pytest.mark.parametrize("network", NETWORKS)
def test_the_flow_from_the_start_stands_beside_the_run(network: Network) -> None:
    """The risks of its limit; none where nothing interpolates."""
    trained = ended(network)
    told = summary(trained, network)
    limit = flow_limit_from(DATA.X, DATA.y, trained.run.initial, network).predictor
    np.testing.assert_allclose(DATA.X @ limit, DATA.y, rtol=1e-9)
    assert told["flow_excess_risk"] == pytest.approx(excess(limit))
    assert told["flow_test_loss"] == pytest.approx(excess(limit) + 0.15)
    inconsistent = Dataset(X=np.vstack([DATA.X, DATA.X]), y=np.append(DATA.y, -DATA.y))
    assert summary(trained, network, inconsistent)["flow_test_loss"] is None


def test_data_of_unknown_origin_leave_no_risk() -> None:
    """Nor a distance to a truth that is not told."""
    told = summary(ended(Diagonal(2)), Diagonal(2), Dataset(X=DATA.X, y=DATA.y))
    unknown = ("excess_risk", "test_loss", "iterate_excess_risk", "predictor_error", "risk_error")
    assert [told[name] for name in unknown] == [None] * 5
    assert told["l1_norm"] > 0
