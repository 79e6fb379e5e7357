"""States of jobs and experiments, and the moves between them, as tables: a move not listed is refused."""

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
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset({JobState.QUEUED, JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED}),
        JobState.SUCCEEDED: frozenset(),
        JobState.DEAD: frozenset({JobState.QUEUED}),
        JobState.CANCELLED: frozenset(),
    }
)


class ExperimentStatus(StrEnum):
    """Where an experiment stands, as its users see it."""

    PLANNING = "planning"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


EXPERIMENT_MOVES: Final[Mapping[ExperimentStatus, frozenset[ExperimentStatus]]] = MappingProxyType(
    {
        ExperimentStatus.PLANNING: frozenset(
            {
                ExperimentStatus.QUEUED,
                ExperimentStatus.RUNNING,
                ExperimentStatus.SUCCEEDED,
                ExperimentStatus.FAILED,
                ExperimentStatus.CANCELLING,
                ExperimentStatus.CANCELLED,
            }
        ),
        ExperimentStatus.QUEUED: frozenset(
            {
                ExperimentStatus.RUNNING,
                ExperimentStatus.FAILED,
                ExperimentStatus.CANCELLING,
                ExperimentStatus.CANCELLED,
            }
        ),
        ExperimentStatus.RUNNING: frozenset(
            {
                ExperimentStatus.SUCCEEDED,
                ExperimentStatus.FAILED,
                ExperimentStatus.CANCELLING,
                ExperimentStatus.CANCELLED,
            }
        ),
        ExperimentStatus.SUCCEEDED: frozenset(),
        ExperimentStatus.FAILED: frozenset({ExperimentStatus.PLANNING, ExperimentStatus.QUEUED}),
        ExperimentStatus.CANCELLING: frozenset({ExperimentStatus.CANCELLED}),
        ExperimentStatus.CANCELLED: frozenset(),
    }
)

ACTIVE: Final = frozenset(
    {
        ExperimentStatus.PLANNING,
        ExperimentStatus.QUEUED,
        ExperimentStatus.RUNNING,
        ExperimentStatus.CANCELLING,
    }
)
"""Statuses of an experiment that may still change by itself."""

FINAL: Final = frozenset(ExperimentStatus) - ACTIVE
"""Statuses of an experiment that no longer changes unless somebody asks for it."""

RENEWED: Final = frozenset({ExperimentStatus.FAILED, ExperimentStatus.CANCELLING, ExperimentStatus.CANCELLED})
"""Statuses of an experiment after which the same spec, submitted again, is a new one."""
