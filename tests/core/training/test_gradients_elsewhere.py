"""Whole runs of SAM, of Nesterov momentum and under parameter noise: how they end, and what is known of the end."""

from typing import Any

import numpy as np
import pytest

from core.array_block import pack_arrays, unpack_arrays
from core.data.row_space import interpolator_set, row_space
from core.descent.ascent import AscentAlong
from core.descent.optimizers import HeavyBall, Nesterov, Optimizer, ParameterNoise, SharpnessAware
from core.experiment.run import run
from core.implicit_bias.certificate import certificate_residual, effective_asymmetry, effective_initialization
from core.implicit_bias.gradient_flow import squared_flow_multipliers
from core.networks.network import UV, Diagonal, Network, Product
from core.outcome import Outcome
from core.spec.experiment_spec import ExperimentSpec, Stopping
from core.stability.sharpness import interpolator_sharpness_of
from core.training.batch_training import Training
from core.training.training_run import TrainedRun, stepping
from tests.core.trainings import SQUARED, TINY, bits, ended_of, planned, problem_of, trained_alone
from tests.reference import gradients_elsewhere

FULL, SAMPLE = AscentAlong.FULL, AscentAlong.SAMPLE
OPTIMIZERS: list[Optimizer] = [
    SharpnessAware(rho=0.02),
    SharpnessAware(rho=0.02, ascent_along=SAMPLE),
    SharpnessAware(rho=1e-3, normalized=True),
    SharpnessAware(rho=1e-3, normalized=True, ascent_along=SAMPLE),
    Nesterov(momentum=0.8),
    ParameterNoise(variance=1e-4, noise_steps=500),
]
X, Y = TINY.X, TINY.y


def trained(optimizer: Optimizer, network: Network | None = None, **changes: Any) -> TrainedRun:
    """The end of a run on three samples in seven dimensions."""
    network = network or Diagonal(2)
    initial = network.initial(np.full((2, 7), 0.3), 0.0)
    settings = {
        "optimizer": optimizer,
        "step_size": 0.05,
        "loss_tolerance": 1e-12,
        "initial": initial,
        "warmup_steps": 0,
    }
    return trained_alone(problem_of(network=network), planned(**(settings | changes)))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_run_that_is_interrupted_goes_on_to_the_same_bits(optimizer: Optimizer) -> None:
    """Noise is a function of run and step; the velocity is part of the state."""
    runs = [
        planned(k, optimizer=optimizer, step_size=0.02 * (k + 1), max_steps=3000, warmup_steps=70) for k in range(3)
    ]
    problem = problem_of()
    whole = ended_of(problem, runs)
    training, parts = Training(problem, runs), []
    while training.active:
        parts += training.advance()
        kept = unpack_arrays(pack_arrays(training.checkpoint()))
        training = Training.resume(problem, runs, kept)
    assert [bits(each) for each in sorted(parts, key=lambda each: each.run.index)] == [bits(each) for each in whole]
    (alone,) = ended_of(problem, runs[1:2])
    assert bits(alone) == bits(whole[1])


@pytest.mark.parametrize("network", [Diagonal(2), UV(), Product()], ids=lambda network: network.key)
@pytest.mark.parametrize("along", [FULL, SAMPLE])
def test_the_end_of_sam_is_what_its_steps_imply(network: Network, along: AscentAlong) -> None:
    """u± move by 1 ∓ x − s: asinh(β/2A) − δ is in the row space, and β minimises the potential of A and δ.

    A = |u₊u₋| has shrunk by (1 − s)² − x², more than without an ascent; δ moved by the third order of a step alone.
    """
    end, plain = (
        trained(SharpnessAware(rho=0.05, ascent_along=along), network),
        trained(SharpnessAware(rho=1e-9), network),
    )
    assert end.outcome is plain.outcome is Outcome.CONVERGED
    plus, minus = network.as_squared(end.theta)
    assert certificate_residual(row_space(X), plus, minus, end.gradient_sum) < 1e-12
    scale, asymmetry = effective_initialization(plus, minus), effective_asymmetry(plus, minus, end.gradient_sum)
    unascended = effective_initialization(*network.as_squared(plain.theta))
    assert (scale < unascended * (1 - 1e-3)).any()
    assert np.abs(asymmetry).max() < 0.05
    space = interpolator_set(X, Y)
    multipliers, _ = squared_flow_multipliers(space, scale**2, asymmetry)
    found = 2 * scale**2 * np.sinh(asymmetry + space.basis @ multipliers)
    np.testing.assert_allclose(network.predictor(end.theta), found, rtol=1e-4, atol=1e-5)


