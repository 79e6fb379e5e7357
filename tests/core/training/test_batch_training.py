"""Training: how runs end, what is recorded, and that nothing but the run decides its bits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.array_block import pack_arrays, unpack_arrays
from core.data.regression import Dataset, excess_risk
from core.data.row_space import row_space
from core.descent.kernel import kernel_names
from core.descent.optimizers import FullBatch, LabelNoise, Minibatch, Optimizer
from core.descent.sampling import Sampling
from core.implicit_bias.certificate import certificate_residual
from core.implicit_bias.gradient_flow import flow_limit
from core.interpolators.flattest import flattest_interpolator
from core.outcome import Outcome, RunPath
from core.stability.sharpness import interpolator_sharpness_of
from core.training.batch import Batch
from core.training.batch_training import Progress, Training
from core.training.loss_checks import LONGEST_CHUNK
from core.training.problem import Problem
from core.training.training_run import TrainedRun, TrainingRun
from tests.core import trainings
from tests.core.problems import paper_problem, small_problem
from tests.core.trainings import SQUARED, bits, ended_of
from tests.reference.exact_arithmetic import Warming, descend

MAX_STABLE_STEP = 2 / 250.1726


def planned(index: int = 0, *, init_scale: float = 0.1, dim: int = 100, **changes: Any) -> TrainingRun:
    """A run in numbers; unless changed, a quick one on the paper's data."""
    settings = {"step_size": 3e-3, "warmup_steps": 0, "max_steps": 200_000, "record_points": 20}
    return trainings.planned(index, init_scale=init_scale, dim=dim, **(settings | changes))


def problem_of(data: Dataset, never_stable_above: float = np.inf) -> Problem:
    """The data with the squared model."""
    return trainings.problem_of(data, never_stable_above)


def train(data: Dataset, *runs: TrainingRun, never_stable_above: float = np.inf) -> list[TrainedRun]:
    """Train to the end, in the order of the runs."""
    return ended_of(problem_of(data, never_stable_above), runs)


def stability(data: Dataset, trained: TrainedRun) -> float:
    """ηλ_max at the end of a run."""
    return trained.run.step_size * interpolator_sharpness_of(data.X, SQUARED.tangent_weights(trained.theta)).value


def risk(data: Dataset, trained: TrainedRun) -> float:
    """Excess risk at the end of a run."""
    return float(excess_risk(SQUARED.predictor(trained.theta), data))


def test_a_batch_of_no_runs_has_no_states() -> None:
    """It is complete, and can be kept like any other."""
    training = Training(trainings.problem_of(), [])
    assert not training.active
    assert training.checkpoint()["state.theta"].shape == (2, 0, 7)


def test_a_training_looks_up_where_something_is_due_and_no_sooner() -> None:
    """After as many steps as go in one chunk, where nothing is recorded and nothing can be decided by the losses."""
    training = Training(trainings.problem_of(), [trainings.planned(warmup_steps=50_000, record_points=0)])
    assert not training.advance()
    assert training.step == LONGEST_CHUNK


MIXED = (
    planned(0, step_size=3e-3, init_scale=0.1, warmup_steps=1000),
    planned(1, step_size=1e-3, init_scale=3.0),
    planned(2, step_size=5e-3, init_scale=0.3, warmup_steps=3000, loss_tolerance=1e-8),
    planned(3, step_size=1e-3, init_scale=0.1, max_steps=5_003),
    planned(4, step_size=1.2 * MAX_STABLE_STEP, init_scale=0.2, warmup_steps=2000, record_points=7),
    planned(5, step_size=6e-3, init_scale=0.5, warmup_steps=20_000, loss_tolerance=1e-3),
)


@pytest.fixture(scope="module")
def mixed() -> list[TrainedRun]:
    """A batch in which runs end in every way."""
    return train(paper_problem(), *MIXED, never_stable_above=MAX_STABLE_STEP * 1.0001)


def test_runs_end_as_they_should(mixed: list[TrainedRun]) -> None:
    """Convergence, divergence without warm-up, exhaustion to the very step, and oscillation above the largest step."""
    outcomes = [trained.outcome for trained in mixed]
    assert outcomes[0] is outcomes[2] is outcomes[5] is Outcome.CONVERGED
    assert outcomes[1] is Outcome.DIVERGED
    assert outcomes[3] is Outcome.BUDGET_EXHAUSTED
    assert mixed[3].steps == 5_003
    assert outcomes[4] is Outcome.OSCILLATING


