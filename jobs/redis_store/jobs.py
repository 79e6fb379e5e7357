"""Jobs in Redis."""

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import JobStore
from jobs.records import Claim, FinishedRun, Job, NewJob, Queue
from jobs.redis_store.fields import JOB_FIELDS, is_sound, job_record, paired
from jobs.redis_store.keys import job_key, key, run_key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer, sealed_page
from jobs.run_keys import DIGEST_BYTES, packed
from jobs.run_pages import MOST_BYTES
from jobs.seal import sealed

KEYS_AT_ONCE: Final = 500
"""Runs of one call: the server answers nobody else meanwhile."""

RUNS_AT_ONCE: Final = 20
"""Their arrays may be large, and are only looked at."""


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
        fields = [
            field for job in jobs for field in (job.id, job.queue, json.dumps(dict(job.payload)), job.work, job.rank)
        ]
        self._call(Script.ADD_JOBS, *self._right(claim), *fields)

    @override
    def use_documents(self, claim: Claim, documents: Sequence[str]) -> None:
        self._call(Script.USE_DOCUMENTS, *self._right(claim), *documents)

    @override
    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        self._discard_damaged(keys)
        missing: list[int] = []
        # Once for none: a claim that is lost is told so.
        for first in range(0, max(len(keys), 1), KEYS_AT_ONCE):
            some = keys[first : first + KEYS_AT_ONCE]
            place = start + first, DIGEST_BYTES, packed(some)
            missing += self._call(Script.SET_RUN_KEYS, *self._right(claim), *place, *some)
        return missing

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        return self._commit(claim, runs, ends=False)

    def _commit(self, claim: Claim, runs: Sequence[FinishedRun], *, ends: bool) -> int:
        pages: list[bytes | str | float] = []
        fields: list[bytes | str | float] = []
        for number, some in enumerate(_by_page(runs), 1):
            # A name that nobody else draws: a call that is sent again finds its own page.
            name = secrets.token_hex(8)
            pages += [name, *sealed_page(name, [each.run for each in some])]
            for row, each in enumerate(some):
                run = each.run
                fields += [each.index, packed([run.key]), run.key, run.outcome, number, row]
        counted: int = self._call(Script.COMMIT_RUNS, *self._right(claim), int(ends), len(pages) // 3, *pages, *fields)
        return counted

    @override
    def complete(self, claim: Claim, runs: Sequence[FinishedRun] = ()) -> None:
        # Two scripts, for what stores nothing is done by a server that has no room, too.
        if runs:
            self._commit(claim, runs, ends=True)
        else:
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
        experiment_id, _, rest = job_id.partition(".")
        experiment = self._fields(experiment_id)
        # What an experiment had before it was planned anew only waits to be cleared away.
        generation = rest.partition(".")[0] if "." in rest else "0"
        is_current = generation.encode() == experiment.get(b"generation")
        if is_current and not is_sound(job_key(job_id), fields, JOB_FIELDS):
            self._repair_all_of(job_id, experiment_id)
            return None
        return job_record(job_id, fields, is_cancelled=experiment.get(b"cancel") == b"1") if is_current else None

    @override
    def jobs(self, experiment_id: str, start: int = 0, stop: int | None = None) -> Sequence[Job]:
        is_cancelled = self._require(experiment_id).get(b"cancel") == b"1"
        last = -1 if stop is None else stop - 1
        listed = key("experiment", experiment_id, "jobs")
        (members,) = self._read(["LRANGE", listed, start, last])
        job_ids = [member.decode(errors="replace") for member in members]
        hashes = self._read(*(["HGETALL", job_key(job_id)] for job_id in job_ids))
        found = list(zip(job_ids, hashes, strict=True))
        for job_id, fields in found:
            if not is_sound(job_key(job_id), fields, JOB_FIELDS):
                # Unless it was planned anew, or deleted, since the list was read.
                if fields or self._read(["LRANGE", listed, start, last]) == [members]:
                    self._repair_all_of(job_id, experiment_id)
                return self.jobs(experiment_id, start, stop)
        return [job_record(job_id, fields, is_cancelled=is_cancelled) for job_id, fields in found]

    def _discard_damaged(self, keys: Sequence[str]) -> None:
        """Remove what is stored of these runs and is not what was written, before anybody counts it."""
        for first in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[first : first + KEYS_AT_ONCE]
            # Of most experiments nothing is there, and that is one question.
            if any(self._read(["EXISTS", *map(run_key, some)])):
                for start in range(0, len(some), RUNS_AT_ONCE):
                    self._discard_damaged_of(some[start : start + RUNS_AT_ONCE])

    def _discard_damaged_of(self, keys: Sequence[str]) -> None:
        for run, found in self._runs(keys, with_arrays=True):
            if run is None and found.is_there:
                self._call(Script.FORGET_RUN, found.run, *found.bad)

    def _finish(self, claim: Claim, how: str, error: str = "") -> None:
        self._call(Script.FINISH, *self._right(claim), how, self._settings.max_attempts, error)

    def _right(self, claim: Claim) -> tuple[str, int, float]:
        """What every write of a claim begins with."""
        return claim.job.id, claim.token, self._settings.lease_seconds


def _by_page(runs: Sequence[FinishedRun]) -> Iterator[list[FinishedRun]]:
    """The runs, as many together as a page has room for."""
    page, filled = list[FinishedRun](), 0
    for each in runs:
        size = len(each.run.summary) + len(each.run.arrays)
        if page and filled + size > MOST_BYTES:
            yield page
            page, filled = [], 0
        page.append(each)
        filled += size
    if page:
        yield page


def _checkpoint_name(job: Job) -> str:
    return f"checkpoint of {job.id}"
