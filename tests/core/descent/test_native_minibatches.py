"""Minibatches drawn in C, against NumPy's draws of them: not a bit is another."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.descent.gradient_noise import BLOCK, GradientNoise
from core.descent.kernel import NUMPY, kernel_names
from core.descent.native import minibatches
from core.descent.native.minibatches import NativeMinibatches, draws_as_numpy
from core.descent.optimizers import FullBatch, LabelNoise, Minibatch, Optimizer
from core.descent.sampling import BatchSampler, Sampling, minibatch_weights

pytestmark = pytest.mark.skipif(kernel_names() == (NUMPY,), reason="none is compiled")

DRAWN = (Sampling.WITHOUT_REPLACEMENT, Sampling.WITH_REPLACEMENT, Sampling.EPOCHS, Sampling.ONE_PASS)


@st.composite
def runs_on(draw: st.DrawFn, samples: int) -> list[Optimizer]:
    """Runs whose steps have samples in every way that there is, one of them at least in minibatches."""
    size = st.integers(1, samples)
    drawn = st.builds(lambda size, how: Minibatch(batch_size=size, sampling=how), size, st.sampled_from(DRAWN))
    noisy = st.builds(lambda size: LabelNoise(noise_variance=1.0, noise_steps=90, batch_size=size), size)
    given_ones = st.just(Minibatch(batch_size=2, sampling=Sampling.INDICES, indices=((0, samples - 1), (0, 0))))
    return [draw(drawn), *draw(st.lists(st.one_of(drawn, noisy, given_ones, st.just(FullBatch())), max_size=4))]


@settings(deadline=None, max_examples=150)
@given(
    data=st.data(),
    samples=st.sampled_from([1, 2, 3, 7, 8, 9, 50, 63, 64, 65, 130]),
    seed=st.integers(0, 2**64),
    start=st.sampled_from([0, 1, BLOCK - 1, 5000, 2**40 + 3]),
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=3),
    is_backwards=st.booleans(),
)
def test_they_are_numpys_to_the_bit(
    *, data: st.DataObject, samples: int, seed: int, start: int, lengths: list[int], is_backwards: bool
) -> None:
    """Of all samplings, wherever a run goes on, in pieces, and backwards; rows are padded with zeros."""
    runs = data.draw(runs_on(samples))
    seeds = range(seed, seed + len(runs))
    mine, reference = (
        GradientNoise(runs, seeds, samples, is_backwards=is_backwards, is_native=native) for native in (True, False)
    )
    assert draws_as_numpy()
    for begin, end in pairwise(np.cumsum([start, *lengths]).tolist()):
        drawn, expected = mine.between(begin, end), reference.between(begin, end)
        assert drawn.weight is not None
        assert drawn.padded is not None
        assert drawn.padded.weight is not None
        assert expected.weight is not None
        assert drawn.weight.tobytes() == expected.weight.tobytes()
        assert not drawn.padded.weight[..., samples:].any()


@pytest.mark.parametrize("sampling", DRAWN)
@pytest.mark.parametrize("size", [1, 37, 1000])
def test_of_many_samples_they_are_numpys_over_thousands_of_steps(sampling: Sampling, size: int) -> None:
    """Beyond what hypothesis draws."""
    run, steps = Minibatch(batch_size=size, sampling=sampling), 3 * 1024
    mine, reference = (GradientNoise([run], [2], 1000, is_native=native) for native in (True, False))
    for start in range(7, steps, 1024):
        drawn, expected = mine.between(start, start + 1024).weight, reference.between(start, start + 1024).weight
        assert drawn is not None
        np.testing.assert_array_equal(drawn, expected)


@settings(deadline=None, max_examples=300)
@given(
    given_numbers=st.lists(st.sampled_from([0, 1, 2, 2**20, 2**52, 2**53 - 2, 2**53 - 1]), min_size=1, max_size=40),
    data=st.data(),
)
def test_equal_numbers_are_told_where_it_matters_which_is_chosen(given_numbers: list[int], data: st.DataObject) -> None:
    """Where the least of them are not told by their numbers NumPy is asked; else the choice is its own."""
    size = data.draw(st.integers(1, len(given_numbers)))
    tied, weights = chosen_by_native(np.array(given_numbers, dtype=np.uint64), size)
    in_order = sorted(given_numbers)
    assert tied == (size < len(in_order) and in_order[size - 1] == in_order[size])
    if not tied:
        uniforms = np.array([given_numbers], dtype=np.float64) * 2.0**-53
        np.testing.assert_array_equal(weights, minibatch_weights(uniforms, size)[0])


def chosen_by_native(numbers: np.ndarray, size: int) -> tuple[bool, np.ndarray]:
    """Whether a choice is tied, and the weights that it gives."""
    sampler = BatchSampler(sampling=Sampling.WITHOUT_REPLACEMENT, batch_size=size, purpose="")
    weights = np.zeros(len(numbers))
    tied = NativeMinibatches([sampler], [0], len(numbers), block=1).choose_least(numbers, weights)
    return tied, weights


def test_a_run_with_a_tie_is_drawn_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was written for it before."""
    runs = [Minibatch(batch_size=2), Minibatch(batch_size=3)]
    expected = GradientNoise(runs, [1, 2], 9).between(0, 200).weight
    assert expected is not None
    expected, write = expected.copy(), NativeMinibatches.write

    def tied(self: NativeMinibatches, start: int, weights: np.ndarray) -> list[int]:
        assert list(write(self, start, weights)) == []
        weights[:, 1, :9] = 5
        return [1]

    monkeypatch.setattr(minibatches.NativeMinibatches, "write", tied)
    drawn = GradientNoise(runs, [1, 2], 9, is_native=True).between(0, 200).weight
    np.testing.assert_array_equal(drawn, expected)


def test_where_numpy_draws_otherwise_nothing_is_drawn_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its streams may change with its version: then runs are those of the NumPy at hand."""
    monkeypatch.setattr(minibatches, "counter_stream", lambda seed, *_: np.random.default_rng(seed))
    assert not draws_as_numpy.__wrapped__()
