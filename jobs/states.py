"""States of jobs and experiments, and the moves between them, as tables: a move not listed is refused by the store."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class JobState(StrEnum):
    """Where a job stands. `dead` is a job that used up its attempts; retrying the experiment queues it again."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


JOB_MOVES: Final[Mapping[JobState, frozenset[JobState]]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING}),
        JobState.RUNNING: frozenset({JobState.QUEUED, JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED}),
        JobState.SUCCEEDED: frozenset(),
        JobState.DEAD: frozenset({JobState.QUEUED}),
        JobState.CANCELLED: frozenset(),
    }
)
"""What the store's scripts let happen. A waiting job of a cancelled experiment is cancelled without a move."""


ENDS: Final = (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED)
"""States that a job comes to rest in; only a retry moves one on."""


class ExperimentStatus(StrEnum):
    """Where an experiment stands, as its users see it: `jobs.status` says what it follows from.

    None is `cancelling` any more, as in 0.1: a cancel does not wait for workers. Clients may go on asking for it.
    """

    PLANNING = "planning"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


ACTIVE: Final = frozenset(
    {
        ExperimentStatus.PLANNING,
        ExperimentStatus.QUEUED,
        ExperimentStatus.RUNNING,
    }
)
"""Statuses of an experiment that may still change by itself."""
