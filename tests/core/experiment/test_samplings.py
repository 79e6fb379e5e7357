"""SGD of given samples, in passes and with momentum, and noisy minibatches: whole runs against a plain loop."""

from typing import Any

import numpy as np
import pytest

from core.descent.gradient_noise import GradientNoise
from core.descent.schedule import Stages
from core.experiment.run import run
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid

SAMPLES, DIM, STEPS = 6, 9, 150


def problem() -> tuple[np.ndarray, np.ndarray]:
    """Six samples that something interpolates."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((SAMPLES, DIM))
    return X, X @ np.where(np.arange(DIM) < 2, 1.0, 0.0)


def spec_of(optimizer: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A run on u∘v from u = a, v = 0, in the units of the literature."""
    X, y = problem()
    return {
        "name": "",
        "data": {"kind": "inline", "X": X.tolist(), "y": y.tolist()},
        "model": {"kind": "uv_product"},
        "initialization": {"kind": "uniform", "scale": 0.2},
        "optimizer": {"step_size": 0.05} | optimizer,
        "stopping": {"max_steps": STEPS},
        "recording": {"points": 0, "sensitivity": False},
    } | others


def plain_loop(
    indices: list[list[int]], *, momentum: float = 0.0, noise: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """SGD on ½(⟨u∘v, x⟩ − y)² averaged over the samples of each step, one after the other."""
    X, y = problem()
    u, v = np.full(DIM, 0.2), np.zeros(DIM)
    du, dv = np.zeros(DIM), np.zeros(DIM)
    for step, batch in enumerate(indices):
        slope = np.zeros(DIM)
        for sample in batch:
            target = y[sample] + (0.0 if noise is None else noise[step, sample])
            slope += (X[sample] @ (u * v) - target) * X[sample] / len(batch)
        du, dv = momentum * du - 0.05 * slope * v, momentum * dv - 0.05 * slope * u
        u, v = u + du, v + dv
    return u, v


def ends(document: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    """θ = (u, v) at the end of the one run of a spec, and what is reported of it."""
    done = run(ExperimentSpec.model_validate(document))
    (arrays,), (summary,) = done.arrays, done.summaries
    return np.stack([arrays["u_plus"], arrays["v_plus"]]), dict(summary)


def drawn(document: dict[str, Any], steps: int) -> list[list[int]]:
    """The samples of each step as the run has them, each as often as it counts."""
    (one,) = Grid(ExperimentSpec.model_validate(document)).runs()
    weight = GradientNoise([one.optimizer], [one.seed], SAMPLES).between(0, steps).weight
    assert weight is not None
    size = document["optimizer"]["batch_size"]
    return [np.repeat(np.arange(SAMPLES), np.rint(row * size / SAMPLES).astype(int)).tolist() for row in weight[:, 0]]


@pytest.mark.parametrize("momentum", [0.0, 0.7])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_given_samples_are_those_of_the_steps(size: int, momentum: float) -> None:
    """In the order given, also where one repeats within a step; the run ends with its stream."""
    indices = np.random.default_rng(size).integers(SAMPLES, size=(STEPS, size)).tolist()
    optimizer = {"kind": "sgd", "batch_size": size, "sampling": "indices", "indices": indices, "momentum": momentum}
    theta, summary = ends(spec_of(optimizer, stopping={"max_steps": 10**6}))
    np.testing.assert_allclose(theta, plain_loop(indices, momentum=momentum), rtol=1e-12, atol=1e-14)
    assert summary["outcome"] == "stopped"
    assert summary["steps"] == STEPS
    assert summary["mean_square_stable_step"] is None
    assert (summary["certificate_residual"] is None) is (momentum > 0)


@pytest.mark.parametrize("momentum", [0.0, 0.7])
@pytest.mark.parametrize("sampling", ["without_replacement", "with_replacement", "epochs"])
def test_what_is_drawn_is_what_is_trained_on(sampling: str, momentum: float) -> None:
    """Of every sampling, with momentum and without."""
    document = spec_of(
        {"kind": "sgd", "batch_size": 2, "sampling": sampling, "momentum": momentum}, stopping={"steps": STEPS}
    )
    theta, summary = ends(document)
    np.testing.assert_allclose(theta, plain_loop(drawn(document, STEPS), momentum=momentum), rtol=1e-12, atol=1e-14)
    assert (summary["mean_square_stable_step"] is None) is (sampling == "epochs")


def test_one_pass_meets_every_sample_once_and_is_the_first_epoch() -> None:
    """Then the run is over; of seven samples in pairs one is left out."""
    document = spec_of({"kind": "sgd", "batch_size": 2, "sampling": "one_pass"})
    theta, summary = ends(document)
    samples = drawn(document, 3)
    assert sorted(np.ravel(samples).tolist()) == list(range(SAMPLES))
    np.testing.assert_allclose(theta, plain_loop(samples), rtol=1e-12)
    assert (summary["steps"], summary["outcome"]) == (3, "stopped")


def test_noisy_minibatches_are_those_of_noisy_targets() -> None:
    """Noise from step 20 to step 90, minibatches throughout."""
    optimizer = {"kind": "label_noise", "noise_variance": 0.3, "noise_from": 20, "noise_steps": 90, "batch_size": 2}
    document = spec_of(optimizer, stopping={"steps": STEPS})
    (one,) = Grid(ExperimentSpec.model_validate(document)).runs()
    shift = GradientNoise([one.optimizer], [one.seed], SAMPLES).between(0, 128).shift
    assert shift is not None
    noise = np.concatenate([shift[:, 0], np.zeros((STEPS - 128, SAMPLES))])
    assert not noise[:20].any()
    assert noise[20:90].all()
    assert not noise[90:].any()
    theta, _ = ends(document)
    np.testing.assert_allclose(theta, plain_loop(drawn(document, STEPS), noise=noise), rtol=1e-12)


def test_a_pass_over_minibatches_of_all_samples_is_descent_to_the_bit() -> None:
    """Whatever their order is; and with momentum heavy ball."""
    for momentum, plain in ((0.0, {"kind": "gradient_descent"}), (0.5, {"kind": "heavy_ball", "momentum": 0.5})):
        optimizer = {"kind": "sgd", "batch_size": SAMPLES, "sampling": "epochs", "momentum": momentum}
        for found, known in zip(ends(spec_of(optimizer)), ends(spec_of(plain)), strict=True):
            assert np.array_equal(found, known) if isinstance(found, np.ndarray) else found == known


def test_the_threshold_in_the_mean_square_is_reported_where_the_run_ends() -> None:
    """Below 2/λ_max by what minibatches cost, and above η where the run is stable there."""
    _, summary = ends(spec_of({"kind": "sgd", "batch_size": 2}, stopping={"max_steps": 100_000}))
    assert summary["outcome"] == "converged"
    assert 0.05 < summary["mean_square_stable_step"] < 2 / summary["sharpness"]


HALVED: dict[str, Any] = {"schedule": "piecewise", "schedule_at_fractions": [0.5], "schedule_factor": 0.5}


def test_parts_of_the_steps_that_are_asked_for_are_parts_of_a_stream() -> None:
    """Of a budget beyond the stream they would never be reached, and the run be told the step size of its end."""
    optimizer = {"kind": "sgd", "batch_size": 1, "sampling": "one_pass"} | HALVED
    spec = ExperimentSpec.model_validate(spec_of(optimizer, stopping={"steps": SAMPLES}))
    assert Grid(spec).run(0).step_shape == Stages(changes=(3,), factors=(0.5,))


@pytest.mark.parametrize(
    ("optimizer", "stopping", "said"),
    [
        ({"sampling": "indices"}, {}, "indices are given"),
        ({"indices": [[0], [1]]}, {}, "indices are given"),
        ({"sampling": "indices", "indices": [[0, 1], [1]]}, {}, "batch_size places: here 1, 2"),
        (
            {"batch_size": {"values": [1, 2]}, "sampling": "indices", "indices": [[0, 1], [1]]},
            {},
            "batch_size places: here 1, 2",
        ),
        ({"sampling": "indices", "indices": [[0], [6]]}, {}, "indices has sample 6; the last is 5"),
        ({"sampling": "indices", "indices": [[0], [1]], "seed": 3}, {}, "leave seed out"),
        ({"sampling": "indices", "indices": [[0], [1]]}, {"steps": 3}, "stream of samples ends after 2"),
        ({"sampling": "one_pass"}, {"steps": 7}, "stream of samples ends after 6"),
        ({"sampling": "one_pass", "step_size": {"largest_convergent": {}}}, {}, "a stream of samples only ends"),
        ({"sampling": "one_pass"} | HALVED, {}, "schedule_at_fractions of a stream"),
        ({"sampling": "twice"}, {}, "without_replacement"),
        ({"momentum": 1.0}, {}, "less than or equal to"),
        ({"batch_size": 7}, {}, "exceeds the 6 samples"),
    ],
)
def test_nonsense_is_refused(optimizer: dict[str, Any], stopping: dict[str, Any], said: str) -> None:
    """With the numbers that do not fit."""
    document = spec_of({"kind": "sgd", "batch_size": 1} | optimizer, stopping=stopping)
    with pytest.raises(ValueError, match=said):
        ExperimentSpec.model_validate(document)


def test_noise_that_ends_before_it_begins_is_refused() -> None:
    """It would be none."""
    noise = {"kind": "label_noise", "noise_variance": 1.0, "noise_steps": 5, "noise_from": {"values": [0, 5]}}
    with pytest.raises(ValueError, match="leaves no noise before step 5"):
        ExperimentSpec.model_validate(spec_of(noise))


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "sgd", "batch_size": 2, "seed": 4},
        {"kind": "label_noise", "noise_variance": 0.1, "noise_steps": 9, "seed": 4},
    ],
)
def test_documents_of_before_are_spelled_and_keyed_as_before(optimizer: dict[str, Any]) -> None:
    """Defaults that are said are left out again."""
    said = {"sgd": {"sampling": "without_replacement", "momentum": 0.0}, "label_noise": {"noise_from": 0}}
    plain, spoken = (
        ExperimentSpec.model_validate(spec_of(each)) for each in (optimizer, optimizer | said[optimizer["kind"]])
    )
    assert plain.science()["optimizer"] == optimizer | {"step_size": 0.05, "warmup_steps": 0}
    assert plain.canonical() == spoken.canonical()
    assert Grid(plain).run(0).key == Grid(spoken).run(0).key
    assert Grid(plain).run(0).seed == Grid(spoken).run(0).seed


