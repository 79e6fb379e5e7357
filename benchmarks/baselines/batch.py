"""A batch of runs as plain arrays, to be handed from process to process."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Gradient descent on β = u₊^D − u₋^D: X (sample, dim), y (sample,), theta (2, run, dim), one η for each run."""

    X: np.ndarray
    y: np.ndarray
    depth: int
    theta: np.ndarray
    step_sizes: np.ndarray

    @property
    def coefficients(self) -> np.ndarray:
        """D·η/N of each run, shape (run, 1): x = D·η·g is this times Xᵀ(Xβ − y)."""
        coefficients: np.ndarray = (self.depth * self.step_sizes / len(self.y))[:, None]
        return coefficients

    @property
    def flops(self) -> int:
        """4·N·d for each run and step: the two products with X."""
        return 4 * self.X.size * len(self.step_sizes)

    def save(self, file: Path) -> None:
        """Write the arrays to an .npz file."""
        np.savez(file, **asdict(self))

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
