"""What is measured of stepbias: the one place that knows how its steps are called."""

import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed, elapsed
from core.descent import Descent
from core.kernel import kernel_id
from core.networks import Diagonal
from core.stopping import CHECK_INTERVAL


def descent_of(batch: Batch) -> Descent:
    """The batch as stepbias steps it."""
    return Descent(
        batch.X,
        batch.y,
        network=Diagonal(batch.depth),
        theta=batch.theta,
        gradient_sum=np.zeros(batch.theta.shape[1:]),
    )


def kernel_in_use() -> str:
    """The name of the implementation that `descent_of` steps with."""
    return kernel_id()


class OurLoop:
    """Steps in stretches as long as those between two checks of a training, the certificate's accumulator included."""

    def __init__(self, batch: Batch) -> None:
        self._step_sizes = batch.step_sizes
        self._descent = descent_of(batch)

    def advance(self, steps: int) -> None:
        """Take steps."""
        for start in range(0, steps, CHECK_INTERVAL):
            stretch = min(CHECK_INTERVAL, steps - start)
            self._descent.advance(np.broadcast_to(self._step_sizes, (stretch, len(self._step_sizes))))

    def elapsed(self, steps: int) -> Elapsed:
        """How long the steps took."""
        return elapsed(lambda: self.advance(steps))

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        return self._descent.theta.copy()

    def losses(self) -> np.ndarray:
        """The loss of each run."""
        return self._descent.losses()
