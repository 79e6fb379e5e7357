"""The guards of the job system, each taken away: what the simulation must notice."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from api.experiments.submission import submit
from jobs.errors import StoreUnavailable
from jobs.owned_store import OwnedStore
from jobs.records import Job, Queue, Round, Submission, WebhookState
from jobs.seal import SEAL_BYTES
from jobs.settings import Settings
from jobs.states import JobState
from tests.reference.memory_store import MemoryStore
from worker import planning
from worker.heartbeat import Heartbeat


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
    return patch.object(MemoryStore, "tidy", lambda self, *_, **__: Round(is_janitor=False, at=self._clock()))


def _without_a_count_of_attempts() -> AbstractContextManager[Any]:
    """Attempts: what can never succeed is tried for ever."""

    def again(self: MemoryStore, experiment: Any, job: Any, **_: Any) -> None:
        self._enter(experiment, job, JobState.QUEUED)

    return patch.object(MemoryStore, "_after_attempt", again)


def _without_commit_before_checkpoint() -> AbstractContextManager[Any]:
    """Order: a checkpoint that forgets runs is kept although they were never stored."""
    return patch("worker.batch.commit", lambda *_: None)


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

    @contextmanager
    def broken() -> Iterator[None]:
        # A seal is over the name of its job, and would give it away.
        with _without_seals(), patch.multiple(MemoryStore, checkpoint=checkpoint, save_checkpoint=save_checkpoint):
            yield

    return broken()


def _with_a_reply_before_the_record() -> AbstractContextManager[Any]:
    """Record first: where the store does not take an experiment, it is promised all the same."""

    def promised(spec: Any, wishes: Any, *, store: Any, bell: Any) -> Submission:
        with suppress(StoreUnavailable):
            return submit(spec, wishes, store=store, bell=bell)
        return submit(spec, wishes, store=MemoryStore(Settings()), bell=bell)

    return patch("api.experiments.submission.submit", promised)


def _with_plans_that_forget_jobs() -> AbstractContextManager[Any]:
    """Record first: a plan is done although the store did not take its jobs."""
    add = planning._add

    def forgetful(*args: Any, **options: Any) -> None:
        with suppress(StoreUnavailable):
            add(*args, **options)

    return patch("worker.planning._add", forgetful)


def _with_janitors_everywhere() -> AbstractContextManager[Any]:
    """The janitor's place: whoever asks has it."""
    tidy = MemoryStore.tidy

    def alone(self: MemoryStore, caller: str, **known: Any) -> Round:
        for other in self._janitor.keys() - {caller}:
            del self._janitor[other]
        return tidy(self, caller, **known)

    return patch.object(MemoryStore, "tidy", alone)


def _without_seals() -> AbstractContextManager[Any]:
    """Checksums: what is stored is believed."""
    return patch("jobs.seal.opened", lambda _, stored: stored[SEAL_BYTES:])


def _without_versions() -> AbstractContextManager[Any]:
    """Numerics versions: workers take what waits, whoever it waits for."""

    def all_of_them(self: MemoryStore, queue: Queue, _numerics: str) -> list[Any]:
        return [each for each in self._experiments.values() if queue in each.flows]

    return patch.object(MemoryStore, "_flowing", all_of_them)


def _without_the_watch_over_ears() -> AbstractContextManager[Any]:
    """The watchdog of workers: one that hears no bell lives on."""
    return patch("worker.janitor.DEAF_SECONDS", math.inf)


def _without_the_watch_over_jobs() -> AbstractContextManager[Any]:
    """The watchdog of jobs: one that hangs keeps its lease."""
    return patch.object(Heartbeat, "_look_after_it", Heartbeat._beat)


def _without_owners() -> AbstractContextManager[Any]:
    """Owners: the runs of all lie in one place."""
    return patch.object(OwnedStore, "_run", lambda _, key: key)


def _with_ends_that_are_told_once() -> AbstractContextManager[Any]:
    """Webhooks: an end counts as told once somebody is to tell it."""
    due = MemoryStore.due_webhooks

    def once(self: MemoryStore, *, most: int, seconds: float) -> Any:
        deliveries = due(self, most=most, seconds=seconds)
        for each in deliveries:
            self.note_webhook(each, WebhookState.DELIVERED, status=None)
        return deliveries

    return patch.object(MemoryStore, "due_webhooks", once)


GUARDS: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {
    "token": _without_token,
    "leases": _without_janitor,
    "attempts": _without_a_count_of_attempts,
    "commit": _without_commit_before_checkpoint,
    "checkpoint of its own": _with_a_checkpoint_of_another_job,
    "experiments on record": _with_a_reply_before_the_record,
    "jobs on record": _with_plans_that_forget_jobs,
    "one janitor": _with_janitors_everywhere,
    "seals": _without_seals,
    "versions": _without_versions,
    "deaf workers": _without_the_watch_over_ears,
    "hung jobs": _without_the_watch_over_jobs,
    "owners": _without_owners,
    "ends told": _with_ends_that_are_told_once,
}
