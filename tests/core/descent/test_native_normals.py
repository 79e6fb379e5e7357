"""Normal noise drawn in C, beside what NumPy draws: the same bits."""

import numpy as np
import pytest

from core.descent.gradient_noise import BLOCK, GradientNoise
from core.descent.native import library as native
from core.descent.native import normals
from core.descent.native.normals import NativeNormals, draws_normals_as_numpy
from core.descent.optimizers import LabelNoise, Optimizer, ParameterNoise
from core.randomness import counter_stream

pytestmark = pytest.mark.skipif(native.library() is None, reason="the native kernel is not compiled here")


def test_the_numpy_at_hand_draws_as_the_library_does() -> None:
    """Else nothing here would be of what is trained."""
    assert draws_normals_as_numpy()


def test_millions_of_numbers_have_the_bits_of_numpys() -> None:
    """Of many streams and places; every layer of the ziggurat, both signs, its edges and its tail are among them."""
    runs, steps, entries = 8, 4 * BLOCK, 2048
    drawn = np.zeros((steps, runs, entries))
    start, seeds = 7 * BLOCK, [2**70 + run for run in range(runs)]
    noises = [LabelNoise(noise_variance=1.0, noise_steps=10**9)] * runs
    NativeNormals(noises, seeds, np.arange(entries), block=BLOCK, purpose="trial").write(start, drawn, 1)
    assert drawn.size > 4e6
    for run, seed in enumerate(seeds):
        for block in range(steps // BLOCK):
            expected = counter_stream(seed, "trial", 7 + block).standard_normal((BLOCK, entries))
            assert drawn[block * BLOCK : (block + 1) * BLOCK, run].tobytes() == expected.tobytes()
    beyond = np.abs(drawn) > 3.6541528853610088
    assert 500 < beyond.sum() < 2000
    assert min((drawn[beyond] > 0).sum(), (drawn[beyond] < 0).sum()) > 100


OPTIMIZERS: list[list[Optimizer]] = [
    [LabelNoise(noise_variance=0.5, noise_steps=100), LabelNoise(noise_variance=2.0, noise_steps=333, noise_from=70)],
    [
        LabelNoise(noise_variance=0.5, noise_steps=200, noise_from=3, batch_size=2),
        LabelNoise(noise_variance=3.0, noise_steps=400),
    ],
    [ParameterNoise(variance=0.3, noise_steps=90), ParameterNoise(variance=1e-4, noise_steps=333)],
]


@pytest.mark.parametrize("optimizers", OPTIMIZERS)
@pytest.mark.parametrize("is_backwards", [False, True])
@pytest.mark.parametrize("samples", [1, 8, 13])
def test_the_noise_of_a_batch_is_that_of_numpy(
    optimizers: list[Optimizer], samples: int, *, is_backwards: bool
) -> None:
    """In pieces of any length, back and forth: residuals, parameters of which some have none, beside minibatches."""
    noisy = np.arange(4 * samples).reshape(4, samples) % 3 > 0
    if samples < 2:
        optimizers = [each for each in optimizers if not each.draws_batches]
    here, there = (
        GradientNoise(
            optimizers,
            range(3, 3 + len(optimizers)),
            samples,
            is_backwards=is_backwards,
            noisy=noisy,
            is_native=is_native,
        )
        for is_native in (True, False)
    )
    for start, stop in ((0, 64), (64, 65), (100, 230), (30, 31), (128, 333), (300, 500)):
        mine, numpys = here.between(start, stop), there.between(start, stop)
        for name in ("weight", "shift", "parameters"):
            ours, theirs = getattr(mine, name), getattr(numpys, name)
            assert (ours is None) is (theirs is None)
            if ours is not None:
                assert ours.shape == theirs.shape
                assert ours.tobytes() == theirs.tobytes()
                rows = getattr(mine.padded, name)
                assert rows.flags.c_contiguous
                assert not rows[..., ours.shape[-1] :].any()


def test_a_numpy_that_draws_otherwise_draws_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose streams are others would be told by its first draws."""
    draws_normals_as_numpy.cache_clear()
    try:
        monkeypatch.setattr(
            normals, "counter_stream", lambda seed, purpose, place: counter_stream(seed + 1, purpose, place)
        )
        assert not draws_normals_as_numpy()
    finally:
        draws_normals_as_numpy.cache_clear()