def test_the_asymmetry_of_sam_vanishes_with_the_step_size() -> None:
    """Of the flow A alone is moved by ascents, as Andriushchenko and Flammarion have it: α·exp(−ρΔ)."""
    drifts = []
    for step_size in (0.01, 0.005, 0.0025):
        end = trained(SharpnessAware(rho=0.1), step_size=step_size)
        drifts.append(np.abs(effective_asymmetry(end.theta[0], end.theta[1], end.gradient_sum)).max())
    assert drifts[1] / drifts[0] == pytest.approx(0.5, abs=0.1)
    assert drifts[2] / drifts[1] == pytest.approx(0.5, abs=0.06)


def interpolator() -> tuple[np.ndarray, float]:
    """θ ≥ 0 of an interpolator, and its sharpness."""
    beta = np.linalg.lstsq(X, Y)[0]
    theta = np.sqrt(np.stack([np.maximum(beta, 0), np.maximum(-beta, 0)]) + 0.05)
    return theta, interpolator_sharpness_of(X, Diagonal(2).tangent_weights(theta)).value


def grows(optimizer: SharpnessAware, step_size: float) -> bool:
    """Whether the plain loop leaves the interpolator, from next to it."""
    theta, _ = interpolator()
    theta = theta * (1 + 1e-6 * np.random.default_rng(0).standard_normal(theta.shape))
    residuals = [float(np.abs(X @ (theta[0] ** 2 - theta[1] ** 2) - Y).max())]
    for steps in (60, 40):
        theta = gradients_elsewhere.sharpness_aware(
            X,
            Y,
            theta,
            depth=2,
            step_size=step_size,
            rho=optimizer.rho,
            each_sample=optimizer.ascent_along is SAMPLE,
            normalized=False,
            steps=steps,
        )
        residuals.append(float(np.abs(X @ (theta[0] ** 2 - theta[1] ** 2) - Y).max()))
    return residuals[2] > residuals[1]


@pytest.mark.parametrize("along", [FULL, SAMPLE])
def test_a_run_at_an_interpolator_is_judged_by_the_operator_of_its_ascents(along: AscentAlong) -> None:
    """Just below the limit it has converged, just above it has not, as the plain loop from next to it; ρλ is about 1.

    Of 1-SAM the limit is that of Ê[(1 + ρ‖a_k‖²)a_k a_kᵀ], below that of n-SAM.
    """
    theta, sharpness = interpolator()
    optimizer = SharpnessAware(rho=1 / sharpness, ascent_along=along)
    limit = 2 / (sharpness * (1 + optimizer.rho * sharpness))
    assert limit == pytest.approx(optimizer.largest_stable_step(2 / sharpness), rel=1e-12)
    if along is SAMPLE:
        features = np.concatenate([2 * X * theta[0], -2 * X * theta[1]], axis=1)
        weights = 1 + optimizer.rho * np.square(features).sum(axis=1)
        exact = 2 / np.linalg.eigvalsh((features.T * weights) @ features / len(Y))[-1]
        assert exact < limit * 0.999
        limit = exact
    for factor, outcome in ((0.98, Outcome.CONVERGED), (1.02, Outcome.UNSTABLE_INTERPOLATOR)):
        end = trained(optimizer, initial=theta, step_size=factor * limit, perturb_unstable=False)
        assert end.outcome is outcome
        assert grows(optimizer, factor * limit) is (factor > 1)


