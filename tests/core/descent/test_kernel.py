"""The kernels: the compiled one against NumPy's, and what happens where there is none."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import NO_NOISE, ResidualNoise
from core.descent.kernel import NUMPY, chosen, kernel_id, kernel_names, kernels, sharpness
from core.descent.loss_events import NO_EVENTS
from core.descent.loss_growth import LossGrowth
from core.descent.native import library as native
from core.descent.native.descent import LARGE, _strided, is_swept
from core.descent.native.sharpness import NativeSharpness
from core.descent.numpy_descent import Descent
from core.descent.sampling import minibatch_weights
from core.errors import InvalidChoice
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from service.hatch_build import TARGET, compile_kernel
from tests.core.trainings import ended_of, planned, problem_of

COMPILED = [name for name in kernel_names() if name != NUMPY]
FUSING = [name for name in COMPILED if name != "baseline"]
compiled = pytest.mark.parametrize("name", COMPILED or [pytest.param("", marks=pytest.mark.skip("none is compiled"))])
NETWORKS: list[Network] = [Diagonal(2), Diagonal(3), Diagonal(4), Diagonal(7), UV()]
SHAPES = [(1, 1), (3, 2), (7, 13), (50, 100), (3, 300), (300, 40), (520, 33)]


@pytest.mark.parametrize("name", kernel_names())
def test_what_trains_looks_at_the_sharpness(name: str) -> None:
    """The compiled kernel with its own, NumPy with the reference."""
    found = sharpness(name, np.ones((2, 3)), np.ones(2), Diagonal(2))
    assert isinstance(found, NativeSharpness) == (name != NUMPY)


def test_a_row_that_all_steps_share_is_there_once() -> None:
    """A schedule at full step size takes no memory; any other is there step by step."""
    for rows, kept in ((np.broadcast_to([1.0, 2.0], (5, 2)), [2.0, 4.0]), (np.ones((5, 2)), [[2.0, 2.0]] * 5)):
        found, stride = _strided(rows, 2.0)
        np.testing.assert_array_equal(found, kept)
        assert stride == (0 if found.ndim == 1 else 2)


def both(
    name: str, X: np.ndarray, y: np.ndarray, network: Network, state: BatchState
) -> tuple[BatchDescent, BatchDescent]:
    """The same batch, by a compiled kernel and by NumPy."""
    return kernels()[name](X, y, network, state), Descent(X, y, network, state)


def random_state(rng: np.random.Generator, network: Network, lanes: int, samples: int, dim: int) -> BatchState:
    """Parameters near 0.3, of either sign, and an accumulator."""
    theta = 0.3 + 0.2 * rng.standard_normal((len(network.parts), lanes, dim))
    return BatchState(theta=theta, residual_sum=rng.standard_normal((lanes, samples)))


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize(("samples", "dim"), SHAPES)
@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 5, 6, 7, 8, 13])
def test_a_compiled_step_is_numpys_to_rounding(name: str, network: Network, samples: int, dim: int, lanes: int) -> None:
    """From shared states, with and without a perturbed residual and momentum: every number to 1e-14."""
    rng = np.random.default_rng([samples, dim, lanes])
    X, y = rng.standard_normal((samples, dim)) + 1, rng.standard_normal(samples)
    state = random_state(rng, network, lanes, samples, dim)
    noisy = ResidualNoise(shift=rng.standard_normal((1, lanes, samples)), weight=rng.uniform(0, 2, (1, lanes, samples)))
    momentum = rng.uniform(0, 1, (1, lanes))
    velocity = 0.01 * rng.standard_normal(state.theta.shape)
    for started, noise in itertools.product([state, replace(state, velocity=velocity)], [NO_NOISE, noisy]):
        ours, theirs = both(name, X, y, network, started)
        for batch in (ours, theirs):
            batch.advance(np.full((1, lanes), 1e-3), StepTerms(noise=noise, momentum=momentum))
        for mine, reference in [
            (ours.state.theta, theirs.state.theta),
            (ours.state.residual_sum, theirs.state.residual_sum),
            (ours.losses(), theirs.losses()),
        ]:
            np.testing.assert_allclose(mine, reference, rtol=0, atol=1e-14 * max(1.0, np.abs(reference).max()))


@pytest.mark.skipif(len(FUSING) < 2, reason="there are no two to compare")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
def test_all_instruction_sets_that_fuse_give_the_same_bits(network: Network) -> None:
    """The order of a sum is that of k, one fused multiply-add each, however wide the vectors are."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((50, 300)), rng.standard_normal(50)
    state = random_state(rng, network, 7, 50, 300)
    ends = set()
    for name in FUSING:
        batch = kernels()[name](X, y, network, state)
        batch.advance(np.full((100, 7), 1e-4))
        ends.add((batch.theta.tobytes(), batch.state.residual_sum.tobytes(), batch.losses().tobytes()))
    assert len(ends) == 1


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize(("samples", "dim"), [(203, 605), (131, 8011)])
def test_a_large_matrix_is_passed_once_or_twice_to_the_same_bits(
    name: str, network: Network, samples: int, dim: int
) -> None:
    """Few lanes pass it once, many twice: what becomes of each, with noise and momentum, is the same."""
    rng = np.random.default_rng(samples)
    X, y = rng.standard_normal((samples, dim)), rng.standard_normal(samples)
    many = random_state(rng, network, 17, samples, dim)
    noise = ResidualNoise(shift=rng.standard_normal((3, 17, samples)), weight=rng.uniform(0, 2, (3, 17, samples)))
    steps, momentum = np.full((3, 17), 1e-5), np.full((3, 17), 0.5)
    rolling = replace(many, velocity=np.zeros_like(many.theta))
    for started, drawn in itertools.product([many, rolling], [NO_NOISE, noise]):
        together = kernels()[name](X, y, network, started)
        together.advance(steps, StepTerms(noise=drawn, momentum=momentum))
        for lanes in (1, 2) if X.size < LARGE else (1, 3, 9, 16):
            assert is_swept(X.size, lanes)
            few = ResidualNoise(
                shift=None if drawn.shift is None else drawn.shift[:, :lanes],
                weight=None if drawn.weight is None else drawn.weight[:, :lanes],
            )
            apart = kernels()[name](X, y, network, started.select(np.arange(lanes)))
            apart.advance(steps[:, :lanes], StepTerms(noise=few, momentum=momentum[:, :lanes]))
            assert apart.theta.tobytes() == together.theta[:, :lanes].tobytes()
            assert apart.state.residual_sum.tobytes() == together.state.residual_sum[:lanes].tobytes()
            assert apart.losses().tobytes() == together.losses()[:lanes].tobytes()
    assert not is_swept(X.size, 17)


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize(("samples", "dim", "batch_size"), [(50, 100, 5), (50, 100, 12), (203, 605, 30), (41, 7, 1)])
def test_the_rows_of_a_minibatch_alone_give_the_bits_of_all_samples_with_weights(
    name: str, network: Network, samples: int, dim: int, batch_size: int
) -> None:
    """Beside a run on all samples every run multiplies by all of them, by itself by those that it has drawn."""
    rng = np.random.default_rng(batch_size)
    X, y = rng.standard_normal((samples, dim)), rng.standard_normal(samples)
    state = random_state(rng, network, 4, samples, dim)
    weight = minibatch_weights(rng.random((5 * 4, samples)), batch_size).reshape(5, 4, samples)
    weight[:, 3] = 1.0
    together = kernels()[name](X, y, network, state)
    together.advance(np.full((5, 4), 1e-4), StepTerms(noise=ResidualNoise(weight=weight)))
    apart = kernels()[name](X, y, network, state.select(np.arange(3)))
    apart.advance(np.full((5, 3), 1e-4), StepTerms(noise=ResidualNoise(weight=weight[:, :3])))
    assert apart.theta.tobytes() == together.theta[:, :3].tobytes()
    assert apart.state.residual_sum.tobytes() == together.state.residual_sum[:3].tobytes()


