"""The guards of the job system, each taken away: what the simulation must notice."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from jobs.records import Job, Round
from jobs.states import JobState
from tests.reference.memory_store import MemoryStore


def _without_token() -> AbstractContextManager[Any]:
    """Fencing: a worker whose claim is outdated writes as if it were not."""
    held = MemoryStore._held

    @contextmanager
    def anybody(self: MemoryStore, claim: Any) -> Iterator[Any]:
        experiment = self._experiments[claim.job.experiment_id]
        job = next((each for each in experiment.jobs if each.record.id == claim.job.id), None)
        if job is not None and job.record.state is JobState.RUNNING:
            yield experiment, job
        else:
            with held(self, claim) as found:
                yield found

    return patch.object(MemoryStore, "_held", anybody)


def _without_janitor() -> AbstractContextManager[Any]:
    """Leases: what a killed worker had is never given to another."""
    return patch.object(MemoryStore, "tidy", lambda self, *_, **__: Round(is_janitor=True, at=self._clock()))


def _without_a_count_of_attempts() -> AbstractContextManager[Any]:
    """Attempts: what can never succeed is tried for ever."""

    def again(self: MemoryStore, experiment: Any, job: Any, **_: Any) -> None:
        self._enter(experiment, job, JobState.QUEUED)

    return patch.object(MemoryStore, "_after_attempt", again)


def _without_commit_before_checkpoint() -> AbstractContextManager[Any]:
    """Order: a checkpoint that forgets runs is kept although they were never stored."""
    return patch("worker.batch.TrainingJob._commit", lambda *_: None)


def _with_a_checkpoint_of_another_job() -> AbstractContextManager[Any]:
    """Checkpoints: those of an experiment lie in one place."""
    save, read = MemoryStore.save_checkpoint, MemoryStore.checkpoint

    def anywhere(job: Job) -> Any:
        from dataclasses import replace  # noqa: PLC0415 - only where a guard is taken away

        return replace(job, id="one for all")

    def checkpoint(self: MemoryStore, job: Job) -> bytes | None:
        return read(self, anywhere(job))

    def save_checkpoint(self: MemoryStore, claim: Any, value: bytes) -> None:
        save(self, claim, value)
        self._experiments[claim.job.experiment_id].checkpoints["one for all"] = value

    return patch.multiple(MemoryStore, checkpoint=checkpoint, save_checkpoint=save_checkpoint)


GUARDS: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {
    "token": _without_token,
    "leases": _without_janitor,
    "attempts": _without_a_count_of_attempts,
    "commit": _without_commit_before_checkpoint,
    "checkpoint of its own": _with_a_checkpoint_of_another_job,
}
