"""The tables that the parts of the memory store share, and the lock in front of them."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jobs.errors import ExperimentNotFound, LeaseLost
from jobs.memory.ledger import Ending, ExperimentEntry, JobEntry
from jobs.memory.turns import Turns
from jobs.records import Claim, Job, NewJob, Queue, StoredRun
from jobs.settings import Settings
from jobs.states import JobState


class MemoryTables:
    """Dictionaries behind one lock. They live as long as their process.

    Args:
        settings: lease and attempts.
        clock: seconds since the epoch; what the Redis store takes from its server.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.RLock()
        self._experiments: dict[str, ExperimentEntry] = {}
        self._jobs: dict[str, JobEntry] = {}
        self._runs: dict[str, StoredRun] = {}
        self._turns = {queue: Turns() for queue in Queue}

    def _entry(self, experiment_id: str) -> ExperimentEntry:
        if experiment_id not in self._experiments:
            raise ExperimentNotFound(experiment_id)
        return self._experiments[experiment_id]

    def _jobs_of(self, entry: ExperimentEntry) -> list[JobEntry]:
        return [self._jobs[job_id] for job_id in entry.job_ids]

    def _record_counted(self, job: NewJob, experiment: ExperimentEntry) -> None:
        """Record a job of an experiment; one that comes too late for a cancel is cancelled from the start."""
        state = JobState.CANCELLED if experiment.is_cancelled else JobState.QUEUED
        record = _new_record(job, experiment.id, state)
        experiment.job_ids.append(job.id)
        entry = JobEntry(
            record=record, experiment=experiment, announced_at=self._clock(), number=len(experiment.job_ids)
        )
        self._jobs[job.id] = entry
        if state is JobState.QUEUED:
            entry.line_up()
        experiment.job_states[state] += 1
        experiment.work_total += job.work if entry.is_weighed else 0.0

    def _record_uncounted(self, job: NewJob, experiment_id: str, *, token: int) -> None:
        record = _new_record(job, experiment_id, JobState.QUEUED)
        self._jobs[job.id] = JobEntry(record=record, experiment=None, announced_at=self._clock(), token=token)

    @contextmanager
    def _held(self, claim: Claim) -> Iterator[JobEntry]:
        """The claimed job, under the lock and with its lease renewed."""
        with self._lock:
            job = self._jobs.get(claim.job.id)
            if job is None or job.record.state is not JobState.RUNNING or job.token != claim.token:
                raise LeaseLost("the job is no longer this worker's")
            job.lease_until = self._clock() + self._settings.lease_seconds
            yield job

    @contextmanager
    def _ending(self, claim: Claim, ending: Ending) -> Iterator[tuple[JobEntry, bool]]:
        """The claimed job, and whether this same call has ended the attempt before."""
        with self._lock:
            job = self._jobs.get(claim.job.id)
            if job is not None and job.token == claim.token and job.ended_by is ending:
                yield job, True
                return
            with self._held(claim) as held:
                held.ended_by = ending
                yield held, False

    def _after_attempt(self, job: JobEntry) -> JobState:
        if job.is_cancelled:
            return JobState.CANCELLED
        spent = job.record.failures + job.record.losses
        return JobState.DEAD if spent >= self._settings.max_attempts else JobState.QUEUED


def _new_record(job: NewJob, experiment_id: str, state: JobState) -> Job:
    return Job(
        id=job.id,
        kind=job.kind,
        queue=job.queue,
        experiment_id=experiment_id,
        state=state,
        payload=_as_json(job.payload),
        work=job.work,
    )


def _as_json(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload as a worker reads it from a real store: tuples become lists, and what is no JSON is refused."""
    document: Mapping[str, Any] = json.loads(json.dumps(dict(payload)))
    return document
