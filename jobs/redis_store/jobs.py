"""Jobs in Redis."""

import json
import secrets
from collections.abc import Sequence

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import JobStore
from jobs.records import Claim, FinishedRun, Job, Message, NewJob
from jobs.redis_store.fields import job_record, message_for, paired
from jobs.redis_store.keys import job_key, key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.run_keys import DIGEST_BYTES, packed


class RedisJobs(RedisServer, JobStore):
    """The jobs of the Redis store."""

    @override
    def claim(self, job_id: str, *, worker: str) -> Claim | None:
        request = secrets.token_hex(8)
        answer = self._call(Script.CLAIM, job_id, worker, request, self._settings.lease_seconds)
        if answer is None:
            return None
        claimed, token, flat = answer
        return Claim(job=job_record(claimed.decode(), paired(flat)), token=token)

    @override
    def heartbeat(self, claim: Claim, *, fraction: float) -> bool:
        return bool(self._call(Script.HEARTBEAT, *self._right(claim), min(max(fraction, 0.0), 1.0)))

    @override
    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        self._call(Script.SAVE_CHECKPOINT, *self._right(claim), checkpoint)

    @override
    def checkpoint(self, job_id: str) -> bytes | None:
        (checkpoint,) = self._read(["GET", key("job", job_id, "checkpoint")])
        found: bytes | None = checkpoint
        return found

    @override
    def add_jobs(self, claim: Claim, jobs: Sequence[NewJob]) -> None:
        fields = [field for job in jobs for field in new_job_fields(job)]
        self._call(Script.ADD_JOBS, *self._right(claim), *fields)

    @override
    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        digests = packed(keys)
        missing: list[int] = self._call(Script.SET_RUN_KEYS, *self._right(claim), start, DIGEST_BYTES, digests, *keys)
        return missing

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        packed(each.run.key for each in runs)
        fields: list[bytes | str | float] = []
        for each in runs:
            fields += [each.index, each.run.key, each.run.outcome, each.run.summary, each.run.arrays]
        counted: int = self._call(Script.COMMIT_RUNS, *self._right(claim), *fields)
        return counted

    @override
    def complete(self, claim: Claim) -> None:
        self._call(Script.COMPLETE, *self._right(claim))

    @override
    def fail(self, claim: Claim, error: str) -> Message | None:
        return message_for(claim, self._call(Script.FAIL, *self._right(claim), self._settings.max_attempts, error))

    @override
    def hand_back(self, claim: Claim) -> Message | None:
        return message_for(claim, self._call(Script.HAND_BACK, *self._right(claim)))

    @override
    def job(self, job_id: str) -> Job | None:
        (fields,) = self._read(["HGETALL", job_key(job_id)])
        return job_record(job_id, fields) if fields else None

    @override
    def jobs(self, experiment_id: str) -> Sequence[Job]:
        self._require(experiment_id, "status")
        (members,) = self._read(["LRANGE", key("experiment", experiment_id, "jobs"), 0, -1])
        job_ids = [member.decode() for member in members]
        hashes = self._read(*(["HGETALL", job_key(job_id)] for job_id in job_ids))
        return [job_record(job_id, fields) for job_id, fields in zip(job_ids, hashes, strict=True)]

    def _right(self, claim: Claim) -> tuple[str, int, float]:
        """What every write of a claim begins with."""
        return claim.job.id, claim.token, self._settings.lease_seconds


def new_job_fields(job: NewJob) -> tuple[str, str, str, str, float]:
    """A job as the scripts take it: id, kind, queue, payload, work."""
    return job.id, job.kind, job.queue, json.dumps(dict(job.payload)), job.work
