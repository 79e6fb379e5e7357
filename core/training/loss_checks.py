"""The regular checks of the loss, at steps that depend on nothing but their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.loss_events import Chunk

CHECK_INTERVAL: Final = 64
"""Steps from one check to the next. Even, so that a cycle of period two shows the same phase at every check."""

LONGEST_CHUNK: Final = 8192
"""Most steps between two returns to the caller, who has a heartbeat to give."""

FIRST_ATTEMPT: Final = 1024
SPACING: Final = 1.08
"""When it is first tried to complete a run, and from one check of whether that may succeed to the next.

The third after an attempt can confirm it.
"""

NEVER: Final = 2**62
"""A step that no run reaches."""


def at_check_from(step: int) -> int:
    """The first check at or after a step."""
    return -(-step // CHECK_INTERVAL) * CHECK_INTERVAL


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LossChecks:
    """The losses at successive checks, and whether the last of them is an event."""

    steps: Int64[np.ndarray, " check"]
    losses: Float64[np.ndarray, "check run"]
    ended_by_event: bool

    @classmethod
    def of(cls, chunk: Chunk, start: int) -> Self:
        """The checks of a chunk of steps that began at `start`."""
        first = at_check_from(start + 1)
        steps = np.arange(first, first + CHECK_INTERVAL * len(chunk.losses), CHECK_INTERVAL)
        return cls(steps=steps, losses=chunk.losses, ended_by_event=chunk.ended_by_event)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of one chunk after the other."""
        return cls(
            steps=np.concatenate([part.steps for part in parts]),
            losses=np.concatenate([part.losses for part in parts]),
            ended_by_event=parts[-1].ended_by_event,
        )

    @property
    def last_step(self) -> int:
        """The step of the last check."""
        return int(self.steps[-1])
