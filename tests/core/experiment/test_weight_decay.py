"""Runs whose weights decay, and the lasso that they tend to."""

from typing import Any

import numpy as np
import pytest

from core.data.regression import Dataset
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import ExperimentResults
from core.implicit_bias.weight_penalty import l1_penalty
from core.networks.network import UV, Diagonal, Product
from core.report import report
from core.report.verdict import Status
from core.results.explanation import explained
from tests.core.experiment.test_schedules import trained
from tests.reference.decay_by_hand import descend

RATE = 0.4
STOPPING = {"max_steps": 3_000_000, "loss_tolerance": 1e-11}


def data_of(results: ExperimentResults) -> Dataset:
    """The data of the only problem."""
    return dataset_of(results.grid.run(0).spec.data, no_uploads)


def lasso_by_coordinates(data: Dataset, penalty: float) -> np.ndarray:
    """The β of least ‖Xβ − y‖²/2N + κ‖β‖₁, one coordinate after another until none moves."""
    X, y = data.X, data.y
    beta, sizes = np.zeros(X.shape[1]), np.square(X).mean(axis=0)
    for _ in range(200_000):
        before = beta.copy()
        for i, column in enumerate(X.T):
            correlation = column @ (y - X @ beta) / len(y) + sizes[i] * beta[i]
            beta[i] = np.sign(correlation) * max(abs(correlation) - penalty, 0.0) / sizes[i]
        if np.abs(beta - before).max() < 1e-15:
            break
    return beta


def predictor(results: ExperimentResults, index: int = 0) -> np.ndarray:
    """β at the end."""
    run, arrays = results.grid.run(index), results.arrays[index]
    return run.network.predictor(np.stack([arrays[part] for part in run.network.parts]))


MODELS: dict[str, tuple[dict[str, Any], float]] = {
    "squared": ({"kind": "diagonal"}, 0.5),
    "uv": ({"kind": "uv", "shape": 0.3}, 1.0),
    "u∘v": ({"kind": "uv_product"}, 1.0),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("optimizer", "factor"),
    [
        ({"kind": "gradient_descent"}, 1.0),
        ({"kind": "heavy_ball", "momentum": 0.8}, 1.0),
        ({"kind": "heavy_ball", "momentum": 0.5, "decoupled_weight_decay": True}, 0.5),
        ({"kind": "nesterov", "momentum": 0.8}, 1.0),
        ({"kind": "nesterov", "momentum": 0.5, "decoupled_weight_decay": True}, 0.5),
    ],
    ids=["descent", "momentum", "decoupled", "nesterov", "nesterov, decoupled"],
)
def test_a_run_ends_at_the_lasso_of_its_penalty(name: str, optimizer: dict[str, Any], factor: float) -> None:
    """κ is λ/2 or λ, with decoupled momentum (1 − m) of it: beside a solver that shares no code."""
    model, ratio = MODELS[name]
    results = trained({"step_size": 0.004, "weight_decay": RATE} | optimizer, model=model, stopping=STOPPING)
    (summary,), penalty = results.summaries, RATE * ratio * factor
    expected = lasso_by_coordinates(data_of(results), penalty)
    assert summary["outcome"] == "stationary"
    assert summary["lasso_penalty"] == pytest.approx(penalty, rel=1e-12)
    np.testing.assert_allclose(predictor(results), expected, atol=1e-5)
    distance = np.linalg.norm(predictor(results) - expected) / np.linalg.norm(expected)
    assert summary["lasso_distance"] == pytest.approx(distance, abs=1e-9)
    assert summary["limit_error"] < 1e-4
    assert 0 <= summary["duality_gap"] < 1e-7
    assert summary["path"] is None
    assert "lasso" in explained(results.grid.run(0), summary)


def test_runs_that_are_not_there_yet_say_how_far_it_is() -> None:
    """A budget that is too short, or a number of steps that was asked for."""
    optimizer = {"step_size": 0.004, "weight_decay": RATE}
    for stopping, outcome in (({"max_steps": 300}, "budget_exhausted"), ({"steps": 300}, "stopped")):
        results = trained(optimizer, stopping=stopping)
        (summary,) = results.summaries
        expected = lasso_by_coordinates(data_of(results), RATE / 2)
        distance = np.linalg.norm(predictor(results) - expected) / np.linalg.norm(expected)
        assert summary["outcome"] == outcome
        assert summary["lasso_distance"] == pytest.approx(distance, rel=1e-6)
        assert distance > 1e-3
        assert summary["limit_error"] is None
        assert "of the lasso away" in explained(results.grid.run(0), summary)


def test_a_penalty_above_every_correlation_leads_to_0() -> None:
    """There the lasso is β = 0, and so is the limit."""
    results = trained({"step_size": 0.004, "weight_decay": 100.0}, stopping=STOPPING)
    (summary,) = results.summaries
    assert summary["outcome"] == "stationary"
    assert summary["l1_norm"] < 1e-9
    assert summary["lasso_distance"] < 1e-9