def test_converged_runs_interpolate_at_a_stable_point_after_warm_up(mixed: list[TrainedRun]) -> None:
    """Loss below the tolerance, ηλ < 2, and never before the step size is full."""
    data = paper_problem()
    half_mean_square = float(np.mean(data.y**2)) / 2
    converged = [trained for trained in mixed if trained.outcome is Outcome.CONVERGED]
    assert converged
    for trained in converged:
        assert trained.loss <= trained.run.loss_tolerance * half_mean_square
        assert stability(data, trained) < 2
        assert trained.steps > trained.run.warmup_steps


def test_every_run_carries_a_certificate_of_its_arithmetic(mixed: list[TrainedRun]) -> None:
    """The accumulated steps of every run that converged or was cut short stay in the row space of X."""
    basis = row_space(paper_problem().X)
    calm = [trained for trained in mixed if trained.outcome in {Outcome.CONVERGED, Outcome.BUDGET_EXHAUSTED}]
    assert len(calm) == 4
    for trained in calm:
        assert certificate_residual(basis, trained.theta[0], trained.theta[1], trained.gradient_sum) <= 1e-9


@pytest.mark.parametrize("order", [(3, 1, 0, 5, 2, 4), (5, 4, 3, 2, 1, 0)])
def test_the_order_of_runs_in_a_batch_changes_no_bit(mixed: list[TrainedRun], order: tuple[int, ...]) -> None:
    """A permuted batch gives every run the same end and the same curves."""
    again = train(paper_problem(), *(MIXED[index] for index in order), never_stable_above=MAX_STABLE_STEP * 1.0001)
    assert [bits(trained) for trained in again] == [bits(trained) for trained in mixed]


def test_splitting_a_batch_changes_no_bit(mixed: list[TrainedRun]) -> None:
    """Each run by itself ends as it does with others."""
    for trained, run in zip(mixed, MIXED, strict=True):
        (alone,) = train(paper_problem(), run, never_stable_above=MAX_STABLE_STEP * 1.0001)
        assert bits(alone) == bits(trained)


def test_stopping_and_resuming_changes_no_bit(mixed: list[TrainedRun]) -> None:
    """A batch put down and taken up from its checkpoint at odd moments ends as the undisturbed one."""
    data, above = paper_problem(), MAX_STABLE_STEP * 1.0001
    training = Training(problem_of(data, above), MIXED)
    ended: list[TrainedRun] = []
    advances = 0
    while training.active:
        ended += training.advance()
        advances += 1
        if advances % 37 == 0 or training.step % 8192 == 0:
            kept = unpack_arrays(pack_arrays(training.checkpoint()))
            training = Training.resume(problem_of(data, above), MIXED, kept)
    ended.sort(key=lambda trained: trained.run.index)
    assert [bits(trained) for trained in ended] == [bits(trained) for trained in mixed]


def test_a_checkpoint_of_another_batch_is_refused() -> None:
    """Resuming needs the runs the checkpoint was taken of."""
    training = Training(problem_of(paper_problem()), [planned(3)])
    with pytest.raises(KeyError):
        Training.resume(problem_of(paper_problem()), [planned(4)], training.checkpoint())


def test_a_saddle_is_not_an_oscillation() -> None:
    """A run that stands still for 100,000 steps near a saddle, and then converges, is not given up."""
    data = Dataset(X=np.array([[1.0, 0, 0], [0, 1, 0.5]]), y=np.array([1.0, 1e-3]))
    run = planned(step_size=0.05, init_scale=1e-7, dim=3, loss_tolerance=1e-10, max_steps=1_000_000)
    unstable_step = 2 / flattest_interpolator(data.X, data.y, SQUARED).sharpness_lower
    (trained,) = train(data, run, never_stable_above=unstable_step)
    assert trained.outcome is Outcome.CONVERGED
    assert trained.steps > 100_000


def test_a_cycle_is_found_without_knowing_the_largest_stable_step() -> None:
    """One sample, one dimension: above η* gradient descent has a stable cycle of period two, seen by its iterates."""
    data = Dataset(X=np.array([[1.0]]), y=np.array([1.0]))
    below, above = (planned(k, step_size=eta, init_scale=0.5, dim=1) for k, eta in enumerate((0.45, 0.55)))
    assert [trained.outcome for trained in train(data, below, above)] == [Outcome.CONVERGED, Outcome.OSCILLATING]


