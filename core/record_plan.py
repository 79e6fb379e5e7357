"""Which steps of a run are recorded, and what is kept there coordinate by coordinate."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Int64

SUPPORT_THRESHOLD: Final = 1e-3
"""The |β_i| above which a coordinate is of the support, where nothing else is asked for."""


class Spacing(StrEnum):
    """How recorded steps are spaced over a budget: evenly in ln t, or evenly in t."""

    LOG = "log"
    LINEAR = "linear"


class VectorQuantity(StrEnum):
    """What may be recorded of every coordinate.

    `predictor` is β, `support` where |β_i| exceeds a threshold, `time_average` Σ_s η_sβ_s/Σ_s η_s over the steps taken,
    and `balance` what gradient flow conserves of each coordinate (`core.networks.layer_balance`).
    """

    PREDICTOR = "predictor"
    SUPPORT = "support"
    TIME_AVERAGE = "time_average"
    BALANCE = "balance"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordPlan:
    """How the records of a run are spaced, or `at` which steps they are, and which `vectors` are recorded with them.

    A coordinate is of the support where |β_i| > `support_threshold`.
    """

    spacing: Spacing = Spacing.LOG
    at: tuple[int, ...] = ()
    vectors: tuple[VectorQuantity, ...] = ()
    support_threshold: float = SUPPORT_THRESHOLD

    def steps(self, points: int, max_steps: int) -> Int64[np.ndarray, " record"]:
        """The steps `at` which it is, as far as the budget goes, or at most `points` of them: none where that is 0."""
        if points and self.at:
            return np.array([step for step in self.at if step <= max_steps], dtype=np.int64)
        if points and self.spacing is Spacing.LINEAR:
            return np.unique(np.rint(np.linspace(max_steps, 0, points)).astype(np.int64))
        return record_steps(points, max_steps)


PLAIN: Final = RecordPlan()
"""Log-spaced, and curves alone."""


def record_steps(points: int, max_steps: int) -> Int64[np.ndarray, " record"]:
    """At most `points` different steps of a run of `max_steps`: 0, and the others log-spaced from 1 to `max_steps`.

    Two points are 0 and `max_steps`, one point is `max_steps` alone, and no point means no recording. Fewer steps than
    `points` where rounding makes some equal.
    """
    if points == 0:
        return np.empty(0, dtype=np.int64)
    spaced = np.rint(np.geomspace(max_steps, 1, max(points - 1, 1))).astype(np.int64)
    return np.unique(np.append(spaced, 0))[-points:]


def in_order(vectors: Sequence[VectorQuantity]) -> tuple[VectorQuantity, ...]:
    """The same quantities in the one order that they are hashed and recorded in."""
    return tuple(quantity for quantity in VectorQuantity if quantity in vectors)
