"""What is measured of stepbias: the one place that knows how its steps are called."""

from dataclasses import replace

import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed, elapsed
from core.descent.batch_descent import BatchDescent, BatchState
from core.descent.kernel import chosen, kernel_id, kernels
from core.descent.loss_events import NO_EVENTS
from core.networks.network import Diagonal
from core.training.batch import LONGEST_CHUNK
from core.training.loss_checks import CHECK_INTERVAL


def descent_of(batch: Batch) -> BatchDescent:
    """The batch as stepbias steps it."""
    state = BatchState.begin(batch.theta, len(batch.y))
    return kernels()[chosen("auto")](batch.X, batch.y, Diagonal(batch.depth), state)


def kernel_in_use() -> str:
    """The name of the implementation that `descent_of` steps with."""
    return kernel_id(chosen("auto"))


class OurLoop:
    """Steps as a training takes them: in its chunks, with its checks, the certificate's accumulator included."""

    def __init__(self, batch: Batch) -> None:
        self._step_sizes = batch.step_sizes
        self._descent = descent_of(batch)

    def advance(self, steps: int) -> None:
        """Take steps."""
        events = replace(NO_EVENTS, interval=CHECK_INTERVAL)
        for start in range(0, steps, LONGEST_CHUNK):
            shape = (min(LONGEST_CHUNK, steps - start), len(self._step_sizes))
            self._descent.advance(np.broadcast_to(self._step_sizes, shape), events=events)

    def elapsed(self, steps: int) -> Elapsed:
        """How long the steps took."""
        return elapsed(lambda: self.advance(steps))

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        return self._descent.theta.copy()

    def losses(self) -> np.ndarray:
        """The loss of each run."""
        return self._descent.losses()