def test_nothing_converges_during_warm_up() -> None:
    """A run that interpolates long before its step size is full goes on until it is."""
    run = planned(step_size=5e-4, init_scale=0.1, warmup_steps=60_000, loss_tolerance=1e-3)
    (trained,) = train(paper_problem(), run)
    early = trained.trajectory.curves["train_loss"] < 1e-3
    assert early[trained.trajectory.record_step < 60_000].any()
    assert trained.outcome is Outcome.CONVERGED
    assert trained.steps > 60_000


def test_a_run_that_waits_during_warm_up_ends_as_in_exact_arithmetic() -> None:
    """It interpolates at a point that becomes unstable, ηλ = 2.6 in the end, and leaves only after the warm-up.

    So it does with 320 decimal digits. Plain float64 is set free by its rounding long before, at ηλ = 2.2.
    """
    rng = np.random.default_rng(3)
    X = 5 + np.sqrt(0.1) * rng.standard_normal((2, 4))
    data = Dataset(X=X, y=X @ [1.0, 0.0, 0.0, 0.5] + 0.05 * rng.standard_normal(2))
    flow = flow_limit(data.X, data.y, init_scale=np.ones(4), asymmetry=np.zeros(4)).predictor
    exponent = np.arcsinh(flow / 2) / 2
    step_size = (
        2.6 / interpolator_sharpness_of(data.X, SQUARED.tangent_weights(np.exp(np.stack([exponent, -exponent])))).value
    )
    exact = descend(
        data.X,
        data.y,
        Warming(init_scale=1.0, step_size=step_size, warmup_steps=10_000),
        steps=11_500,
        digits=320,
    )
    expected = step_size * interpolator_sharpness_of(data.X, SQUARED.tangent_weights(np.stack(exact))).value
    common: dict[str, Any] = {"step_size": step_size, "dim": 4, "warmup_steps": 10_000}
    waiting = [planned(k, init_scale=1 + k * 1e-12, holds=True, **common) for k in range(4)]
    *ended, free = train(data, *waiting, planned(4, init_scale=1.0, **common))
    for trained in ended:
        assert trained.outcome is Outcome.CONVERGED
        assert stability(data, trained) == pytest.approx(expected, rel=0.01)
        assert trained.path is RunPath.RELEASED
        assert 1_000 < trained.held_steps < 10_000
    assert abs(stability(data, free) - expected) > 0.1
    assert (free.path, free.held_steps) == (RunPath.CROSSED_EDGE, 0)


def test_the_last_bit_of_the_initialisation_does_not_decide_where_a_run_ends() -> None:
    """α = .3, η = 1.2e-3, W = 1e5, held: interpolates at 40 % of its step size, ηλ = 2.297, and does not stay there.

    In plain float64 it may freeze there, or be set free by rounding, and ends anywhere between ηλ = 1.70 and 1.98.
    """
    data = paper_problem()
    runs = [
        planned(k, step_size=1.2e-3, init_scale=0.3 + k * 1e-12, warmup_steps=100_000, loss_tolerance=1e-10, holds=True)
        for k in range(4)
    ]
    ended = train(data, *runs)
    assert {trained.outcome for trained in ended} == {Outcome.CONVERGED}
    assert np.ptp([stability(data, trained) for trained in ended]) < 1e-3
    assert np.ptp([risk(data, trained) for trained in ended]) < 1e-4
    assert stability(data, ended[0]) == pytest.approx(1.698, abs=2e-3)
    assert risk(data, ended[0]) == pytest.approx(1.0259, rel=1e-3)


def interpolating_start(data: Dataset) -> dict[str, np.ndarray]:
    """A checkpoint of one run that stands, to rounding, on the interpolator where gradient flow from α = .3 ends."""
    (smooth,) = train(data, planned(step_size=1e-3, init_scale=0.3, loss_tolerance=1e-20))
    training = Training(problem_of(data), [planned()])
    kept = dict(training.checkpoint())
    kept["state.theta"] = smooth.theta[:, None]
    kept["state.residual_sum"] = np.linalg.lstsq(data.X.T, smooth.gradient_sum, rcond=None)[0][None]
    return kept