@pytest.mark.parametrize("own", [{"batch_size": 2}, {"batch_size": 2, "momentum": 0.5, "sampling": "epochs"}])
def test_minibatches_that_pass_by_the_lasso_are_said_to_leave_it_again(own: dict[str, Any]) -> None:
    """Where no residual is 0 they have no limit, however near to the least penalised loss they are seen."""
    optimizer = {"kind": "sgd", "step_size": 0.002, "weight_decay": RATE} | own
    (summary,) = trained(optimizer, stopping={"max_steps": 200_000, "loss_tolerance": 0.1}).summaries
    assert summary["outcome"] == "stationary"
    assert summary["lasso_distance"] < 0.5
    assert summary["limit_error"] == 1


@pytest.mark.parametrize("lam", [0.05, 0.5])
def test_the_certificate_holds_while_weights_decay_and_after(lam: float) -> None:
    """asinh(β/2A) − δ stays in the row space with S = Σ2η_t g_t/(1 − η_tλ), and with no other sum."""
    optimizer = {"step_size": 0.004, "warmup_steps": 100, "weight_decay": lam}
    stopped = trained(optimizer, stopping={"steps": 900})
    (summary,), (arrays,) = stopped.summaries, stopped.arrays
    assert summary["certificate_residual"] < 1e-12
    data = data_of(stopped)
    sizes = [0.004 * min(1.0, (t + 1) / 100) for t in range(900)]
    theta, drift, plain = np.full((2, 16), 0.1), np.zeros(16), np.zeros(16)
    for size in sizes:
        x = 2 * size * data.X.T @ (data.X @ (theta[0] ** 2 - theta[1] ** 2) - data.y) / len(data.y)
        shrunk, plain = x / (1 - size * lam), plain + x
        drift += 2 * shrunk + np.log1p(-shrunk) - np.log1p(shrunk)
        theta = descend(data.X, data.y, theta, [size], depth=2, decay=lam)
    np.testing.assert_allclose([arrays["u_plus"], arrays["u_minus"]], theta, rtol=1e-9)
    # δ is what the path says; with the sum of plain descent it would be another
    np.testing.assert_allclose(np.log(theta[0] / theta[1]) + 2 * arrays["gradient_sum"], drift, atol=1e-10)
    assert np.abs(np.log(theta[0] / theta[1]) + 2 * plain - drift).max() > 1e-4
    (after,) = trained(optimizer | {"weight_decay_until": 900}).summaries
    assert after["outcome"] == "converged"
    assert after["finished_by"] != "iteration"
    assert after["certificate_residual"] < 1e-12
    assert after["lasso_penalty"] is None
    # A = α²Π(1 − η_tλ)²·exp(−Σq): decay alone takes this part of it
    assert after["effective_init"] < 0.1 * np.prod([1 - size * lam for size in sizes])


def test_after_the_decay_a_run_ends_where_iterating_on_leads() -> None:
    """Completion and strides wait until no weight decays."""
    optimizer = {"step_size": 0.004, "weight_decay": 0.5, "weight_decay_until": 3000}
    completed = trained(optimizer)
    iterated = trained(optimizer, stopping={"finish": "iterate", "loss_tolerance": 1e-22})
    (summary,) = completed.summaries
    assert summary["steps"] >= 3000
    assert np.linalg.norm(predictor(completed) - predictor(iterated)) <= 1e-7 * np.linalg.norm(predictor(iterated))


def test_networks_without_a_lasso_take_all_their_steps() -> None:
    """At depth 3 the penalty is not convex: nothing is said of a limit."""
    results = trained(
        {"step_size": 0.004, "weight_decay": 0.1},
        model={"kind": "diagonal", "depth": 3},
        stopping={"max_steps": 20_000},
    )
    (summary,) = results.summaries
    assert summary["outcome"] == "budget_exhausted"
    assert summary["lasso_penalty"] is summary["duality_gap"] is summary["certificate_residual"] is None
    assert l1_penalty(Diagonal(3), 0.1) is None


@pytest.mark.parametrize(("network", "ratio"), [(Diagonal(2), 0.5), (UV(), 1.0), (Product(), 1.0)])
def test_the_least_decay_of_a_predictor_is_its_l1_norm(network: Any, ratio: float) -> None:
    """½λ‖θ‖² over all θ with this β, by looking among many: never below κ‖β‖₁, and as near as one likes."""
    rng, beta, rate = np.random.default_rng(0), 0.7, 1.3
    scale = np.exp(rng.normal(0, 2, 100_000))
    if network.degree == 2 and len(network.parts) == 2:
        plus, minus = np.sqrt(beta + scale**2), scale
        sizes = np.append(plus**2 + minus**2, beta)
    else:
        sizes = scale**2 + (beta / scale) ** 2
    least = rate / 2 * sizes.min()
    assert l1_penalty(network, rate) == ratio * rate
    assert least >= ratio * rate * beta * (1 - 1e-12)
    assert least == pytest.approx(ratio * rate * beta, rel=1e-4)


def test_the_report_holds_no_run_at_a_lasso_to_what_interpolators_have() -> None:
    """It may be flatter than any of them."""
    optimizer = {"step_size": 0.004, "weight_decay": {"values": [0.0, 8.0]}}
    results = trained(optimizer, stopping=STOPPING)
    assert [summary["outcome"] for summary in results.summaries] == ["converged", "stationary"]
    flat = float(results.summaries[1]["gauss_newton_sharpness"] or 0)
    assert flat < float(results.summaries[1]["min_sharpness"] or 0)
    found = report(results.grid, results.summaries, results.analyses)
    assert not found.statuses.get(Status.VIOLATED)
