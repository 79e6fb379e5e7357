"""Jobs in Redis."""

import json
from collections.abc import Sequence

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import JobStore
from jobs.records import Claim, FinishedRun, Job, NewJob, Queue
from jobs.redis_store.fields import job_record, paired
from jobs.redis_store.keys import experiment_key, job_key, key, run_name
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.run_keys import DIGEST_BYTES, packed
from jobs.seal import sealed


class RedisJobs(RedisServer, JobStore):
    """The jobs of the Redis store."""

    @override
    def claim(self, queue: Queue, *, worker: str) -> Claim | None:
        answer = self._call(Script.CLAIM, queue, self._numerics, worker, self._settings.lease_seconds)
        if answer is None:
            return None
        claimed, token, flat = answer
        return Claim(job=job_record(claimed.decode(), paired(flat)), token=token)

    @override
    def heartbeat(self, claim: Claim, *, fraction: float) -> None:
        self._call(Script.HEARTBEAT, *self._right(claim), min(max(fraction, 0.0), 1.0))

    @override
    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        self._call(Script.SAVE_CHECKPOINT, *self._right(claim), sealed(_checkpoint_name(claim.job), checkpoint))

    @override
    def checkpoint(self, job: Job) -> bytes | None:
        (stored,) = self._read(["HGET", key("experiment", job.experiment_id, "checkpoints"), job.id])
        return None if stored is None else self._opened(_checkpoint_name(job), stored)

    @override
    def add_jobs(self, claim: Claim, jobs: Sequence[NewJob]) -> None:
        fields = [field for job in jobs for field in (job.id, job.queue, json.dumps(dict(job.payload)), job.work)]
        self._call(Script.ADD_JOBS, *self._right(claim), *fields)

    @override
    def use_documents(self, claim: Claim, documents: Sequence[str]) -> None:
        self._call(Script.USE_DOCUMENTS, *self._right(claim), *documents)

    @override
    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        digests = packed(keys)
        missing: list[int] = self._call(Script.SET_RUN_KEYS, *self._right(claim), start, DIGEST_BYTES, digests, *keys)
        return missing

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        fields: list[bytes | str | float] = []
        for index, run in ((each.index, each.run) for each in runs):
            summary = sealed(run_name(run.key, "summary"), run.summary)
            arrays = sealed(run_name(run.key, "arrays"), run.arrays)
            fields += [index, packed([run.key]), run.key, run.outcome, summary, arrays]
        counted: int = self._call(Script.COMMIT_RUNS, *self._right(claim), *fields)
        return counted

    @override
    def complete(self, claim: Claim) -> None:
        self._finish(claim, "succeeded")

    @override
    def fail(self, claim: Claim, error: str, *, is_hopeless: bool = False) -> None:
        self._finish(claim, "hopeless" if is_hopeless else "failed", error)

    @override
    def release(self, claim: Claim) -> None:
        self._finish(claim, "released")

    @override
    def job(self, job_id: str) -> Job | None:
        (fields,) = self._read(["HGETALL", job_key(job_id)])
        if not fields:
            return None
        experiment = experiment_key(fields[b"experiment"].decode())
        ((cancel, generation),) = self._read(["HMGET", experiment, "cancel", "generation"])
        # What an experiment had before it was planned anew only waits to be cleared away.
        return job_record(job_id, fields, is_cancelled=cancel == b"1") if fields[b"generation"] == generation else None

    @override
    def jobs(self, experiment_id: str, start: int = 0, stop: int | None = None) -> Sequence[Job]:
        self._require(experiment_id, "number")
        members, cancel = self._read(
            ["LRANGE", key("experiment", experiment_id, "jobs"), start, -1 if stop is None else stop - 1],
            ["HGET", key("experiment", experiment_id), "cancel"],
        )
        job_ids = [member.decode() for member in members]
        hashes = self._read(*(["HGETALL", job_key(job_id)] for job_id in job_ids))
        return [
            job_record(job_id, fields, is_cancelled=cancel == b"1")
            for job_id, fields in zip(job_ids, hashes, strict=True)
            if fields
        ]

    def _finish(self, claim: Claim, how: str, error: str = "") -> None:
        self._call(Script.FINISH, *self._right(claim), how, self._settings.max_attempts, error)

    def _right(self, claim: Claim) -> tuple[str, int, float]:
        """What every write of a claim begins with."""
        return claim.job.id, claim.token, self._settings.lease_seconds


def _checkpoint_name(job: Job) -> str:
    return f"checkpoint of {job.id}"
