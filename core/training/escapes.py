"""Escape from an interpolator where gradient descent is unstable, by a random perturbation.

Rounding can freeze a run there. What a tiny gradient step with random residuals moves grows by itself where the point
is unstable, and dies out where it is not: perturbed gradient descent (Jin et al. 2017), not at saddles but here.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Int64

from core.descent.per_run import PerRun
from core.randomness import stream
from core.training.batch import Batch

PERTURBATION_SIZE: Final = 1e-9
"""Size of a perturbation's residual relative to the root mean square of y."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Escapes(PerRun):
    """How many times each run was perturbed, and the step of the last time, 0 where there was none."""

    count: Int64[np.ndarray, " run"]
    last: Int64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int) -> Self:
        """None was."""
        count, last = np.zeros((2, runs), dtype=np.int64)
        return cls(count=count, last=last)

    def perturb(self, batch: Batch, index: int, step: int) -> None:
        """Perturb a run by a step of its present size, with residuals from a stream of its own for every count."""
        run, y = batch.runs[index], batch.problem.dataset.y
        rng = stream(run.seed, f"{run.perturbed_by} {self.count[index]}")
        scale = PERTURBATION_SIZE * float(np.sqrt(2 * batch.problem.zero_loss))
        batch.descent.step_by(index, run.step_size_at(step), scale * rng.standard_normal(len(y)))
        self.count[index] += 1
        self.last[index] = step