@compiled
@given(
    start=st.integers(0, 100),
    steps=st.integers(1, 200),
    level=st.floats(-6, 0),
    kind_since=st.tuples(st.sampled_from(["converged", "frozen", "diverged"]), st.integers(0, 300)),
)
def test_a_chunk_ends_where_numpys_does(
    name: str, start: int, steps: int, level: float, kind_since: tuple[str, int]
) -> None:
    """The same checks, at the same steps, and the same early end."""
    kind, since = kind_since
    X, y = np.random.default_rng(1).standard_normal((4, 9)), np.ones(4)
    state = BatchState.begin(np.full((2, 3, 9), 0.4), 4)
    levels = 10**level * np.array([1.0, 1e-9, 1e-9])
    settings: dict[str, Any] = {
        "converged": {"converged_below": levels, "converged_from": np.full(3, since)},
        "frozen": {"frozen_below": levels, "frozen_until": np.full(3, since)},
        "diverged": {"diverged_above": np.array([np.inf, 10**level, np.inf])},
    }[kind]
    events = replace(NO_EVENTS, start=start, interval=16, **settings)
    schedule = np.broadcast_to([0.2, 0.01, 0.1], (steps, 3))
    mine, reference = (batch.advance(schedule, events=events) for batch in both(name, X, y, Diagonal(2), state))
    assert (mine.steps, mine.ended_by_event) == (reference.steps, reference.ended_by_event)
    assert mine.losses.shape == reference.losses.shape
    np.testing.assert_allclose(mine.losses, reference.losses, rtol=1e-9, atol=1e-20)


