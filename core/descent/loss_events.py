"""Events that end a chunk of steps early: a loss, at one of the regular checks, of which something follows."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LossEvents:
    """The termination conditions of a chunk of steps, for each run.

    Losses are checked where the step number, that of the first step of the chunk being `start`, is a multiple of
    `interval`. The chunk ends at the first check that finds a run with loss ≤ `converged_below` at a step number
    ≥ `converged_from`, with loss ≤ `frozen_below` at a step number < `frozen_until`, or without
    loss ≤ `diverged_above`.
    """

    start: int
    interval: int
    converged_below: Float64[np.ndarray, " #run"]
    converged_from: Int64[np.ndarray, " #run"]
    frozen_below: Float64[np.ndarray, " #run"]
    frozen_until: Int64[np.ndarray, " #run"]
    diverged_above: Float64[np.ndarray, " #run"]

    def checks(self, steps: int) -> int:
        """How many checks there are in so many steps."""
        return (self.start + steps) // self.interval - self.start // self.interval

    def to_next(self, done: int) -> int:
        """Steps to the next check, `done` steps into the chunk."""
        return self.interval - (self.start + done) % self.interval

    def finds(self, step: int, losses: Float64[np.ndarray, " run"]) -> bool:
        """Whether a check at this step number ends the chunk."""
        converged = (losses <= self.converged_below) & (step >= self.converged_from)
        frozen = (losses <= self.frozen_below) & (step < self.frozen_until)
        return bool((converged | frozen | ~(losses <= self.diverged_above)).any())

    @property
    def conditions(self) -> tuple[np.ndarray, ...]:
        """What is compared, in the order of the members."""
        losses, steps = self.converged_below, self.converged_from
        return losses, steps, self.frozen_below, self.frozen_until, self.diverged_above

    def conditions_of(self, runs: int) -> tuple[np.ndarray, ...]:
        """The same with an entry for each run, in memory of their own."""
        kinds = np.float64, np.int64, np.float64, np.int64, np.float64
        return tuple(np.full(runs, each, dtype=kind) for each, kind in zip(self.conditions, kinds, strict=True))


NO_EVENTS: Final = LossEvents(
    start=0,
    interval=2**62,
    converged_below=np.array([-1.0]),
    converged_from=np.array([0]),
    frozen_below=np.array([-1.0]),
    frozen_until=np.array([0]),
    diverged_above=np.array([np.inf]),
)
"""Steps to the end without a check."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Chunk:
    """What came of a chunk of steps: the steps taken, the losses at every check, and whether the last one ended it."""

    steps: int
    losses: Float64[np.ndarray, "check run"]
    ended_by_event: bool
