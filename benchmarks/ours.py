"""What is measured of stepbias: the one place that knows how its steps are called."""

from dataclasses import replace

import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed, elapsed
from core.descent.kernel import chosen, kernel_id, kernels
from core.descent.lanes import NO_ALARM, Lanes, LaneState
from core.networks.network import Diagonal
from core.training.batch_training import LONGEST_STRETCH
from core.training.stopping import CHECK_INTERVAL


def descent_of(batch: Batch) -> Lanes:
    """The batch as stepbias steps it."""
    state = LaneState.begin(batch.theta, len(batch.y))
    return kernels()[chosen("auto")](batch.X, batch.y, Diagonal(batch.depth), state)


def kernel_in_use() -> str:
    """The name of the implementation that `descent_of` steps with."""
    return kernel_id(chosen("auto"))


class OurLoop:
    """Steps as a training takes them: in its stretches, with its checks, the certificate's accumulator included."""

    def __init__(self, batch: Batch) -> None:
        self._step_sizes = batch.step_sizes
        self._descent = descent_of(batch)

    def advance(self, steps: int) -> None:
        """Take steps."""
        alarm = replace(NO_ALARM, interval=CHECK_INTERVAL)
        for start in range(0, steps, LONGEST_STRETCH):
            shape = (min(LONGEST_STRETCH, steps - start), len(self._step_sizes))
            self._descent.advance(np.broadcast_to(self._step_sizes, shape), alarm=alarm)

    def elapsed(self, steps: int) -> Elapsed:
        """How long the steps took."""
        return elapsed(lambda: self.advance(steps))

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        return self._descent.theta.copy()

    def losses(self) -> np.ndarray:
        """The loss of each run."""
        return self._descent.losses()