def test_a_run_frozen_on_an_unstable_interpolator_is_perturbed_and_comes_to_a_stable_one() -> None:
    """At full step size: pushed off by a relative 1e-9, counted, and on to ηλ < 2; the certificate goes on holding."""
    data = paper_problem()
    kept = interpolating_start(data)
    run = planned(step_size=1.2e-3, init_scale=0.3)
    training = Training.resume(problem_of(data), [run], kept)
    ended: list[TrainedRun] = []
    while training.active:
        ended += training.advance()
    (trained,) = ended
    assert (
        run.step_size * interpolator_sharpness_of(data.X, SQUARED.tangent_weights(kept["state.theta"][:, 0])).value > 2
    )
    assert trained.outcome is Outcome.CONVERGED
    assert trained.perturbations == 1
    assert stability(data, trained) < 2
    basis = row_space(data.X)
    assert certificate_residual(basis, trained.theta[0], trained.theta[1], trained.gradient_sum) <= 1e-9


def test_without_perturbations_such_a_run_is_called_an_unstable_interpolator() -> None:
    """The run is told apart from a converged one."""
    data = paper_problem()
    run = planned(step_size=1.2e-3, init_scale=0.3, perturb_unstable=False)
    training = Training.resume(problem_of(data), [run], interpolating_start(data))
    ended: list[TrainedRun] = []
    while training.active:
        ended += training.advance()
    assert [trained.outcome for trained in ended] == [Outcome.UNSTABLE_INTERPOLATOR]


def test_curves_start_at_the_beginning_and_end_at_the_end(mixed: list[TrainedRun]) -> None:
    """Recorded steps grow from 0 to the last step, the last values being those of the final state."""
    data = paper_problem()
    for trained in mixed:
        record = trained.trajectory
        assert record.record_step[0] == 0
        assert record.record_step[-1] == trained.steps
        assert (np.diff(record.record_step) > 0).all()
        assert record.curves["train_loss"][0] == pytest.approx(np.mean(data.y**2) / 2, rel=1e-12)
        np.testing.assert_equal(record.curves["train_loss"][-1], trained.loss)
        np.testing.assert_equal(record.curves["excess_risk"][-1], risk(data, trained))


def test_recording_does_not_touch_the_run(mixed: list[TrainedRun]) -> None:
    """Without recording the run ends in the same bits, and has no curves."""
    (trained,) = train(paper_problem(), planned(0, warmup_steps=1000, record_points=0))
    assert trained.theta.tobytes() == mixed[0].theta.tobytes()
    assert trained.trajectory.record_step.size == 0


def test_zero_targets_are_fitted_from_the_start() -> None:
    """Where y = 0 the loss is 0 at once, and stability alone decides."""
    data = Dataset(X=small_problem(0).X, y=np.zeros(3))
    stable, unstable = planned(0, step_size=1e-3, dim=7), planned(1, step_size=10.0, init_scale=1.0, dim=7)
    outcomes = [trained.outcome for trained in train(data, stable, unstable)]
    assert outcomes == [Outcome.CONVERGED, Outcome.UNSTABLE_INTERPOLATOR]


def test_more_samples_than_dimensions_end_at_the_least_squares() -> None:
    """Where nothing interpolates the loss tends to the least one, which the run tells from any other."""
    data = small_problem(3, samples=9, dimension=2)
    (trained,) = train(data, planned(step_size=1e-2, dim=2, max_steps=20_000))
    best = np.linalg.lstsq(data.X, data.y)[0]
    assert trained.outcome is Outcome.STATIONARY
    np.testing.assert_allclose(trained.theta[0] ** 2 - trained.theta[1] ** 2, best, rtol=1e-2)


def test_runs_that_are_held_back_and_leave_again_do_not_feel_their_company() -> None:
    """At large steps and loose tolerances a run may settle, be held back, and move on: when it is judged is its own."""
    rng, kept = np.random.default_rng(5), 0
    for _ in range(25):
        tolerance = float(rng.choice([1e-1, 3e-2, 1e-2]))
        runs = [
            trainings.planned(
                index,
                init_scale=float(rng.choice([0.01, 0.1, 0.3, 0.5])),
                step_size=float(rng.uniform(0.6, 1.2)),
                warmup_steps=0,
                loss_tolerance=tolerance,
                completion_tolerance=1e-7,
                max_steps=20_000,
                record_points=0,
            )
            for index in range(6)
        ]
        for trained in ended_of(trainings.problem_of(), runs):
            assert bits(trainings.trained_alone(trainings.problem_of(), trained.run)) == bits(trained)
            kept += trained.outcome is Outcome.CONVERGED
    assert kept > 10


