"""Upkeep in Redis."""

from collections.abc import Iterable, Sequence
from typing import Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import Upkeep
from jobs.records import Message, Queue
from jobs.redis_store.fields import messages
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer

MOST_LEASES: Final = 1000
"""Leases that one call ends: the server answers nobody else meanwhile, and the janitor comes again."""


class RedisUpkeep(RedisServer, Upkeep):
    """What the janitor asks of the Redis store."""

    @override
    def try_lock(self, name: str, *, seconds: float) -> bool:
        (taken,) = self._read(["SET", key("lock", name), "1", "NX", "PX", _milliseconds(seconds)])
        return bool(taken)

    @override
    def expire_leases(self) -> Sequence[Message]:
        return messages(self._call(Script.EXPIRE_LEASES, self._settings.max_attempts, MOST_LEASES))

    @override
    def queued(self, queue: Queue) -> int:
        (waiting,) = self._read(["ZCARD", key("queued", queue)])
        return int(waiting)

    @override
    def unannounced(self, queue: Queue, *, older_than: float, limit: int = 1000) -> Sequence[Message]:
        job_ids = self._call(Script.UNANNOUNCED, queue, older_than, limit)
        return [Message(job_id=job_id.decode(), queue=queue) for job_id in job_ids]

    @override
    def beat(self, worker: str, *, queues: Iterable[Queue], seconds: float) -> None:
        self._call(Script.BEAT, worker, seconds, *queues)

    @override
    def live_workers(self, queue: Queue) -> Sequence[str]:
        return [name.decode() for name in self._call(Script.LIVE_WORKERS, queue)]


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
