"""Results in Redis."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import ResultStore
from jobs.records import Message, NewJob, StoredRun
from jobs.redis_store.jobs import new_job_fields
from jobs.redis_store.keys import key, run_key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.run_keys import DIGEST_BYTES, unpacked


class RedisResults(RedisServer, ResultStore):
    """The results of the Redis store."""

    @override
    def summaries(self, experiment_id: str, start: int, stop: int) -> Sequence[bytes | None]:
        total = int(self._require(experiment_id, "runs_total"))
        count = max(min(stop, total) - start, 0)
        keys = self._run_keys(experiment_id, start, count)
        stored = {index: each for index, each in enumerate(keys) if each is not None}
        found = self._read(*(["HGET", run_key(each), "summary"] for each in stored.values()))
        summaries = dict(zip(stored, found, strict=True))
        return [summaries.get(index) for index in range(count)]

    @override
    def run(self, experiment_id: str, index: int) -> StoredRun | None:
        self._require(experiment_id, "runs_total")
        each = next(iter(self._run_keys(experiment_id, index, 1)), None)
        if each is None:
            return None
        ((outcome, summary, arrays),) = self._read(["HMGET", run_key(each), "outcome", "summary", "arrays"])
        if outcome is None:
            return None
        return StoredRun(key=each, outcome=outcome.decode(), summary=summary, arrays=arrays)

    @override
    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        lifetime: list[Any] = [] if seconds is None else ["PX", max(round(seconds * 1000), 1)]
        self._read(["SET", _document_key(key), document, "NX", *lifetime])

    @override
    def document(self, key: str) -> bytes | None:
        (document,) = self._read(["GET", _document_key(key)])
        found: bytes | None = document
        return found

    @override
    def request(self, job: NewJob, *, experiment_id: str) -> Message | None:
        recorded = self._call(Script.REQUEST, *new_job_fields(job), experiment_id)
        return Message(job_id=job.id, queue=job.queue) if recorded else None

    def _run_keys(self, experiment_id: str, start: int, count: int) -> list[str | None]:
        """The keys of `count` runs from `start` on, fewer where planning has not come so far."""
        first, last = start * DIGEST_BYTES, (start + count) * DIGEST_BYTES - 1
        if count == 0:
            return []
        (digests,) = self._read(["GETRANGE", key("experiment", experiment_id, "keys"), first, last])
        return list(unpacked(digests))


def _document_key(document: str) -> str:
    return key("document", document)
