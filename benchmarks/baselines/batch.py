"""A batch of runs as plain arrays, to be handed from process to process."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Descent on β = u₊^D − u₋^D: X (sample, dim), y (sample,), theta (2, run, dim), one η for each run.

    What an optimiser has besides: `momentum` (run,) of heavy ball, of Nesterov where it `looks_ahead`; the λ (run,) of
    weight `decay`; `rho` (run,), by which times the gradient an ascent leads to where that of the step is taken (SAM),
    each sample by its own where `by_samples`, and by that length where `normalized`. Of each step, in rows that come
    round again: `shift` (step, run, sample), which label noise takes off the residual, `weight`, which SGD multiplies
    it with, `chosen` (step, run, place), the samples of its minibatches, where `weight` is N/b, and `parameters`
    (step, 2, run, dim), added to θ where the gradient is taken.
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
    looks_ahead: bool = False
    decay: np.ndarray | None = None
    rho: np.ndarray | None = None
    by_samples: bool = False
    normalized: bool = False
    parameters: np.ndarray | None = None

    @property
    def coefficients(self) -> np.ndarray:
        """D·η/N of each run, shape (run, 1): x = D·η·g is this times Xᵀ(Xβ − y)."""
        coefficients: np.ndarray = (self.depth * self.step_sizes / len(self.y))[:, None]
        return coefficients

    @property
    def period(self) -> int:
        """Steps after which the rows of what is drawn come round again; 1 where nothing is."""
        return next((len(drawn) for drawn in (self.shift, self.weight, self.parameters) if drawn is not None), 1)

    @property
    def shrink(self) -> np.ndarray | None:
        """1 − ηλ of each run, shape (run, 1): what weight decay multiplies θ by."""
        return None if self.decay is None else (1 - self.step_sizes * self.decay)[:, None]

    @property
    def products(self) -> int:
        """With X or its powers a step: two of each gradient, 2D + 1 where each sample has an ascent of its own."""
        if self.by_samples:
            return 2 * self.depth + 1
        return 2 if self.rho is None else 4

    @property
    def flops(self) -> int:
        """Of each step: those of its products, 2·N·d each for a run."""
        return 2 * self.products * self.X.size * len(self.step_sizes)

    def save(self, file: Path) -> None:
        """Write the arrays that there are to an .npz file."""
        np.savez(file, **{name: array for name, array in asdict(self).items() if array is not None})

    @classmethod
    def load(cls, file: Path) -> Self:
        """The batch that was saved."""
        with np.load(file) as arrays:
            fields: dict[str, Any] = dict(arrays)
        flags = {name: bool(fields[name]) for name in ("looks_ahead", "by_samples", "normalized")}
        return cls(**fields | flags | {"depth": int(fields["depth"])})


class Loop(Protocol):
    """A batch under way in some library."""

    def advance(self, steps: int) -> None:
        """Take steps; when this returns, they have been taken."""
        ...

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        ...