def test_a_normalised_ascent_goes_to_and_fro_for_ever() -> None:
    """By ηλρ/(2 − ηλ) to either side, as on a parabola; it drifts to where λ is less, and then oscillates."""
    early = trained(SharpnessAware(rho=1e-2, normalized=True), step_size=0.2, max_steps=2000)
    end = trained(SharpnessAware(rho=1e-2, normalized=True), step_size=0.2, max_steps=2_000_000)
    assert early.outcome is Outcome.BUDGET_EXHAUSTED
    assert end.outcome is Outcome.OSCILLATING
    assert end.cycle is not None
    assert end.cycle.period == 2
    sharpness = interpolator_sharpness_of(X, Diagonal(2).tangent_weights(end.theta)).value
    assert sharpness < 0.9 * interpolator_sharpness_of(X, Diagonal(2).tangent_weights(early.theta)).value
    bounce = 0.2 * sharpness * 1e-2 / (2 - 0.2 * sharpness)
    assert end.cycle.amplitude * np.linalg.norm(end.theta) == pytest.approx(2 * bounce, rel=0.02)


def document(**optimizer: Any) -> ExperimentSpec:
    """A spec on the same data that may complete its runs."""
    return ExperimentSpec.model_validate(
        {
            "data": {"kind": "inline", "X": X.tolist(), "y": Y.tolist()},
            "initialization": {"kind": "uniform", "scale": 0.3},
            "optimizer": {"step_size": 0.05} | optimizer,
            "stopping": {"loss_tolerance": 1e-10},
            "recording": {"points": 3, "sensitivity": False},
        }
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "sam", "rho": 0.05},
        {"kind": "sam", "rho": 0.05, "ascent": "sample"},
        {"kind": "nesterov", "momentum": 0.9, "step_size": 0.02},
        {"kind": "parameter_noise", "variance": 1e-3, "noise_steps": 2000},
    ],
    ids=str,
)
def test_no_run_is_completed_and_its_error_is_that_of_going_on(optimizer: dict[str, Any]) -> None:
    """Nobody knows what its remaining steps sum up to; there is a certificate of ascents, and of nothing else here."""
    done = run(document(**optimizer))
    (summary,), (arrays,) = done.summaries, done.arrays
    assert (summary["outcome"], summary["finished_by"]) == ("converged", "iteration")
    has_certificate = optimizer["kind"] == "sam"
    assert (summary["certificate_residual"] is not None) == has_certificate
    assert (summary["effective_init"] is not None) == has_certificate
    finer = document(**optimizer)
    finer = finer.model_copy(update={"stopping": finer.stopping.model_copy(update={"loss_tolerance": 1e-24})})
    (end,) = run(finer).arrays
    beta, limit = (np.asarray(each["u_plus"] ** 2 - each["u_minus"] ** 2) for each in (arrays, end))
    error = float(np.linalg.norm(beta - limit) / np.linalg.norm(beta))
    assert 0 < error <= float(summary["limit_error"] or 0)


def test_the_mean_step_under_parameter_noise_is_that_of_the_smoothed_loss() -> None:
    """∇(L + 2σ²·Σ Ê[x_i²](u₊² + u₋² + σ²)), by the mean over many steps from one point."""
    rng, sigma = np.random.default_rng(0), 0.2
    theta = rng.uniform(0.2, 0.6, (2, 7))
    mean = np.mean(
        [
            gradients_elsewhere.gradient(X, Y, theta + sigma * rng.standard_normal(theta.shape), 2)
            for _ in range(20_000)
        ],
        axis=0,
    )
    smoothed = gradients_elsewhere.gradient(X, Y, theta, 2) + 4 * sigma**2 * np.mean(X**2, axis=0) * theta
    assert np.abs(mean - smoothed).max() < 0.05 * np.abs(smoothed).max()
    assert np.abs(mean - gradients_elsewhere.gradient(X, Y, theta, 2)).max() > 0.1 * np.abs(smoothed).max()


