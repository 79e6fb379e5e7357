"""The minibatches of a batch of runs drawn in C, bit for bit as `core.descent.sampling` has NumPy draw them."""

import ctypes
from collections.abc import Sequence
from functools import cache, partial
from typing import Final

import numpy as np
from jaxtyping import Float64, UInt64

from core.descent.native import library as native
from core.descent.native.arrays import address
from core.descent.sampling import TOGETHER, BatchSampler, Sampling
from core.randomness import counter_key, counter_stream

OTHERS: Final = 0
ALL: Final = 1

KINDS: Final = {
    Sampling.WITHOUT_REPLACEMENT: 2,
    Sampling.WITH_REPLACEMENT: 3,
    Sampling.EPOCHS: 4,
    Sampling.ONE_PASS: 4,
}
"""What lanes draw, by the numbers of minibatches.c."""

MOST_SAMPLES: Final = 2**31
"""Those that half a draw can choose from."""


class NativeMinibatches:
    """Which samples the steps of some runs have, drawn for all of them at once; None as a sampler stands for all."""

    def __init__(
        self,
        samplers: Sequence[BatchSampler | None],
        seeds: Sequence[int],
        samples: int,
        *,
        block: int,
        is_backwards: bool = False,
    ) -> None:
        """As `core.descent.gradient_noise.GradientNoise`; `block`: steps that are drawn in one go."""
        found = native.library()
        if found is None:
            raise RuntimeError("the native kernel is not compiled here")
        self._functions = found.functions
        digits = max((samples - 1).bit_length(), 1)
        keys = [
            np.zeros(2, dtype=np.uint64) if sampler is None else counter_key(seed, sampler.purpose)
            for sampler, seed in zip(samplers, seeds, strict=True)
        ]
        self._arrays: dict[str, np.ndarray] = {
            "kind": np.array([_kind(sampler, samples) for sampler in samplers], dtype=np.int64),
            "size": np.array([1 if sampler is None else sampler.batch_size for sampler in samplers], dtype=np.int64),
            "key": np.array(keys, dtype=np.uint64).reshape(len(keys), 2),
            "tied": np.zeros(len(keys), dtype=np.int64),
            "drawn": np.empty(samples, dtype=np.uint64),
            "order": np.empty(samples, dtype=np.int64),
            "count": np.empty(2**digits, dtype=np.uint32),
        }
        self._minibatches = native.Minibatches(
            samples=samples,
            lanes=len(keys),
            block=block,
            together=TOGETHER,
            backwards=is_backwards,
            digits=digits,
            **{name: address(array) for name, array in self._arrays.items()},
        )

    def write(self, start: int, weights: Float64[np.ndarray, "step run padded_sample"]) -> Sequence[int]:
        """Write the weights of the steps from `start` on, whole blocks; returns the runs that NumPy is to draw.

        These are of samplings that are not drawn, or had equal numbers drawn of which some are among the least: once in
        10¹⁴ steps or so, and NumPy's choice is that of its sorting.
        """
        self._minibatches.start, self._minibatches.steps = start, len(weights)
        self._minibatches.rows, self._minibatches.weight = weights.shape[2], address(weights)
        self._functions.stepbias_draw_minibatches(ctypes.byref(self._minibatches))
        others: list[int] = np.flatnonzero((self._arrays["kind"] == OTHERS) | (self._arrays["tied"] > 0)).tolist()
        return others

    def choose_least(self, numbers: UInt64[np.ndarray, " sample"], weights: Float64[np.ndarray, " sample"]) -> bool:
        """Write what the first run weighs where these were drawn, as multiples of 2⁻⁵³; whether it is tied."""
        self._arrays["drawn"][:] = numbers << 11
        self._minibatches.weight = address(weights)
        return bool(self._functions.stepbias_choose_least(ctypes.byref(self._minibatches)))


@cache
def draws_as_numpy() -> bool:
    """Whether there is a library, and the NumPy at hand draws as it does: its streams may change with its version."""
    if native.library() is None:
        return False
    steps, samples, seed = np.arange(8, 16), 11, 3
    samplers = [BatchSampler(sampling=sampling, batch_size=3, purpose="trial") for sampling in KINDS]
    drawn = np.zeros((len(steps), len(samplers), samples))
    NativeMinibatches(samplers, [seed] * len(samplers), samples, block=len(steps)).write(8, drawn)
    expected = [sampler.weights(partial(counter_stream, seed), steps, samples) for sampler in samplers]
    return np.array_equal(drawn, np.stack(expected, axis=1))


def _kind(sampler: BatchSampler | None, samples: int) -> int:
    if sampler is None:
        return ALL
    is_drawn = sampler.batch_size <= samples or sampler.sampling is Sampling.WITH_REPLACEMENT
    return KINDS.get(sampler.sampling, OTHERS) if is_drawn and samples < MOST_SAMPLES else OTHERS
