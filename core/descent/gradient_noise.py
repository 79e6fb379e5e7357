"""The randomness of a step: which samples a minibatch has, and which noise is on the targets.

Everything is a function of (run, step), by a counter-based generator: no state is carried from step to step, so a run
that is resumed, split off or recorded at other steps meets the same noise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.native.arrays import aligned_zeros, padded_width
from core.descent.native.minibatches import NativeMinibatches, draws_as_numpy
from core.descent.native.normals import NativeNormals, draws_normals_as_numpy
from core.descent.optimizers import Optimizer
from core.randomness import counter_stream

BLOCK: Final = 64
"""Steps whose noise is drawn in one go."""

AHEAD: Final = 2**18
"""Entries of the noise that is drawn ahead, if not fewer than of a block: steps in one go cost less than in many."""

PURPOSE: Final = "gradient noise"
"""The name of the stream of what is added to targets and parameters."""

Noise = Float64[np.ndarray, "step run sample"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ResidualNoise:
    """What is done to the residual r of each step: r ← weight∘(r − shift), None for what is left out.

    `parameters` is added to θ where its gradient is taken. `padded` are the same as the compiled kernel takes them,
    their rows padded with zeros, where they were drawn so.
    """

    weight: Noise | None = None
    shift: Noise | None = None
    parameters: Float64[np.ndarray, "step part run dim"] | None = None
    padded: "ResidualNoise | None" = None

    def of(self, steps: slice) -> "ResidualNoise":
        """The rows of some of the steps."""
        return ResidualNoise(
            weight=None if self.weight is None else self.weight[steps],
            shift=None if self.shift is None else self.shift[steps],
            parameters=None if self.parameters is None else self.parameters[steps],
            padded=None if self.padded is None else self.padded.of(steps),
        )


NO_NOISE: Final = ResidualNoise()


class Spans:
    """Arrays with a row for each step, drawn `ahead` steps in one go and kept until the next are in their place."""

    def __init__(self, ahead: int, shape: tuple[int, ...], draw: Callable[[int, np.ndarray], None]) -> None:
        """`draw` writes the rows from a step on into an array that is zero, or was written before."""
        self._ahead, self._shape, self._draw = ahead, shape, draw
        self._array, self._number = np.empty(0), -1

    def between(self, start: int, stop: int) -> Float64[np.ndarray, "step ..."]:
        """The rows of the steps start ≤ t < stop: of one span as they were drawn, else copies."""
        first, last = start // self._ahead, (stop - 1) // self._ahead
        if first == last:
            return self._span(first)[start - first * self._ahead : stop - first * self._ahead]
        ends = [start, *(self._ahead * span for span in range(first + 1, last + 1)), stop]
        return np.concatenate([self.between(*piece).copy() for piece in pairwise(ends)])

    def _span(self, number: int) -> Float64[np.ndarray, "step ..."]:
        if self._number != number:
            if not self._array.size:
                self._array = aligned_zeros((self._ahead, *self._shape))
            self._number = number
            self._draw(number * self._ahead, self._array)
        return self._array


class GradientNoise:
    """The noise of a batch of runs, which keeps what it drew last, until the next is drawn in its place.

    All are of one optimiser kind, but that beside minibatches there may be runs on all samples. Where the samples are
    trained `is_backwards`, each has the noise that it has in the order of the data. Noise on parameters is on the
    entries of θ that are `noisy`. With `is_native` all is drawn in C, bit for bit the same.
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
        self._samplers = [optimizer.batch_sampler for optimizer in optimizers]
        self._minibatches, lanes = any(self._samplers), len(optimizers)
        on_parameters = any(optimizer.perturbs_parameters for optimizer in optimizers)
        self._noisy = noisy if on_parameters else None
        self._noisy_steps = max((optimizer.noise_steps for optimizer in optimizers), default=0)
        self._native, self._normals = None, None
        if self._minibatches and is_native and draws_as_numpy():
            self._native = NativeMinibatches(self._samplers, seeds, samples, block=BLOCK, is_backwards=is_backwards)
        self._width = padded_width(samples)
        shape: tuple[int, ...] = (lanes, self._width)
        if self._noisy is not None:
            shape = (len(self._noisy), lanes, padded_width(self._noisy.shape[1]))
        if self._noisy_steps and is_native and draws_normals_as_numpy():
            self._normals = NativeNormals(optimizers, seeds, self._places(shape), block=BLOCK, purpose=PURPOSE)
        ahead = BLOCK
        if self._native is not None or not self._minibatches:
            ahead *= max(AHEAD // (BLOCK * max(math.prod(shape), 1)), 1)
        self._ahead = ahead
        self._weights = Spans(ahead, (lanes, self._width), self._draw_weights)
        self._noise = Spans(ahead, shape, self._draw_noise)

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
        """The perturbations of the steps start ≤ t < stop, valid until the next are asked for."""
        if self.quiet_from(start):
            return NO_NOISE
        weight = self._weights.between(start, stop) if self._minibatches else None
        noise = self._noise.between(start, stop) if start < self._noisy_steps else None
        shift, parameters = (noise, None) if self._noisy is None else (None, noise)
        return ResidualNoise(
            weight=None if weight is None else weight[..., : self._samples],
            shift=None if shift is None else shift[..., : self._samples],
            parameters=None if parameters is None or self._noisy is None else parameters[..., : self._noisy.shape[1]],
            padded=ResidualNoise(weight=weight, shift=shift, parameters=parameters),
        )

    def _places(self, shape: tuple[int, ...]) -> Int64[np.ndarray, " entry"]:
        """Where in the rows of a run each of the numbers is that are drawn for it at a step."""
        if self._noisy is None:
            return np.arange(self._samples)[self._order]
        _, lanes, width = shape
        parts, entries = np.nonzero(self._noisy)
        return np.asarray(parts * lanes * width + np.arange(self._noisy.shape[1])[self._order][entries])

    def _draw_weights(self, start: int, weight: Float64[np.ndarray, "step run padded_sample"]) -> None:
        others: Sequence[int] = range(len(self._samplers))
        if self._native is not None:
            others = self._native.write(start, weight)
        for place in others:
            sampler, stream = self._samplers[place], partial(counter_stream, self._seeds[place])
            for at in range(0, self._ahead, BLOCK):
                steps = start + at + np.arange(BLOCK)
                drawn = 1.0 if sampler is None else sampler.weights(stream, steps, self._samples)[:, self._order]
                weight[at : at + BLOCK, place, : self._samples] = drawn

    def _draw_noise(self, start: int, noise: Float64[np.ndarray, "step ..."]) -> None:
        if self._normals is not None:
            self._normals.write(start, noise, lane_axis=noise.ndim - 2)
            return
        for place, (optimizer, seed) in enumerate(zip(self._optimizers, self._seeds, strict=True)):
            for at in range(0, self._ahead, BLOCK):
                steps, rng = start + at + np.arange(BLOCK), counter_stream(seed, PURPOSE, (start + at) // BLOCK)
                if self._noisy is None:
                    drawn = optimizer.noise(rng, steps, self._samples)
                else:
                    drawn = np.zeros((BLOCK, *self._noisy.shape))
                    drawn[:, self._noisy] = optimizer.noise(rng, steps, int(self._noisy.sum()))
                noise[at : at + BLOCK, ..., place, : drawn.shape[-1]] = drawn[..., self._order]
