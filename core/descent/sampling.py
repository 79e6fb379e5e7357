"""Which samples a minibatch has: functions of (run, step), by counter-based generators.

A minibatch of b out of N samples is weights, N/b on each of its samples as often as it has it and 0 elsewhere, so that
the weighted mean over all samples is the mean over the minibatch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

Stream = Callable[[str, int], np.random.Generator]

Weights = Float64[np.ndarray, "step sample"]

TOGETHER: Final = 64
"""Steps of which whole epochs are drawn in one go, as a group, by a counter of their own: short epochs are many."""


class Sampling(StrEnum):
    """How the samples of a step are chosen.

    Anew at every step, without replacement or with; in `epochs`, the samples in an order that is drawn anew for each
    pass and cut into ⌊N/b⌋ minibatches, of which the N mod b last are left out; in `one_pass`, which ends after the
    first epoch; or as `indices` say.
    """

    WITHOUT_REPLACEMENT = "without_replacement"
    WITH_REPLACEMENT = "with_replacement"
    EPOCHS = "epochs"
    ONE_PASS = "one_pass"  # noqa: S105 - a way through the data
    INDICES = "indices"

    @property
    def is_drawn_anew(self) -> bool:
        """Whether the minibatch of a step is independent of all others."""
        return self in {Sampling.WITHOUT_REPLACEMENT, Sampling.WITH_REPLACEMENT}


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSampler:
    """What chooses the minibatches of a run: so many samples by `sampling`, by numbers drawn for `purpose`."""

    sampling: Sampling
    batch_size: int
    purpose: str
    indices: tuple[tuple[int, ...], ...] | None = None

    def weights(self, stream: Stream, steps: Int64[np.ndarray, " step"], samples: int) -> Weights:
        """Of a block of steps; in epochs each has an order of its own, whatever blocks it lies in.

        `stream` gives the generator of a purpose at a place of its sequence.
        """
        generator, block = partial(stream, self.purpose), int(steps[0]) // len(steps)
        match self.sampling:
            case Sampling.WITHOUT_REPLACEMENT:
                return minibatch_weights(generator(block).random((len(steps), samples)), self.batch_size)
            case Sampling.WITH_REPLACEMENT:
                chosen = generator(block).integers(samples, size=(len(steps), self.batch_size))
            case Sampling.EPOCHS | Sampling.ONE_PASS:
                chosen = epoch_indices(steps, samples, self.batch_size, generator)
            case Sampling.INDICES:
                chosen = given_indices(self.indices or (), steps)
        return weights_of(chosen, samples)


def minibatch_weights(uniforms: Weights, batch_size: int) -> Weights:
    """N/b on the b samples with the smallest uniforms of each step and 0 elsewhere: an unbiased choice of b of N."""
    samples = uniforms.shape[1]
    weights = np.zeros_like(uniforms)
    chosen = np.argpartition(uniforms, batch_size - 1, axis=1)[:, :batch_size]
    np.put_along_axis(weights, chosen, samples / batch_size, axis=1)
    return weights


def weights_of(indices: Int64[np.ndarray, "step drawn"], samples: int) -> Weights:
    """N/b times how often each sample is among the b places of a step."""
    steps, drawn = indices.shape
    counts = np.bincount((indices + samples * np.arange(steps)[:, None]).ravel(), minlength=steps * samples)
    weights: Weights = (samples / drawn) * counts.reshape(steps, samples)
    return weights


def epoch_indices(
    steps: Int64[np.ndarray, " step"],
    samples: int,
    batch_size: int,
    generator: Callable[[int], np.random.Generator],
) -> Int64[np.ndarray, "step drawn"]:
    """The samples of these successive steps, of epochs whose orders are drawn by `generator` of their group."""
    in_epoch = samples // batch_size
    together = max(TOGETHER // in_epoch, 1)
    first, last = (int(step) // in_epoch // together for step in (steps[0], steps[-1]))
    unordered = np.tile(np.arange(samples), (together, 1))
    orders = np.concatenate([generator(group).permuted(unordered, axis=1) for group in range(first, last + 1)])
    every = orders[:, : in_epoch * batch_size].reshape(-1, batch_size)
    chosen: Int64[np.ndarray, "step drawn"] = every[steps - first * together * in_epoch]
    return chosen


def given_indices(
    indices: Sequence[Sequence[int]], steps: Int64[np.ndarray, " step"]
) -> Int64[np.ndarray, "step drawn"]:
    """Those of these steps; beyond the last they are those of the first sample, of steps that nobody takes."""
    empty = [0] * len(indices[0])
    rows = [indices[step] if step < len(indices) else empty for step in steps.tolist()]
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(empty))
