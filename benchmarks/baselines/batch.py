"""A batch of runs as plain arrays, to be handed from process to process."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Descent on β = u₊^D − u₋^D: X (sample, dim), y (sample,), theta (2, run, dim), one η for each run.

    What an optimiser has besides: `momentum` (run,) of heavy ball; of each step, in rows that come round again, `shift`
    (step, run, sample), which label noise takes off the residual, `weight`, which SGD multiplies it with, and `chosen`
    (step, run, place), the samples of its minibatches, where `weight` is N/b.
    """

    X: np.ndarray
    y: np.ndarray
    depth: int
    theta: np.ndarray
    step_sizes: np.ndarray
    momentum: np.ndarray | None = None
    shift: np.ndarray | None = None
    weight: np.ndarray | None = None
    chosen: np.ndarray | None = None

    @property
    def coefficients(self) -> np.ndarray:
        """D·η/N of each run, shape (run, 1): x = D·η·g is this times Xᵀ(Xβ − y)."""
        coefficients: np.ndarray = (self.depth * self.step_sizes / len(self.y))[:, None]
        return coefficients

    @property
    def period(self) -> int:
        """Steps after which the rows of what is drawn come round again; 1 where nothing is."""
        return next((len(drawn) for drawn in (self.shift, self.weight) if drawn is not None), 1)

    @property
    def flops(self) -> int:
        """4·N·d for each run and step: the two products with X."""
        return 4 * self.X.size * len(self.step_sizes)

    def save(self, file: Path) -> None:
        """Write the arrays that there are to an .npz file."""
        np.savez(file, **{name: array for name, array in asdict(self).items() if array is not None})

    @classmethod
    def load(cls, file: Path) -> Self:
        """The batch that was saved."""
        with np.load(file) as arrays:
            fields: dict[str, Any] = dict(arrays)
        return cls(**fields | {"depth": int(fields["depth"])})


class Loop(Protocol):
    """A batch under way in some library."""

    def advance(self, steps: int) -> None:
        """Take steps; when this returns, they have been taken."""
        ...

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        ...
