"""What is measured of stepbias: the one place that knows how its steps are called."""

from dataclasses import replace

import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed, elapsed
from core.descent.ascent import Ascent, AscentAlong
from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.kernel import chosen, kernel_id, kernel_of
from core.descent.loss_events import NO_EVENTS
from core.descent.optimizers import FullBatch, HeavyBall, Nesterov
from core.descent.weight_decay import Decay
from core.networks.network import Diagonal
from core.training.loss_checks import CHECK_INTERVAL, LONGEST_CHUNK


def descent_of(batch: Batch, kernel: str = "auto") -> BatchDescent:
    """The batch as stepbias steps it, by the kernel of that name."""
    state = BatchState.begin(batch.theta, len(batch.y), momentum=batch.momentum is not None)
    rolling = Nesterov if batch.looks_ahead else HeavyBall
    optimizer = FullBatch() if batch.momentum is None else rolling(momentum=float(batch.momentum[0]))
    return kernel_of(chosen(kernel), optimizer)(batch.X, batch.y, Diagonal(batch.depth), state)


def kernel_in_use(kernel: str = "auto") -> str:
    """The name of the implementation that `descent_of` steps with."""
    return kernel_id(chosen(kernel))


class OurLoop:
    """Steps as a training takes them: in its chunks, with its checks, the certificate's accumulator included."""

    def __init__(self, batch: Batch, kernel: str = "auto") -> None:
        self._period, self._taken = batch.period, 0
        self._longest = LONGEST_CHUNK if batch.period == 1 else batch.period
        self._noise = ResidualNoise(weight=batch.weight, shift=batch.shift, parameters=batch.parameters)
        shape = self._longest, len(batch.step_sizes)
        self._step_sizes = np.broadcast_to(batch.step_sizes, shape)
        self._momentum = None if batch.momentum is None else np.broadcast_to(batch.momentum, shape)
        self._decay = None
        if batch.shrink is not None:
            shrink = np.broadcast_to(batch.shrink[:, 0], shape)
            self._decay = Decay(shrink=shrink, pull=np.broadcast_to(0.0, shape))
        self._ascent = None
        if batch.rho is not None:
            along = AscentAlong.SAMPLE if batch.by_samples else AscentAlong.FULL
            self._ascent = Ascent(along=along, normalized=batch.normalized, rho=batch.rho)
        self._descent = descent_of(batch, kernel)

    def advance(self, steps: int) -> None:
        """Take steps; what is drawn for them comes in chunks of its period."""
        end = self._taken + steps
        while self._taken < end:
            row = self._taken % self._period
            taken = min(self._longest - row, end - self._taken)
            self._descent.advance(
                self._step_sizes[:taken],
                StepTerms(
                    noise=self._noise.of(slice(row, row + taken)),
                    momentum=None if self._momentum is None else self._momentum[:taken],
                    decay=None if self._decay is None else self._decay.of(slice(taken)),
                    ascent=self._ascent,
                ),
                events=replace(NO_EVENTS, start=self._taken, interval=CHECK_INTERVAL),
            )
            self._taken += taken

    def elapsed(self, steps: int) -> Elapsed:
        """How long the steps took."""
        return elapsed(lambda: self.advance(steps))

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        return self._descent.theta.copy()

    def losses(self) -> np.ndarray:
        """The loss of each run."""
        return self._descent.losses()
