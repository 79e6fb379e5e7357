"""Minibatches and label noise."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.gradient_noise import BLOCK, GradientNoise
from core.descent.optimizers import FullBatch, LabelNoise, Minibatch, Optimizer, ParameterNoise
from core.descent.sampling import Sampling, minibatch_weights

SAMPLES = 5
MINIBATCH = Minibatch(batch_size=2)
LABEL_NOISE = LabelNoise(noise_variance=4.0, noise_steps=3 * BLOCK + 10)
WITH_REPLACEMENT = Minibatch(batch_size=2, sampling=Sampling.WITH_REPLACEMENT)
EPOCHS = Minibatch(batch_size=2, sampling=Sampling.EPOCHS)
NOISY_BATCHES = LabelNoise(noise_variance=4.0, noise_steps=3 * BLOCK + 10, noise_from=70, batch_size=2)
GIVEN = Minibatch(batch_size=2, sampling=Sampling.INDICES, indices=((0, 1), (4, 4), (2, 3)) * 40)


def noise_of(*optimizers: Optimizer, seeds: tuple[int, ...] | None = None) -> GradientNoise:
    """The noise of runs with the seeds given, 0, 1, 2 and so on by default."""
    return GradientNoise(optimizers, seeds or tuple(range(len(optimizers))), SAMPLES)


@pytest.mark.parametrize("optimizer", [MINIBATCH, LABEL_NOISE, WITH_REPLACEMENT, EPOCHS, NOISY_BATCHES, GIVEN])
@given(start=st.integers(0, 150), lengths=st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_noise_depends_on_the_step_and_not_on_how_it_is_reached(
    optimizer: Optimizer, start: int, lengths: list[int]
) -> None:
    """Asked for in pieces of any length it is the same as in one."""
    stop = start + sum(lengths)
    whole = noise_of(optimizer).between(start, stop)
    pieces, noise = [], noise_of(optimizer)
    for length in lengths:
        pieces.append(deepcopy(noise.between(start, start + length)))
        start += length
    for name in ("weight", "shift"):
        one, parts = getattr(whole, name), [getattr(piece, name) for piece in pieces]
        if one is None:
            assert parts == [None] * len(lengths)
        else:
            filled = [
                part if part is not None else np.zeros((n, 1, SAMPLES)) for part, n in zip(parts, lengths, strict=True)
            ]
            np.testing.assert_array_equal(one, np.concatenate(filled))


def test_the_noise_of_a_run_is_its_own() -> None:
    """Company changes nothing, another seed everything."""
    alone = noise_of(MINIBATCH, seeds=(7,)).between(0, 100).weight
    company = noise_of(MINIBATCH, MINIBATCH, seeds=(3, 7)).between(0, 100).weight
    assert alone is not None
    assert company is not None
    np.testing.assert_array_equal(company[:, 1], alone[:, 0])
    assert (company[:, 0] != alone[:, 0]).any()


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [(MINIBATCH, "weight"), (LABEL_NOISE, "shift"), (EPOCHS, "weight"), (NOISY_BATCHES, "weight")],
)
def test_backwards_every_sample_has_the_noise_that_it_has_otherwise(optimizer: Optimizer, name: str) -> None:
    """Sample by sample."""
    backwards = GradientNoise([optimizer], [3], SAMPLES, is_backwards=True).between(10, 100)
    plain = noise_of(optimizer, seeds=(3,)).between(10, 100)
    for sample in range(SAMPLES):
        one, other = (getattr(noise, name)[..., place] for noise, place in ((backwards, sample), (plain, 4 - sample)))
        np.testing.assert_array_equal(one, other)


def test_minibatches_have_their_size_and_every_sample_its_turn() -> None:
    """Weights N/b on b samples: each is as likely as the others."""
    weight = noise_of(MINIBATCH).between(0, 4000).weight
    assert weight is not None
    assert set(np.unique(weight)) == {0.0, SAMPLES / 2}
    assert (np.count_nonzero(weight, axis=-1) == 2).all()
    chosen = np.count_nonzero(weight, axis=(0, 1)) / 4000
    np.testing.assert_allclose(chosen, 2 / SAMPLES, atol=5 * np.sqrt(0.4 * 0.6 / 4000))


def test_all_samples_make_full_batches() -> None:
    """A minibatch of all is gradient descent."""
    assert (minibatch_weights(np.random.default_rng(0).random((9, 4)), 4) == 1.0).all()


def test_label_noise_has_its_variance_and_ends_at_its_last_step() -> None:
    """Fresh at every step, then none at all."""
    shift = noise_of(LABEL_NOISE).between(0, 4 * BLOCK).shift
    assert shift is not None
    noisy = shift[: LABEL_NOISE.noise_steps]
    assert np.var(noisy) == pytest.approx(4.0, rel=5 * np.sqrt(2 / noisy.size))
    assert len(np.unique(noisy)) == noisy.size
    assert not shift[LABEL_NOISE.noise_steps :].any()
    assert noise_of(LABEL_NOISE).between(4 * BLOCK, 5 * BLOCK).shift is None


def test_gradient_descent_has_no_noise() -> None:
    """Nothing is drawn."""
    perturbation = noise_of(FullBatch()).between(0, 10)
    assert perturbation.weight is None
    assert perturbation.shift is None


def test_beside_minibatches_all_samples_weigh_one() -> None:
    """For a run of the same batch that is gradient descent."""
    weight = GradientNoise([Minibatch(batch_size=2), FullBatch()], [1, 2], SAMPLES).between(0, 100).weight
    assert weight is not None
    assert (weight[:, 1] == 1.0).all()
    assert (weight[:, 0] == 0.0).any()


def test_with_replacement_counts_are_binomial() -> None:
    """Each of b draws is any sample: E[w] = 1, E[w²] = (1 − 1/b) + N/b, E[ww'] = 1 − 1/b."""
    weight = noise_of(WITH_REPLACEMENT).between(0, 8000).weight
    assert weight is not None
    assert (weight.sum(axis=-1) == SAMPLES).all()
    assert set(np.unique(weight)) == {0.0, SAMPLES / 2, float(SAMPLES)}
    rows = weight[:, 0]
    moments = rows.T @ rows / len(rows)
    np.testing.assert_allclose(rows.mean(axis=0), 1, atol=0.07)
    np.testing.assert_allclose(np.diag(moments), 0.5 + SAMPLES / 2, atol=0.25)
    np.testing.assert_allclose(moments[~np.eye(SAMPLES, dtype=bool)], 0.5, atol=0.15)


@pytest.mark.parametrize(("samples", "size"), [(6, 2), (5, 2), (200, 1), (7, 3)])
def test_an_epoch_meets_every_sample_once_and_each_has_another_order(samples: int, size: int) -> None:
    """But for N mod b, which others are at another time; also where an epoch is longer than a block of steps."""
    optimizer, in_epoch = Minibatch(batch_size=size, sampling=Sampling.EPOCHS), samples // size
    weight = GradientNoise([optimizer], [3], samples).between(0, 300 * in_epoch).weight
    assert weight is not None
    assert (np.count_nonzero(weight, axis=-1) == size).all()
    epochs = weight[:, 0].reshape(300, in_epoch, samples)
    met = np.count_nonzero(epochs, axis=1)
    assert met.max() == 1
    assert (met.sum(axis=1) == in_epoch * size).all()
    assert met.mean(axis=0) == pytest.approx(in_epoch * size / samples, abs=0.2)
    assert len({epoch.tobytes() for epoch in epochs}) > 25  # of 30 and more
    first = epochs[:, 0].mean(axis=0)  # any sample may come first
    np.testing.assert_allclose(first, 1, atol=6 * np.sqrt(samples / size / 300))


def test_noisy_minibatches_are_drawn_apart_from_their_noise() -> None:
    """Which samples are drawn says nothing of their noise."""
    noise = noise_of(NOISY_BATCHES).between(70, 3 * BLOCK + 10)
    assert noise.weight is not None
    assert noise.shift is not None
    assert noise.shift.all()
    drawn = noise.weight > 0
    assert abs(noise.shift[drawn].mean() - noise.shift[~drawn].mean()) < 6 * 2 / np.sqrt(drawn.sum())


def test_given_samples_are_those_of_their_steps() -> None:
    """And count as often as they are given."""
    weight = noise_of(GIVEN).between(0, 3).weight
    assert weight is not None
    np.testing.assert_array_equal(weight[:, 0], [[2.5, 2.5, 0, 0, 0], [0, 0, 0, 0, 5], [0, 0, 2.5, 2.5, 0]])


def test_noise_on_parameters_is_a_function_of_run_and_step() -> None:
    """On the parts that are trained alone, off after its last step, and backwards that of the same coordinates."""
    noisy = np.repeat(np.array([[True], [False], [True], [False]]), 5, axis=1)
    runs = [ParameterNoise(variance=0.04, noise_steps=100)] * 2
    forth = GradientNoise(runs, [3, 4], 7, noisy=noisy)
    whole = forth.between(0, 120).parameters
    assert whole is not None
    assert whole.shape == (120, 4, 2, 5)
    assert not whole[:, [1, 3]].any()
    assert not whole[100:].any()
    assert np.std(whole[:100, [0, 2]]) == pytest.approx(0.2, rel=0.1)
    assert not np.array_equal(whole[:, :, 0], whole[:, :, 1])
    later = GradientNoise(runs[1:], [4], 7, noisy=noisy).between(50, 70).parameters
    backwards = GradientNoise(runs[1:], [4], 7, noisy=noisy, is_backwards=True).between(50, 70).parameters
    assert later is not None
    assert backwards is not None
    np.testing.assert_array_equal(later[:, :, 0], whole[50:70, :, 1])
    np.testing.assert_array_equal(backwards, later[..., ::-1])
    assert forth.between(100, 110).parameters is None
    assert forth.quiet_from(100)