@compiled
@pytest.mark.parametrize(("samples", "dim", "lanes"), [(3, 5, 7), (50, 100, 4), (300, 250, 1)])
def test_growth_is_noted_where_numpys_notes_it(name: str, samples: int, dim: int, lanes: int) -> None:
    """Across chunks, with a run that stands still and one that diverges; X passed twice a step, and once."""
    rng = np.random.default_rng(dim)
    X, y = rng.standard_normal((samples, dim)), rng.standard_normal(samples)
    state = random_state(rng, Diagonal(2), lanes, samples, dim)
    schedule = np.tile(np.geomspace(3, 0.3, lanes) * samples / dim, (200, 1))
    schedule[:, lanes // 2 + 1 :: 3] = 0
    noted = []
    for batch in both(name, X, y, Diagonal(2), state):
        lowest, grew_at = np.full(lanes, np.inf), np.zeros(lanes, dtype=np.int64)
        growth = LossGrowth(least=0.0, floor=np.full(lanes, 1e-20), lowest=lowest, grew_at=grew_at)
        for start, stop in itertools.pairwise([0, 3, 64, 65, 90, 200]):
            batch.advance(schedule[start:stop], events=replace(NO_EVENTS, start=start, interval=16), growth=growth)
        noted.append((growth.grew_at.tolist(), growth.lowest))
    (mine, lowest), (theirs, reference) = noted
    assert mine == theirs
    assert any(mine)
    np.testing.assert_allclose(lowest, reference, rtol=1e-6)


def test_checks_are_counted_from_the_first_multiple_of_the_interval() -> None:
    """From step 60 there are checks at 64 and 128 in 70 steps, and the next is 58 away."""
    events = replace(NO_EVENTS, start=60, interval=64)
    assert (events.checks(3), events.checks(4), events.checks(70), events.to_next(70)) == (0, 1, 2, 62)


@pytest.mark.parametrize("name", kernel_names())
def test_a_training_ends_in_the_same_way_by_every_kernel(name: str) -> None:
    """Outcome, steps and end; the last bits are the kernel's own."""
    runs = [planned(0), planned(1, init_scale=0.2, step_size=0.4), planned(2, step_size=0.75)]
    problem = problem_of()
    ours = ended_of(replace(problem, kernel=name), runs)
    reference = ended_of(replace(problem, kernel=NUMPY), runs)
    assert [run.outcome for run in ours] == [Outcome.CONVERGED, Outcome.CONVERGED, Outcome.OSCILLATING]
    for mine, theirs in zip(ours[:2], reference[:2], strict=True):
        assert (mine.outcome, mine.steps) == (theirs.outcome, theirs.steps)
        np.testing.assert_allclose(mine.theta, theirs.theta, rtol=1e-6)


def test_a_kernel_is_chosen_by_name_and_the_best_by_default() -> None:
    """Its id tells it and NumPy's sums apart."""
    assert chosen("auto") == kernel_names()[0]
    assert chosen(NUMPY) == NUMPY
    assert len({kernel_id(name) for name in kernel_names()}) == len(kernel_names())
    with pytest.raises(InvalidChoice, match="kernel is none of its choices"):
        chosen("abacus")


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An installation that found no compiler."""
    monkeypatch.setattr(native, "FILE", tmp_path / "nothing.so")
    for cached in (native.library, kernels):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (native.library, kernels):
        cached.cache_clear()


@pytest.mark.usefixtures("without_library")
def test_without_the_library_numpy_trains() -> None:
    """Nothing else is missing."""
    assert kernel_names() == (NUMPY,)
    (trained,) = ended_of(problem_of(), [planned()])
    assert trained.outcome is Outcome.CONVERGED


def test_without_a_compiler_the_installation_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No compiler, and one that fails."""
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "there is no C compiler (no-such-compiler)" in compile_kernel(tmp_path)
    monkeypatch.setenv("CC", "false")
    assert compile_kernel(tmp_path)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_library_is_compiled_without_a_warning(tmp_path: Path) -> None:
    """From its own files alone; -O1 has the warnings that only an optimiser finds, in a third of the time of -O3."""
    folder = tmp_path / TARGET.parent
    folder.mkdir(parents=True)
    for file in TARGET.parent.glob("*.[ch]"):
        shutil.copy(file, folder)
    assert compile_kernel(tmp_path, "-O1", "-Wall", "-Wextra", "-Werror") == ""
    assert (tmp_path / TARGET).exists()


def test_a_library_of_another_source_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arrays would be read as ours are laid out; NumPy trains until it is compiled anew."""
    monkeypatch.setattr(native, "VERSION", native.VERSION + 1)
    native.library.cache_clear()
    try:
        assert native.library() is None
    finally:
        monkeypatch.undo()
        native.library.cache_clear()