@pytest.mark.parametrize("sampling", ["with_replacement", "epochs"])
def test_a_run_that_is_completed_would_have_ended_there(sampling: str) -> None:
    """As it does where it insists on iterating, within the errors of both; long before."""
    optimizer = {"kind": "sgd", "batch_size": 2, "sampling": sampling, "step_size": 0.02}
    tight = {"loss_tolerance": 1e-20, "max_steps": 10**6}
    iterated, by_hand = ends(spec_of(optimizer, stopping=tight | {"finish": "iterate"}))
    completed, found = ends(spec_of(optimizer, stopping=tight | {"finish": "auto", "completion_tolerance": 1e-4}))
    assert (by_hand["finished_by"], found["finished_by"]) == ("iteration", "completion")
    assert by_hand["outcome"] == found["outcome"] == "converged"
    assert found["steps"] < by_hand["steps"] / 2
    beta = completed.prod(axis=0)
    apart = np.linalg.norm(beta - iterated.prod(axis=0)) / np.linalg.norm(beta)
    assert apart <= found["limit_error"] + by_hand["limit_error"]
    assert 0 < found["limit_error"] <= 1e-3


def test_with_momentum_sgd_is_iterated_and_nothing_is_claimed_of_its_limit() -> None:
    """No completion, no certificate, and an error of 1, though its threshold is known."""
    optimizer = {"kind": "sgd", "batch_size": 2, "momentum": 0.5, "step_size": 0.02}
    _, found = ends(spec_of(optimizer, stopping={"max_steps": 100_000}))
    assert (found["outcome"], found["finished_by"]) == ("converged", "iteration")
    assert found["certificate_residual"] is None
    assert found["limit_error"] == 1
    assert found["mean_square_stable_step"] > 0.02
