"""Upkeep in memory."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.loss import loss_error
from jobs.memory.ledger import JobEntry, announce
from jobs.memory.tables import MemoryTables
from jobs.ports import Upkeep
from jobs.records import Message, Queue
from jobs.settings import Settings
from jobs.states import JobState


class MemoryUpkeep(MemoryTables, Upkeep):
    """What the janitor asks of the memory store."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, clock)
        self._locks: dict[str, float] = {}
        self._workers: dict[tuple[str, Queue], float] = {}

    @override
    def try_lock(self, name: str, *, seconds: float) -> bool:
        with self._lock:
            now = self._clock()
            if self._locks.get(name, now) > now:
                return False
            self._locks[name] = now + seconds
            return True

    @override
    def expire_leases(self) -> Sequence[Message]:
        with self._lock:
            now = self._clock()
            running = (job for job in self._jobs.values() if job.record.state is JobState.RUNNING)
            lost = sorted((job.lease_until, job.record.id) for job in running if job.lease_until <= now)
            messages = [self._lose(self._jobs[job_id], now) for _, job_id in lost]
            return [message for message in messages if message]

    @override
    def queued(self, queue: Queue) -> int:
        with self._lock:
            queued = (job for job in self._jobs.values() if job.record.state is JobState.QUEUED)
            return sum(job.record.queue is queue and job.announced_at < math.inf for job in queued)

    @override
    def unannounced(self, queue: Queue, *, older_than: float, limit: int = 1000) -> Sequence[Message]:
        with self._lock:
            now = self._clock()
            queued = (job for job in self._jobs.values() if job.record.state is JobState.QUEUED)
            old = [job for job in queued if job.record.queue is queue and job.announced_at <= now - older_than]
            old.sort(key=lambda job: (job.announced_at, job.record.id))
            return announce(old[:limit], now)

    @override
    def beat(self, worker: str, *, queues: Iterable[Queue], seconds: float) -> None:
        with self._lock:
            self._workers.update({(worker, queue): self._clock() + seconds for queue in queues})

    @override
    def live_workers(self, queue: Queue) -> Sequence[str]:
        with self._lock:
            now = self._clock()
            return [name for (name, served), until in self._workers.items() if served is queue and until > now]

    def _lose(self, job: JobEntry, now: float) -> Message | None:
        job.record = replace(job.record, losses=job.record.losses + 1)
        state = self._after_attempt(job)
        if state is JobState.DEAD:
            error = loss_error(job.record.losses, job.record.failures, job.record.error)
            job.record = replace(job.record, error=error)
        job.enter(state, now)
        return job.message
