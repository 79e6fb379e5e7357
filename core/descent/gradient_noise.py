"""The randomness of a step: which samples a minibatch has, and which noise is on the targets.

Everything is a function of (run, step), by a counter-based generator: no state is carried from step to step, so a run
that is resumed, split off or recorded at other steps meets the same noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.descent.native.arrays import aligned_zeros, padded_width
from core.descent.native.minibatches import NativeMinibatches, draws_as_numpy
from core.descent.optimizers import Optimizer
from core.randomness import counter_stream

BLOCK: Final = 64
"""Steps whose noise is drawn in one go."""

AHEAD: Final = 2**18
"""Entries of the noise that is drawn ahead, if not fewer than of a block: steps in one go cost less than in many."""

Noise = Float64[np.ndarray, "step run sample"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ResidualNoise:
    """What is done to the residual r of each step: r ← weight∘(r − shift), None for what is left out.

    `parameters` is added to θ where its gradient is taken. `padded_weight` is `weight` as the compiled kernel takes it,
    its rows padded with zeros, where it was drawn so.
    """

    weight: Noise | None = None
    padded_weight: Float64[np.ndarray, "step run padded_sample"] | None = None
    shift: Noise | None = None
    parameters: Float64[np.ndarray, "step part run dim"] | None = None

    def of(self, steps: slice) -> "ResidualNoise":
        """The rows of `weight` and `shift` of some of the steps."""
        return ResidualNoise(
            weight=None if self.weight is None else self.weight[steps],
            padded_weight=None if self.padded_weight is None else self.padded_weight[steps],
            shift=None if self.shift is None else self.shift[steps],
            parameters=None if self.parameters is None else self.parameters[steps],
        )


NO_NOISE: Final = ResidualNoise()


class GradientNoise:
    """The noise of a batch of runs, which keeps what it drew last: of minibatches until the next is drawn in its place.

    All are of one optimiser kind, but that beside minibatches there may be runs on all samples. Where the samples are
    trained `is_backwards`, each has the noise that it has in the order of the data. Noise on parameters is on the
    entries of θ that are `noisy`. With `is_native` minibatches are drawn in C, bit for bit the same.
    """

    def __init__(  # noqa: PLR0913 - whose noise it is, and of what
        self,
        optimizers: Sequence[Optimizer],
        seeds: Sequence[int],
        samples: int,
        *,
        is_backwards: bool = False,
        noisy: Bool[np.ndarray, "part dim"] | None = None,
        is_native: bool = False,
    ) -> None:
        self._optimizers, self._seeds, self._samples = optimizers, seeds, samples
        self._order = slice(None, None, -1 if is_backwards else 1)
        self._drawn: dict[str, dict[int, Noise]] = {"shift": {}, "parameters": {}}
        samplers = [optimizer.batch_sampler for optimizer in optimizers]
        self._minibatches = any(samplers)
        on_parameters = any(optimizer.perturbs_parameters for optimizer in optimizers)
        self._noisy = noisy if on_parameters else None
        self._noisy_steps = max((optimizer.noise_steps for optimizer in optimizers), default=0)
        self._samplers, self._span, self._weight = samplers, -1, np.empty((0, 0, 0))
        self._native = None
        if self._minibatches and is_native and draws_as_numpy():
            self._native = NativeMinibatches(samplers, seeds, samples, block=BLOCK, is_backwards=is_backwards)
        self._ahead = BLOCK
        if self._native is not None or not self._minibatches:
            entries = padded_width(samples if self._noisy is None else self._noisy.size)
            self._ahead *= max(AHEAD // (BLOCK * entries * max(len(optimizers), 1)), 1)

    def quiet_from(self, step: int) -> bool:
        """Whether no step from this one on is perturbed."""
        return not self._minibatches and step >= self._noisy_steps

    def to_span_end(self, step: int) -> int:
        """How many steps there are from this one on whose noise is drawn in one go."""
        end = step - step % self._ahead + self._ahead
        if not self._minibatches:
            end = min(end, max(self._noisy_steps, step + 1))
        return end - step

    def between(self, start: int, stop: int) -> ResidualNoise:
        """The perturbations of the steps start ≤ t < stop; weights are valid until the next are asked for."""
        if self.quiet_from(start):
            return NO_NOISE
        is_noisy, weight = start < self._noisy_steps, self._weights(start, stop) if self._minibatches else None
        return ResidualNoise(
            weight=None if weight is None else weight[..., : self._samples],
            padded_weight=weight,
            shift=self._pieces("shift", start, stop) if is_noisy and self._noisy is None else None,
            parameters=self._pieces("parameters", start, stop).swapaxes(1, 2)
            if is_noisy and self._noisy is not None
            else None,
        )

    def _weights(self, start: int, stop: int) -> Float64[np.ndarray, "step run padded_sample"]:
        """Those of one span as they were drawn, else copies."""
        first, last = start // self._ahead, (stop - 1) // self._ahead
        if first == last:
            return self._weights_of_span(first)[start - first * self._ahead : stop - first * self._ahead]
        ends = [start, *(self._ahead * span for span in range(first + 1, last + 1)), stop]
        return np.concatenate([self._weights(*piece).copy() for piece in pairwise(ends)])

    def _weights_of_span(self, span: int) -> Float64[np.ndarray, "step run padded_sample"]:
        if self._span == span:
            return self._weight
        if not self._weight.size:
            self._weight = aligned_zeros((self._ahead, len(self._samplers), padded_width(self._samples)))
        start, weight, self._span = span * self._ahead, self._weight, span
        others: Sequence[int] = range(len(self._samplers))
        if self._native is not None:
            others = self._native.write(start, weight)
        for place in others:
            sampler, stream = self._samplers[place], partial(counter_stream, self._seeds[place])
            for at in range(0, self._ahead, BLOCK):
                steps = start + at + np.arange(BLOCK)
                drawn = 1.0 if sampler is None else sampler.weights(stream, steps, self._samples)[:, self._order]
                weight[at : at + BLOCK, place, : self._samples] = drawn
        return weight

    def _pieces(self, name: str, start: int, stop: int) -> Float64[np.ndarray, "step run ..."]:
        blocks = range(start // BLOCK, (stop - 1) // BLOCK + 1)
        kept = self._drawn[name]
        self._drawn[name] = {block: kept[block] if block in kept else self._block(block) for block in blocks}
        drawn = list(self._drawn[name].values())
        first = start - blocks[0] * BLOCK
        joined = drawn[0] if len(drawn) == 1 else np.concatenate(drawn)
        return joined[first : first + stop - start]

    def _block(self, block: int) -> Float64[np.ndarray, "step run ..."]:
        return np.stack([self._draw(place, block) for place in range(len(self._optimizers))], axis=1)

    def _draw(self, place: int, block: int) -> Float64[np.ndarray, "step ..."]:
        optimizer, steps = self._optimizers[place], block * BLOCK + np.arange(BLOCK)
        rng = counter_stream(self._seeds[place], "gradient noise", block)
        if self._noisy is None:
            return optimizer.noise(rng, steps, self._samples)[:, self._order]
        drawn = np.zeros((BLOCK, *self._noisy.shape))
        drawn[:, self._noisy] = optimizer.noise(rng, steps, int(self._noisy.sum()))
        return drawn[..., self._order]