@pytest.mark.parametrize("dim", [7, 8, 16, 40])
@pytest.mark.parametrize("count", [1, 2, 16])
def test_parameters_that_are_looked_at_are_a_copy(dim: int, count: int) -> None:
    """Whatever shape makes the kernel's own array look like one already: three iterates in a row are compared."""
    problem, runs = problem_of(small_problem(3, samples=3, dimension=dim)), [planned(i, dim=dim) for i in range(count)]
    batch = Batch.at(Progress.begin(problem, runs).state, problem, runs)
    assert not np.shares_memory(batch.theta(), batch.descent.theta)


def test_a_lone_run_in_forty_dimensions_oscillates_as_it_does_in_company() -> None:
    """Where the kernel's array needs no padding."""
    data = paper_problem()
    wide = Dataset(X=data.X[:20, :40], y=data.y[:20])
    largest = 2 / flattest_interpolator(wide.X, wide.y, SQUARED).sharpness_upper
    changes = {"step_size": 1.2 * largest, "warmup_steps": 2000, "dim": 40, "max_steps": 100_000}
    runs = [planned(index, init_scale=scale, **changes) for index, scale in enumerate((0.05, 0.051))]
    together = train(wide, *runs, never_stable_above=1.0001 * largest)
    alone = [train(wide, run, never_stable_above=1.0001 * largest)[0] for run in runs]
    assert [bits(trained) for trained in alone] == [bits(trained) for trained in together]
    assert {trained.outcome for trained in alone} == {Outcome.OSCILLATING}
    assert {trained.cycle.period for trained in alone if trained.cycle} == {2}


@pytest.mark.parametrize("kernel", kernel_names())
def test_minibatches_of_all_samples_take_the_steps_of_gradient_descent(kernel: str) -> None:
    """To the bit, which as gradient descent they then take, alone or beside smaller ones."""
    problem = replace(trainings.problem_of(), kernel=kernel)
    settings = {"takes_all_steps": True, "max_steps": 1920, "record_points": 0}
    whole, descent, some = (
        trainings.planned(index, seed=1, optimizer=optimizer, **settings)
        for index, optimizer in enumerate([Minibatch(batch_size=3), FullBatch(), Minibatch(batch_size=2)])
    )
    drawn, alone, *company = (
        *(ended_of(problem, [run])[0] for run in (whole, descent)),
        *ended_of(problem, [descent, some]),
    )
    assert drawn.path is None
    assert alone.path is not None
    for other in (drawn, company[0]):
        assert other.theta.tobytes() == alone.theta.tobytes()
        assert other.gradient_sum.tobytes() == alone.gradient_sum.tobytes()


STOCHASTIC: list[Optimizer] = [
    Minibatch(batch_size=2, momentum=0.6),
    Minibatch(batch_size=2, sampling=Sampling.WITH_REPLACEMENT),
    Minibatch(batch_size=1, sampling=Sampling.EPOCHS, momentum=0.3),
    Minibatch(batch_size=2, sampling=Sampling.INDICES, indices=((0, 0), (2, 1), (1, 1), (0, 2)) * 500),
    LabelNoise(noise_variance=0.2, noise_steps=900, noise_from=100, batch_size=1),
]


@pytest.mark.parametrize("optimizer", STOCHASTIC)
def test_chance_is_the_same_alone_in_company_and_after_a_pause(
    optimizer: Optimizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, by every kernel; those that fuse multiplication and addition agree with each other."""
    monkeypatch.setattr("core.training.batch.LONGEST_CHUNK", 640)  # of several
    settings: dict[str, Any] = {"takes_all_steps": True, "max_steps": 2000, "step_size": 0.05, "warmup_steps": 0}
    ends = {}
    for kernel in kernel_names():
        problem = replace(trainings.problem_of(), kernel=kernel)
        runs = [trainings.planned(index, optimizer=optimizer, **settings) for index in range(3)]
        together = ended_of(problem, runs)
        assert bits(ended_of(problem, [runs[1]])[0]) == bits(together[1])
        paused, resumed = Training(problem, runs), []
        paused.advance()
        later = Training.resume(problem, runs, paused.checkpoint())
        assert 0 < later.step < 2000
        while later.active:
            resumed += later.advance()
        assert sorted(map(bits, resumed)) == sorted(map(bits, together))
        ends[kernel] = [trained.theta for trained in together]
    for kernel, thetas in ends.items():
        for theta, known in zip(thetas, ends[kernel_names()[0]], strict=True):
            np.testing.assert_allclose(theta, known, rtol=1e-9)
            assert theta.tobytes() == known.tobytes() or kernel not in {"avx512", "avx2"}
