"""The randomness of a step: which samples a minibatch has, and which noise is on the targets.

Everything is a function of (run, step), by a counter-based generator: no state is carried from step to step, so a run
that is resumed, split off or recorded at other steps meets the same noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.descent.optimizers import Optimizer
from core.randomness import counter_stream

BLOCK: Final = 64
"""Steps whose noise is drawn in one go."""

Noise = Float64[np.ndarray, "step run sample"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ResidualNoise:
    """What is done to the residual r of each step: r ← weight∘(r − shift), None for what is left out.

    `parameters` is added to θ where its gradient is taken.
    """

    weight: Noise | None = None
    shift: Noise | None = None
    parameters: Float64[np.ndarray, "step part run dim"] | None = None

    def of(self, steps: slice) -> "ResidualNoise":
        """The rows of `weight` and `shift` of some of the steps."""
        return ResidualNoise(
            weight=None if self.weight is None else self.weight[steps],
            shift=None if self.shift is None else self.shift[steps],
            parameters=None if self.parameters is None else self.parameters[steps],
        )


class GradientNoise:
    """The noise of a batch of runs, which keeps the block of steps that it drew last.

    All are of one optimiser kind, but that beside minibatches there may be runs on all samples. Where the samples are
    trained `is_backwards`, each has the noise that it has in the order of the data. Noise on parameters is on the
    entries of θ that are `noisy`.
    """

    def __init__(
        self,
        optimizers: Sequence[Optimizer],
        seeds: Sequence[int],
        samples: int,
        *,
        is_backwards: bool = False,
        noisy: Bool[np.ndarray, "part dim"] | None = None,
    ) -> None:
        self._optimizers, self._seeds, self._samples = optimizers, seeds, samples
        self._order = slice(None, None, -1 if is_backwards else 1)
        self._drawn: dict[str, tuple[int, Noise]] = {}
        self._minibatches = any(optimizer.draws_batches for optimizer in optimizers)
        on_parameters = any(optimizer.perturbs_parameters for optimizer in optimizers)
        self._noisy = noisy if on_parameters else None
        self._noisy_steps = max((optimizer.noise_steps for optimizer in optimizers), default=0)

    def quiet_from(self, step: int) -> bool:
        """Whether no step from this one on is perturbed."""
        return not self._minibatches and step >= self._noisy_steps

    def between(self, start: int, stop: int) -> ResidualNoise:
        """The perturbations of the steps start ≤ t < stop."""
        is_noisy = start < self._noisy_steps
        return ResidualNoise(
            weight=self._pieces("weight", start, stop) if self._minibatches else None,
            shift=self._pieces("shift", start, stop) if is_noisy and self._noisy is None else None,
            parameters=self._pieces("parameters", start, stop).swapaxes(1, 2)
            if is_noisy and self._noisy is not None
            else None,
        )

    def _pieces(self, name: str, start: int, stop: int) -> Float64[np.ndarray, "step run ..."]:
        pieces = []
        while start < stop:
            end = min(stop, start - start % BLOCK + BLOCK)
            pieces.append(self._of_block(name, start // BLOCK)[start % BLOCK : (end - 1) % BLOCK + 1])
            start = end
        return np.concatenate(pieces)

    def _of_block(self, name: str, block: int) -> Float64[np.ndarray, "step run ..."]:
        if name not in self._drawn or self._drawn[name][0] != block:
            drawn = [self._draw(name, place, block) for place in range(len(self._optimizers))]
            self._drawn[name] = block, np.stack(drawn, axis=1)
        return self._drawn[name][1]

    def _draw(self, name: str, place: int, block: int) -> Float64[np.ndarray, "step ..."]:
        optimizer, steps = self._optimizers[place], block * BLOCK + np.arange(BLOCK)
        stream = partial(counter_stream, self._seeds[place])
        if name == "weight":
            return optimizer.weights(stream, steps, self._samples)[:, self._order]
        rng = stream("gradient noise", block)
        if self._noisy is None:
            return optimizer.noise(rng, steps, self._samples)[:, self._order]
        drawn = np.zeros((BLOCK, *self._noisy.shape))
        drawn[:, self._noisy] = optimizer.noise(rng, steps, int(self._noisy.sum()))
        return drawn[..., self._order]
