"""Experiments whose step size follows a schedule, and what of a run it decides."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.array_block import pack_arrays, unpack_arrays
from core.descent.kernel import NUMPY, kernel_names
from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch
from core.descent.schedule import Decline, Stages, doublings
from core.descent.weight_decay import WeightDecay
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import ExperimentResults, run
from core.figures.caption import caption
from core.figures.draw import picture
from core.figures.largest_steps import largest_steps
from core.figures.layouts.catalogue import FIGURES
from core.figures.results import Results
from core.outcome import Outcome
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import RunTable
from core.results.explanation import explained
from core.results.run_arrays import trajectory_of
from core.spec.experiment_spec import ExperimentSpec
from core.training.batch_training import Training
from core.training.training_run import TrainedRun
from tests.core.problems import small_problem
from tests.core.specs import document
from tests.core.trainings import bits, ended_of, planned, problem_of, trained_alone
from tests.reference.decay_by_hand import descend, step_size_at

SMALL = {"samples": 8, "dimension": 16, "sparsity": 2}


def trained(optimizer: dict[str, Any], kernel: str = "auto", **parts: dict[str, Any]) -> ExperimentResults:
    """An experiment on a small problem, without twins unless asked for."""
    recording = {"points": 20, "sensitivity": False} | parts.pop("recording", {})
    data = SMALL | parts.pop("data", {})
    return run(
        ExperimentSpec.model_validate(document(data=data, optimizer=optimizer, recording=recording, **parts)),
        kernel=kernel,
    )


SCHEDULES: dict[str, dict[str, Any]] = {
    "piecewise": {"schedule_at_steps": [300, 2000], "schedule_factor": 0.5},
    "exponential": {"schedule_steps": 3000, "schedule_factor": 0.3},
    "cosine": {"schedule_steps": 3000, "schedule_factor": 0.3},
    "doubling": {"schedule_steps": 1000, "schedule_factor": 4},
}
TOLD = {
    "piecewise": {"at": (300, 2000), "factor": 0.5},
    "exponential": {"steps": 3000, "factor": 0.3},
    "cosine": {"steps": 3000, "factor": 0.3},
    "doubling": {"steps": 1000, "factor": 4.0},
}
STEP_SIZE = 0.002


@pytest.mark.parametrize("kernel", ["auto", NUMPY])
@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_run_takes_the_steps_of_the_plain_loop_and_keeps_its_certificate(kind: str, kernel: str) -> None:
    """Through the public spec, for exactly so many steps; S = Σ2η_t g_t has the η_t of every step in it."""
    steps = 700
    optimizer = {"step_size": STEP_SIZE, "warmup_steps": 100, "schedule": kind} | SCHEDULES[kind]
    results = trained(optimizer, kernel=kernel, stopping={"steps": steps})
    (summary,), (arrays,) = results.summaries, results.arrays
    data = results.grid.run(0)
    dataset = _dataset(results)
    sizes = [step_size_at(t, full=STEP_SIZE, warmup=100, kind=kind, **TOLD[kind]) for t in range(steps)]
    by_hand = descend(dataset.X, dataset.y, np.full((2, 16), 0.1), sizes, depth=2)
    np.testing.assert_allclose(np.stack([arrays["u_plus"], arrays["u_minus"]]), by_hand, rtol=1e-10)
    assert data.optimizer == FullBatch()
    assert summary["outcome"] == "stopped"
    assert summary["certificate_residual"] < 1e-13
    threshold = trajectory_of(results.grid.run(0), summary, arrays).arrays["stability_threshold"]
    expected = [2 / step_size_at(t, full=STEP_SIZE, warmup=100, kind=kind, **TOLD[kind]) for t in arrays["record_step"]]
    np.testing.assert_allclose(threshold, expected, rtol=1e-14)


def _dataset(results: ExperimentResults) -> Any:
    return dataset_of(results.grid.run(0).spec.data, no_uploads)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_completed_run_ends_where_iterating_on_leads(kind: str) -> None:
    """Completion and strides wait for the step size that a run ends with, or prove their limit for all that follow."""
    optimizer = {"step_size": STEP_SIZE, "schedule": kind} | SCHEDULES[kind]
    completed = trained(optimizer)
    iterated = trained(optimizer, stopping={"finish": "iterate", "loss_tolerance": 1e-22})
    (summary,), (ended,) = completed.summaries, iterated.summaries
    assert summary["outcome"] == ended["outcome"] == "converged"
    assert summary["finished_by"] != "iteration"
    assert summary["end_step_size"] == pytest.approx(
        STEP_SIZE * (0.25 if kind == "piecewise" else TOLD[kind]["factor"])
    )
    assert summary["stability_threshold"] == 2 / summary["end_step_size"]
    ours, theirs = (
        results.arrays[0]["u_plus"] ** 2 - results.arrays[0]["u_minus"] ** 2 for results in (completed, iterated)
    )
    assert np.linalg.norm(ours - theirs) <= summary["limit_error"] * np.linalg.norm(ours) + 1e-9
    assert summary["limit_error"] < 1e-6
    assert summary["certificate_residual"] < 1e-12


def max_stable_step() -> float:
    """η* of the small problem."""
    (found,) = trained({"step_size": STEP_SIZE}).summaries
    return float(found["max_stable_step"])


def test_the_step_size_at_the_end_decides_and_not_the_peak() -> None:
    """1.1 η* on the way is no obstacle to a run that ends below it; a run that ends there is not called converged.

    The latter has fitted the data long before the step size grows.
    """
    limit = max_stable_step()
    falls = {"schedule": "piecewise", "schedule_at_steps": [2000], "schedule_factors": [0.25]}
    rises = {"schedule": "piecewise", "schedule_at_steps": [60_000], "schedule_factors": [8.0]}
    stopping = {"max_steps": 300_000}
    (high,) = trained({"step_size": 1.1 * limit, "warmup_steps": 1000} | falls, stopping=stopping).summaries
    (low,) = trained({"step_size": limit / 4} | rises, stopping=stopping).summaries
    assert high["outcome"] == "converged"
    assert high["end_step_size"] == pytest.approx(1.1 * limit / 4)
    assert high["end_step_size"] * high["sharpness"] < 2
    assert low["outcome"] in {"oscillating", "diverged"}
    assert low["steps"] > 60_000
    assert low["stability_threshold"] == pytest.approx(2 / (2 * limit))


def test_no_run_ends_while_its_schedule_goes_on_but_by_a_proof() -> None:
    """One that iterates to a loss has it long before; it is let go at the first checks behind the schedule."""
    cosine = {"schedule": "cosine", "schedule_steps": 50_000, "schedule_factor": 0.5}
    (iterated,) = trained({"step_size": STEP_SIZE} | cosine, stopping={"finish": "iterate"}).summaries
    assert iterated["outcome"] == "converged"
    assert 50_000 <= iterated["steps"] <= 50_000 + 64 * 128
    (proven,) = trained({"step_size": STEP_SIZE} | cosine, stopping={"finish": "proven"}).summaries
    if proven["steps"] < 50_000:
        assert proven["completion_error_bound"] <= 1e-7
    short = trained({"step_size": STEP_SIZE} | cosine, stopping={"finish": "iterate", "max_steps": 20_000})
    assert short.summaries[0]["outcome"] == "budget_exhausted"
    said = explained(short.grid.run(0), short.summaries[0])
    assert "Its schedule of 50000 steps was not over" in said


OF_EACH_KIND: list[dict[str, Any]] = [
    {"kind": "gradient_descent"},
    {"kind": "nesterov", "momentum": 0.5},
    {"kind": "sam", "rho": 0.01},
    {"kind": "sam", "rho": 0.001, "ascent": "sample"},
]


@pytest.mark.parametrize("kind", OF_EACH_KIND)
def test_a_step_size_that_doubles_without_end_diverges_and_says_so(kind: dict[str, Any]) -> None:
    """There is no step size at the end to judge it by."""
    results = trained(kind | {"step_size": STEP_SIZE, "schedule": "doubling", "schedule_steps": 500})
    (summary,) = results.summaries
    assert summary["outcome"] == "diverged"
    assert summary["end_step_size"] is summary["stability_threshold"] is None
    assert "was not over: η had come to" in explained(results.grid.run(0), summary)


@pytest.mark.parametrize("kernel", sorted({kernel_names()[0], NUMPY}))
@pytest.mark.parametrize("most", [2.0, 3.0])
def test_a_step_at_which_weights_decay_to_nothing_is_taken(most: float, kernel: str) -> None:
    """At η_tλ = 1, which an analysis may find, θ ← −η_t∇L; beyond it signs turn: nothing has diverged."""
    rate, data = 0.5 / STEP_SIZE, small_problem(1)
    decaying = planned(
        step_size=STEP_SIZE,
        warmup_steps=0,
        max_steps=40,
        takes_all_steps=True,
        step_shape=Stages(changes=(2, 3), factors=(most, 1.0)),
        weight_decay=WeightDecay(rate=rate, until=3),
    )
    ended = trained_alone(replace(problem_of(data), kernel=kernel), decaying)
    theta = decaying.initial
    for step in range(40):
        eta = STEP_SIZE * (most if step == 2 else 1)
        pull = data.X.T @ (data.X @ (theta[0] ** 2 - theta[1] ** 2) - data.y) / len(data.y)
        gradient = 2 * theta * np.array([pull, -pull])
        theta = (1 - eta * rate * (step < 3)) * theta - eta * gradient
    np.testing.assert_allclose(ended.theta, theta, rtol=1e-10, atol=1e-16)
    assert ended.outcome is Outcome.STOPPED


@pytest.mark.parametrize("kind", OF_EACH_KIND)
def test_a_step_size_that_ends_at_0_is_never_judged(kind: dict[str, Any]) -> None:
    """Its loss may be as small as can be: a point where no step is taken is not stable for that."""
    cosine = {"schedule": "cosine", "schedule_steps": 20_000, "schedule_factor": 0}
    (summary,) = trained(kind | {"step_size": STEP_SIZE} | cosine, stopping={"steps": 20_128}).summaries
    assert summary["outcome"] == "stopped"
    assert summary["train_loss"] < 1e-4
    assert summary["end_step_size"] == 0
    assert summary["stability_threshold"] is None


def test_the_trajectory_of_a_step_size_without_end_is_drawn_without_a_last_threshold() -> None:
    """There is no height for the triangle at which thresholds end, and no reason for 0 on an axis of logarithms."""
    results = trained({"step_size": STEP_SIZE, "schedule": "doubling", "schedule_steps": 500})
    drawn_from = Results(
        grid=results.grid,
        summaries=results.summaries,
        analyses=results.analyses,
        name="",
        arrays=results.arrays.__getitem__,
        true_predictor=lambda _: None,
    )
    assert picture(FIGURES["trajectory"], drawn_from).file("png")


SHAPES = [
    {"step_shape": Stages(changes=(500, 3000), factors=(0.5, 0.7))},
    {"step_shape": Decline(start=1000, steps=5000, end=0.1, is_cosine=True), "weight_decay": WeightDecay(rate=0.01)},
    {"step_shape": doublings(0, 2000, 2.5), "weight_decay": WeightDecay(rate=0.1, until=4000)},
    {"weight_decay": WeightDecay(rate=0.2)},
    {},
]
OPTIMIZERS = [
    FullBatch(),
    HeavyBall(momentum=0.5),
    Minibatch(batch_size=2),
    LabelNoise(noise_variance=0.01, noise_steps=900),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_resumed_and_alone_runs_have_the_bits_of_the_whole_batch(optimizer: Any) -> None:
    """Schedules and decays of all kinds in one batch, put down and taken up every few steps, and each by itself."""
    problem = problem_of(small_problem(1))
    runs = [
        planned(index, optimizer=optimizer, step_size=0.1, max_steps=20_000, **changes)
        for index, changes in enumerate(SHAPES)
    ]
    whole = ended_of(problem, runs)
    training, resumed = Training(problem, runs), list[TrainedRun]()
    while training.active:
        resumed += training.advance()
        training = Training.resume(problem, runs, unpack_arrays(pack_arrays(training.checkpoint())))
    resumed.sort(key=lambda each: each.run.index)
    assert [bits(each) for each in resumed] == [bits(each) for each in whole]
    assert [bits(trained_alone(problem, each)) for each in runs] == [bits(each) for each in whole]


def test_a_twin_takes_the_schedule_and_the_decay_of_its_run() -> None:
    """A run that stays smooth ends beside its twin, which would be elsewhere with other steps."""
    optimizer = {"step_size": STEP_SIZE, "weight_decay": 0.3, "weight_decay_until": 400, "schedule": "piecewise"}
    optimizer |= {"schedule_at_fractions": [0.0005], "schedule_factor": 0.5}
    (summary,) = trained(optimizer, recording={"sensitivity": True}).summaries
    assert summary["twin_outcome"] == summary["outcome"] == "converged"
    assert summary["sensitivity"] < 1e-10
    assert summary["path"] is None


def test_multiples_of_the_largest_stable_step_are_of_the_full_height() -> None:
    """`step_size` is what was asked for, `end_step_size` what comes of it."""
    optimizer = {"step_size": {"fractions_of_max_stable": [0.5]}, "schedule": "exponential"}
    optimizer |= {"schedule_steps": 100, "schedule_factor": {"values": [0.5, 0.1]}}
    results = trained(optimizer)
    for factor, summary in zip((0.5, 0.1), results.summaries, strict=True):
        assert summary["step_size"] == pytest.approx(0.5 * summary["max_stable_step"])
        assert summary["end_step_size"] == factor * summary["step_size"]
    assert results.grid.axes[0].name == "schedule_factor" or results.grid.axes[1].name == "schedule_factor"


def test_words_figures_and_estimates_know_the_schedule() -> None:
    """η* is where the step size at the end is, on axes of the full height; no run is predicted to end sooner."""
    schedule = {"schedule": "cosine", "schedule_steps": 40_000, "schedule_factor": 0.5}
    results = trained(
        {"step_size": {"values": [0.002, 0.004]}, "weight_decay": 0.1, "weight_decay_until": 9} | schedule
    )
    plain = trained({"step_size": {"values": [0.002, 0.004]}})
    figures = [
        Results(
            grid=each.grid,
            summaries=each.summaries,
            analyses=each.analyses,
            name="",
            arrays=each.arrays.__getitem__,
            true_predictor=lambda _: None,
        )
        for each in (results, plain)
    ]
    places = [largest_steps(each, np.array([0, 1]), axis="step_size")[0] for each in figures]
    assert places[0] == pytest.approx(2 * places[1])
    said = caption(figures[0], "").training
    for words in ("cosine schedule", "T = 40000", "η_end/η = 0.5", "λ = 0.1", "steps with weight decay = 9"):
        assert words in said
    first = results.grid.run(0)
    facts = ProblemFacts.known(first.network, next(iter(results.analyses.values())), first.spec.data)
    predicted, without = (RunTable.at(each.grid, [0, 1]).steps(facts) for each in (results, plain))
    assert (predicted >= 40_000).all()
    assert (without < 40_000).all()


@pytest.mark.parametrize(("schedule", "step"), [({}, 0), ({"schedule": "doubling", "schedule_steps": 3}, 6)])
def test_signs_that_decay_turned_are_told_where_no_spec_knew_the_step_size(schedule: dict[str, Any], step: int) -> None:
    """η is half of η*; ηλ is 1.2, or a quarter of that and doubled twice. A step less, and nothing is said."""
    rate = (0.3 if schedule else 1.2) / (0.5 * max_stable_step())
    optimizer = {"step_size": {"fractions_of_max_stable": [0.5]}, "weight_decay": rate} | schedule
    said = f"At step {step} η × weight_decay was 1.2: 1 or more turns the signs"
    for steps in filter(None, (step, step + 1)):
        results = trained(optimizer, stopping={"steps": steps})
        assert (said in explained(results.grid.run(0), results.summaries[0] or {})) is (steps > step)
