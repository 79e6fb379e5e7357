"""What is recorded of every coordinate, beside a plain loop; in company, interrupted, by every kernel."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.array_block import pack_arrays, unpack_arrays
from core.descent.kernel import NUMPY, kernel_names
from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch, Optimizer
from core.networks.network import UV, Diagonal, Network
from core.record_plan import RecordPlan, Spacing, VectorQuantity
from core.training.batch_training import Training
from core.training.sensitivity import WithTwin
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trials import SingleTrial, Trials
from tests.core.trainings import TINY, bits, ended_of, planned, problem_of, trained_alone

pytestmark = pytest.mark.usefixtures("short_chunks")

ALL = RecordPlan(spacing=Spacing.LINEAR, vectors=tuple(VectorQuantity))


def followed(index: int = 0, **changes: Any) -> TrainingRun:
    """A run of 700 steps, 100 of them of warm-up, recorded at eight of them."""
    settings: dict[str, Any] = {"max_steps": 700, "takes_all_steps": True, "warmup_steps": 100, "record_points": 8}
    return planned(index, record_plan=ALL, **settings | {"step_size": 0.1 + 0.05 * index} | changes)


def by_hand(run: TrainingRun, network: Network) -> dict[str, np.ndarray]:
    """Gradient descent by the book: Σ η_tβ_t over all steps, β, and what the layers conserve, at the recorded steps."""
    X, y, theta = TINY.X, TINY.y, run.initial.copy()
    steps = np.rint(np.linspace(0, run.max_steps, run.record_points)).astype(int).tolist()
    rows: dict[str, list[np.ndarray]] = {"time": [], "predictor": [], "time_average": [], "balance": []}
    total, time = np.zeros(X.shape[1]), 0.0
    for step in range(run.max_steps + 1):
        beta = _beta(theta, network)
        if step in steps:
            rows["time"].append(np.array(time))
            rows["predictor"].append(beta)
            rows["time_average"].append(total / time if time else np.full_like(total, np.nan))
            rows["balance"].append(_balance(theta, network))
        eta = run.step_size * min(1.0, (step + 1) / max(run.warmup_steps, 1))
        gradient = X.T @ (X @ beta - y) / len(y)
        total, time = total + eta * beta, time + eta
        theta = theta - eta * _slopes(theta, network) * gradient
    return {name: np.array(values) for name, values in rows.items()}


def _beta(theta: np.ndarray, network: Network) -> np.ndarray:
    if len(theta) == 4:
        return np.asarray(theta[0] * theta[2] - theta[1] * theta[3])
    return np.asarray(theta[0] ** network.degree - theta[1] ** network.degree)


def _slopes(theta: np.ndarray, network: Network) -> np.ndarray:
    if len(theta) == 4:
        return np.array([theta[2], -theta[3], theta[0], -theta[1]])
    depth = network.degree
    return np.array([depth * theta[0] ** (depth - 1), -depth * theta[1] ** (depth - 1)])


def _balance(theta: np.ndarray, network: Network) -> np.ndarray:
    if len(theta) == 4:
        return np.asarray(theta[0] ** 2 - theta[2] ** 2)
    if network.degree == 2:
        return np.asarray(theta[0] * theta[1])
    return np.asarray(theta[0] ** (2.0 - network.degree) + theta[1] ** (2.0 - network.degree))


NETWORKS = [(Diagonal(2), 2), (Diagonal(3), 2), (UV(), 4)]


@pytest.mark.parametrize(("network", "parts"), NETWORKS)
def test_vectors_are_those_of_a_plain_loop(network: Network, parts: int) -> None:
    """β, its average over all steps by their size, and the balance, at linear steps and with warm-up."""
    start = np.linspace(0.2, 0.5, parts * 7).reshape(parts, 7)
    run = followed(initial=start)
    found, expected = trained_alone(problem_of(network=network), run).trajectory, by_hand(run, network)
    np.testing.assert_allclose(found.time, expected.pop("time"), rtol=1e-12)
    for name, values in expected.items():
        np.testing.assert_allclose(found.vectors[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


OPTIMIZERS: list[Optimizer] = [
    FullBatch(),
    HeavyBall(momentum=0.5),
    Minibatch(batch_size=2),
    LabelNoise(noise_variance=0.1, noise_steps=300),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kernel", kernel_names())
def test_vectors_of_a_run_are_those_of_the_run_alone_and_leaves_its_end_as_it_is(
    optimizer: Optimizer, kernel: str
) -> None:
    """In company, by every kernel; and with nothing recorded of coordinates a run has the same bits otherwise."""
    problem = replace(problem_of(), kernel=kernel)
    runs = [followed(index, optimizer=optimizer) for index in range(3)]
    together = ended_of(problem, runs)
    for run, trained in zip(runs, together, strict=True):
        assert bits(trained) == bits(trained_alone(problem, run))
        plain = trained_alone(problem, replace(run, record_plan=replace(ALL, vectors=())))
        assert plain.trajectory.vectors == {}
        assert plain.trajectory.time.size == 0
        np.testing.assert_array_equal(plain.theta, trained.theta)


def test_compiled_kernels_sum_alike() -> None:
    """Whatever the width of a vector, to the bit; NumPy's sums differ from them by the products' rounding alone."""
    run = followed(optimizer=Minibatch(batch_size=2))
    ends = {name: trained_alone(replace(problem_of(), kernel=name), run).trajectory for name in kernel_names()}
    fused = [ends[name] for name in kernel_names() if name not in {NUMPY, "baseline"}]
    for each in fused[1:]:
        np.testing.assert_array_equal(each.vectors["time_average"], fused[0].vectors["time_average"])
    for each in ends.values():
        np.testing.assert_array_equal(each.time, ends[NUMPY].time)
        np.testing.assert_allclose(
            each.vectors["time_average"], ends[NUMPY].vectors["time_average"], rtol=1e-9, atol=1e-14
        )


def test_vectors_go_through_checkpoints_to_the_bit() -> None:
    """Of a training that is stopped at every chance."""
    runs = [followed(index) for index in range(3)]
    expected = [bits(trained) for trained in ended_of(problem_of(), runs)]
    training, ended = Training(problem_of(), runs), []
    while training.active:
        ended += training.advance()
        if training.active:
            kept = unpack_arrays(pack_arrays(training.checkpoint()))
            training = Training.resume(problem_of(), runs, kept)
    assert [bits(trained) for trained in sorted(ended, key=lambda trained: trained.run.index)] == expected


def test_a_run_with_a_twin_keeps_its_vectors_through_checkpoints_and_the_twin_has_none() -> None:
    """Between the rounds its end is in the history, with that of a run that records nothing."""
    runs = [followed(0), followed(1, record_points=0)]
    searches = [WithTwin(search=SingleTrial(run=run), network=Diagonal(2)) for run in runs]
    expected = [bits(trained_alone(problem_of(), run)) for run in runs]
    trials, ended = Trials(problem_of(), searches), []
    while trials.active:
        ended += trials.advance()
        if trials.active:
            trials = Trials.resume(problem_of(), searches, unpack_arrays(pack_arrays(trials.checkpoint())))
    found = [bits(replace(each.trained, run=replace(each.trained.run, has_twin=False))) for each in ended]
    assert found == expected


def test_the_end_of_a_run_is_its_last_record() -> None:
    """A run that converges before its budget has its last iterate as the last record."""
    trained: TrainedRun = trained_alone(problem_of(), planned(record_plan=ALL, record_points=4))
    assert trained.trajectory.record_step[-1] == trained.steps
    np.testing.assert_array_equal(trained.trajectory.vectors["predictor"][-1], Diagonal(2).predictor(trained.theta))
    assert len(trained.trajectory.time) == len(trained.trajectory.record_step)
