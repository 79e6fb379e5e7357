"""When a run in training is tried to be completed, and when the limit that is found is believed (`core.completion`).

A limit is believed at once where its error is proven to be within the tolerance. Else the estimate must be within it,
and an attempt at a step smaller by a quarter, or more, must have found the same to a tenth of the tolerance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.completion import Completion
from core.stopping import at_check_from

NEVER: Final = 2**62
"""A step that no run reaches."""

FIRST_ATTEMPT: Final = 1024
SPACING: Final = 1.08
"""From one attempt to the next, so that trying costs nothing; the third after an attempt can confirm it."""

CONFIRMED_AFTER: Final = 1.25
CONFIRMED_WITHIN: Final = 0.1
REMEMBERED_WITHIN: Final = 10.0
"""Multiple of the tolerance below which an estimate makes a limit worth remembering, to be confirmed later."""


def first_attempt(settled_from: int, noise_steps: int) -> int:
    """The check of the first attempt: it may be before a warm-up is over, to be confirmed by one after it."""
    return at_check_from(max(noise_steps or math.ceil(settled_from / CONFIRMED_AFTER), FIRST_ATTEMPT))


def next_attempt(step: int) -> int:
    """The check of the attempt after one at `step`."""
    return at_check_from(max(step + 1, math.ceil(step * SPACING)))


@dataclass(kw_only=True, slots=True, eq=False)
class Attempts:
    """For each run the step from which on it is `due`, and its last unconfirmed β, `found`, with the step of that.

    `found_at` is 0 where there is none.
    """

    due: Int64[np.ndarray, " run"]
    found_at: Int64[np.ndarray, " run"]
    found: Float64[np.ndarray, "run dim"]

    @classmethod
    def begin(cls, first: Sequence[int], dim: int) -> Self:
        """Nothing has been found; `first` are the steps of the first attempts."""
        runs = len(first)
        return cls(
            due=np.array(first, dtype=np.int64),
            found_at=np.zeros(runs, dtype=np.int64),
            found=np.full((runs, dim), np.nan),
        )

    def select(self, runs: Int64[np.ndarray, " kept"]) -> Self:
        """What was found of some of the runs."""
        return type(self)(**{field.name: getattr(self, field.name)[runs] for field in fields(self)})

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of every field by name, for a checkpoint."""
        return {field.name: getattr(self, field.name).copy() for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `arrays` was taken of."""
        return cls(**arrays)

    def believes(self, run: int, step: int, limit: Completion, tolerance: float) -> bool:
        """Whether a limit that was found at a step is believed; if not, it may be remembered."""
        if limit.bound <= tolerance:
            return True
        since = int(self.found_at[run])
        if since and step < CONFIRMED_AFTER * since:
            return False
        apart = float(np.linalg.norm(limit.predictor - self.found[run])) if since else math.inf
        agrees = apart <= CONFIRMED_WITHIN * tolerance * float(np.linalg.norm(limit.predictor))
        if agrees and limit.estimate <= tolerance:
            return True
        if not agrees:
            self.found_at[run], self.found[run] = step, limit.predictor
        return False