def test_parameter_noise_leads_to_a_smaller_trace() -> None:
    """What the smoothed loss penalises is the trace of the Hessian; after the noise the run converges there."""
    quiet = trained(ParameterNoise(variance=1e-12, noise_steps=1), max_steps=400_000)
    noisy = trained(ParameterNoise(variance=3e-3, noise_steps=200_000), max_steps=400_000)
    assert noisy.outcome is Outcome.CONVERGED
    traces = [float((np.mean(X**2, axis=0) * Diagonal(2).tangent_weights(end.theta)).sum()) for end in (quiet, noisy)]
    assert traces[1] < 0.9 * traces[0]


def test_within_a_loose_tolerance_normalised_ascents_are_known_to_lead_on() -> None:
    """The loss is below it, at a point that later steps leave: all of β may change."""
    spec = document(kind="sam", rho=0.01, normalized=True, step_size=0.2)
    spec = spec.model_copy(update={"stopping": spec.stopping.model_copy(update={"loss_tolerance": 1e-2})})
    (summary,), (arrays,) = (done := run(spec)).summaries, done.arrays
    assert (summary["outcome"], summary["limit_error"]) == ("converged", 1.0)
    later = spec.model_copy(update={"stopping": Stopping(steps=100_000)})
    (end,) = run(later).arrays
    beta, after = (np.asarray(each["u_plus"] ** 2 - each["u_minus"] ** 2) for each in (arrays, end))
    assert np.linalg.norm(after - beta) > 0.02 * np.linalg.norm(beta)


def test_a_velocity_by_itself_leads_to_where_completion_looks_for_the_limit() -> None:
    """θ + m²/(1 − m)·v of Nesterov and θ + m/(1 − m)·v of heavy ball: where steps without a gradient go."""
    rng = np.random.default_rng(3)
    for optimizer in (Nesterov(momentum=0.7), HeavyBall(momentum=0.7)):
        theta, velocity = rng.standard_normal((2, 2, 1, 5))
        there = stepping(planned(optimizer=optimizer), velocity[:, 0], 3).ahead(theta[:, 0])
        for _ in range(200):
            optimizer.roll(theta, velocity, np.zeros_like(theta), np.full((1, 1), 0.7))
        np.testing.assert_allclose(theta[:, 0], there, rtol=1e-13)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_the_error_of_a_limit_knows_how_far_slow_oscillations_lead_along(tolerance: float) -> None:
    """Near the edge of SAM few of its steps do much of the way to β, but 25,000 go along the interpolators.

    Rounding moves the end along them as well, by 3e-11 with one BLAS of two, which no error tells.
    """
    X = [[-0.122, -0.112, -0.101, 0.476], [0.415, 1.119, 0.018, -2.802], [0.099, 0.418, 0.068, -0.316]]
    told = {"kind": "sam", "rho": 0.05, "step_size": {"fractions_of_max_stable": [0.7]}, "warmup_steps": 500}

    def end(tolerance: float) -> tuple[np.ndarray, dict[str, Any]]:
        results = run(
            ExperimentSpec.model_validate(
                {
                    "data": {"kind": "inline", "X": X, "y": [-1.312, 0.312, 0.107]},
                    "initialization": {"kind": "uniform", "scale": 0.2},
                    "optimizer": told,
                    "stopping": {"loss_tolerance": tolerance, "max_steps": 600_000},
                    "recording": {"points": 0, "sensitivity": False},
                }
            )
        )
        return SQUARED.predictor(np.stack([results.arrays[0][part] for part in SQUARED.parts])), results.summaries[0]

    (beta, summary), (limit, iterated) = end(tolerance), end(1e-20)
    assert summary["outcome"] == iterated["outcome"] == "converged"
    assert np.linalg.norm(beta - limit) / np.linalg.norm(beta) <= summary["limit_error"] + 1e-9
    assert summary["limit_error"] <= 0.02
