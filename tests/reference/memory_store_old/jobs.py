"""Jobs in memory."""

import math
from collections.abc import Sequence
from dataclasses import replace

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.memory.ledger import Ending, ExperimentEntry, JobEntry
from jobs.memory.tables import MemoryTables
from jobs.ports import JobStore
from jobs.records import Claim, FinishedRun, Job, Message, NewJob
from jobs.run_keys import packed
from jobs.states import JobState


class MemoryJobs(MemoryTables, JobStore):
    """The jobs of the memory store."""

    @override
    def claim(self, job_id: str, *, worker: str) -> Claim | None:
        with self._lock:
            job = self._claimable(job_id)
            if job is None:
                return None
            now = self._clock()
            job.token += 1
            job.ended_by = None
            job.lease_until = now + self._settings.lease_seconds
            job.record = replace(job.record, attempt=job.record.attempt + 1)
            job.enter(JobState.RUNNING, now)
            return Claim(job=job.record, token=job.token)

    def _claimable(self, job_id: str) -> JobEntry | None:
        """What a message gives a claim to: of training jobs the one whose turn it is, of others the one it names."""
        named = self._jobs.get(job_id)
        if named is None:
            return None
        is_queued = named.record.state is JobState.QUEUED
        if named.is_held_back and is_queued:
            # What is left of a failed experiment waits, unannounced, for somebody to retry it.
            named.announced_at = math.inf
        if named.takes_turns:
            turn = self._turns[named.record.queue].first()
            return None if turn is None else self._jobs[turn]
        return named if is_queued and not named.is_held_back else None

    @override
    def heartbeat(self, claim: Claim, *, fraction: float) -> bool:
        with self._held(claim) as job:
            job.report(min(max(fraction, 0.0), 1.0))
            return not job.is_cancelled

    @override
    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        with self._held(claim) as job:
            job.checkpoint = checkpoint
            job.record = replace(job.record, losses=0)

    @override
    def checkpoint(self, job_id: str) -> bytes | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return job.checkpoint if job else None

    @override
    def add_jobs(self, claim: Claim, jobs: Sequence[NewJob]) -> None:
        with self._held(claim) as planning:
            entry = _counting(planning)
            for job in jobs:
                if job.id not in self._jobs:
                    self._record_counted(job, entry)

    @override
    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        packed(keys)
        with self._held(claim) as job:
            entry = _counting(job)
            entry.keys.update(enumerate(keys, start))
            stored = {index: self._runs[key] for index, key in enumerate(keys, start) if key in self._runs}
            entry.reused += sum(entry.count_run(index, run.outcome) for index, run in stored.items())
            return [index for index in range(start, start + len(keys)) if index not in stored]

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        packed(each.run.key for each in runs)
        with self._held(claim) as job:
            entry = _counting(job)
            kept = [(each.index, self._runs.setdefault(each.run.key, each.run)) for each in runs]
            return sum(entry.count_run(index, run.outcome) for index, run in kept)

    @override
    def complete(self, claim: Claim) -> None:
        with self._ending(claim, Ending.COMPLETE) as (job, is_repeated):
            if not is_repeated:
                job.enter(JobState.SUCCEEDED, self._clock())

    @override
    def fail(self, claim: Claim, error: str) -> Message | None:
        with self._ending(claim, Ending.FAIL) as (job, is_repeated):
            if not is_repeated:
                job.record = replace(job.record, failures=job.record.failures + 1, error=error)
                job.enter(self._after_attempt(job), self._clock())
            return job.message

    @override
    def hand_back(self, claim: Claim) -> Message | None:
        with self._ending(claim, Ending.HAND_BACK) as (job, is_repeated):
            if not is_repeated:
                job.enter(JobState.CANCELLED if job.is_cancelled else JobState.QUEUED, self._clock())
            return job.message

    @override
    def job(self, job_id: str) -> Job | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return job.record if job else None

    @override
    def jobs(self, experiment_id: str) -> Sequence[Job]:
        with self._lock:
            return [job.record for job in self._jobs_of(self._entry(experiment_id))]


def _counting(job: JobEntry) -> ExperimentEntry:
    if job.experiment is None:
        raise ValueError("the job belongs to no experiment's count")
    return job.experiment
