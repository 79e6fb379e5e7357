"""SGD in NumPy by the rows of each minibatch instead of all samples with weights."""

import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.numpy_loop import NumpyLoop


class GatherLoop(NumpyLoop):
    """A step gathers the b rows that every run has drawn, and multiplies by these alone."""

    def _compute_x(self, t: int) -> None:
        batch = self._batch
        assert batch.chosen is not None
        np.subtract(self._a, self._b, out=self._a)
        rows, targets = batch.X[batch.chosen[t]], batch.y[batch.chosen[t]]
        residual = np.matmul(rows, self._a[:, :, None])[:, :, 0] - targets
        residual *= batch.coefficients * (len(batch.y) / targets.shape[1])
        np.matmul(residual[:, None], rows, out=self._x[:, None])


def prepare(batch: Batch) -> GatherLoop:
    """The batch, ready to step."""
    return GatherLoop(batch)
