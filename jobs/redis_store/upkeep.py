"""Upkeep in Redis."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import Upkeep
from jobs.records import Gauges, LiveWorker, LostAttempt, Queue, Round, Surroundings, Waiting
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.run_keys import DIGEST_BYTES
from jobs.states import ENDS, JobState

MOST_LEASES: Final = 1000
"""Leases that one call ends: the server answers nobody else meanwhile, and the janitor comes again."""

DAMAGE_SECONDS: Final = 7 * 86_400.0
"""What was found damaged is told of for so long: by then it is computed again, or nobody wants it."""

LONGEST_REGISTRATION: Final = 60.0
"""Seconds; a worker registers every second or so."""


class RedisUpkeep(RedisServer, Upkeep):
    """What the janitors ask of the Redis store."""

    @override
    def tidy(self, caller: str, *, period: float, last: float | None, elapsed: float) -> Round:
        settings = self._settings
        is_janitor, at, jump, *lost = self._call(
            Script.TIDY,
            *(caller, period, settings.lease_seconds, settings.max_attempts, MOST_LEASES),
            *("" if last is None else last, elapsed),
        )
        return Round(
            is_janitor=bool(is_janitor),
            at=float(at),
            jump=float(jump),
            lost=tuple(_lost(lost[start : start + 5]) for start in range(0, len(lost), 5)),
        )

    @override
    def clear_garbage(self, *, most: int) -> int:
        cleared: int = self._call(Script.CLEAR_GARBAGE, most, DIGEST_BYTES)
        return cleared

    @override
    def sweep(self, *, most: int, grace: float) -> Sequence[str]:
        return [name.decode() for name in self._call(Script.SWEEP, most, grace)]

    @override
    def audit(self, *, most: int) -> None:
        self._call(Script.AUDIT, most, self._numerics)

    @override
    def finished_before(self, *, seconds: float, most: int) -> Sequence[str]:
        ((now, microseconds),) = self._read(["TIME"])
        latest = now + microseconds / 1e6 - seconds
        (members,) = self._read(["ZRANGE", key("finished"), "-inf", latest, "BYSCORE", "LIMIT", 0, most])
        return [member.decode(errors="replace") for member in members]

    @override
    def plan_anew(self, numerics: str, *, most: int) -> Sequence[str]:
        (members,) = self._read(["ZRANGE", key("unfinished", numerics), 0, most - 1])
        ids = [member.decode(errors="replace") for member in members]
        return [each for each in ids if self._call(Script.PLAN_ANEW, each, numerics, self._numerics)]

    @override
    def register(self, worker: LiveWorker, *, queues: Iterable[Queue], seconds: float) -> None:
        processes = "" if worker.processes is None else worker.processes
        said = worker.name, worker.numerics, worker.idle, worker.tells, processes, worker.kernel
        self._call(Script.REGISTER, min(seconds, LONGEST_REGISTRATION), *said, *queues)

    @override
    def look_around(self, queue: Queue) -> Surroundings:
        workers, waiting = self._call(Script.LOOK_AROUND, queue, LONGEST_REGISTRATION)
        return Surroundings(
            workers=tuple(
                LiveWorker(
                    name=name.decode(),
                    numerics=numerics.decode(),
                    idle=int(idle),
                    tells=tells.decode(),
                    processes=int(processes) if processes else None,
                    kernel=kernel.decode(),
                )
                for name, numerics, idle, tells, processes, kernel in _sixes(workers)
            ),
            waiting=tuple(_waiting(waiting[start : start + 4]) for start in range(0, len(waiting), 4)),
        )

    @override
    def work_waiting(self, queue: Queue, *, most: int) -> int:
        waiting: int = self._call(Script.WORK_WAITING, queue, self._numerics, most)
        return waiting

    @override
    def damaged(self) -> Sequence[str]:
        _, names = self._read(
            ["ZREMRANGEBYSCORE", key("damaged"), "-inf", time.time() - DAMAGE_SECONDS],
            ["ZRANGE", key("damaged"), 0, -1],
        )
        return sorted(name.decode(errors="replace") for name in names)

    @override
    def require_writable(self) -> None:
        self._read(["SET", key("probe"), "1", "PX", 60_000])

    @override
    def room(self, *, reserve: float = 0.0) -> str | None:
        memory, persistence = self._read(["INFO", "memory"], ["INFO", "persistence"])
        used, limit = int(memory["used_memory"]), int(memory["maxmemory"])
        if limit and used >= (1.0 - reserve) * limit:
            return f"the store is full: {used / 1e6:.0f} MB of {limit / 1e6:.0f} MB"
        if "err" in {persistence.get("aof_last_write_status"), persistence.get("rdb_last_bgsave_status")}:
            return "the store cannot write to its disk"
        return None

    @override
    def gauges(self) -> Gauges:
        memory, experiments, ended, versions = self._read(
            ["INFO", "memory"], ["ZCARD", key("experiments")], ["HGETALL", key("ended")], ["SMEMBERS", key("numerics")]
        )
        unfinished = self._read(*(["ZCARD", key("unfinished", each.decode(errors="replace"))] for each in versions))
        return Gauges(
            memory=int(memory["used_memory"]),
            memory_limit=int(memory["maxmemory"]),
            experiments=int(experiments),
            unfinished=sum(unfinished),
            jobs_ended={state: int(ended.get(state.encode(), 0)) for state in ENDS},
        )


def _sixes(flat: Sequence[bytes]) -> Iterable[tuple[bytes, bytes, bytes, bytes, bytes, bytes]]:
    return zip(*(flat[place::6] for place in range(6)), strict=True)


def _lost(fields: Sequence[Any]) -> LostAttempt:
    job_id, experiment_id, attempt, losses, state = fields
    return LostAttempt(
        job_id=job_id.decode(),
        experiment_id=experiment_id.decode(),
        attempt=int(attempt),
        losses=int(losses),
        state=JobState(state.decode()),
    )


def _waiting(fields: Sequence[bytes]) -> Waiting:
    numerics, experiments, jobs, untaken = (field.decode() for field in fields)
    return Waiting(
        numerics=numerics, experiments=int(experiments), jobs=int(jobs), untaken_seconds=max(float(untaken), 0.0)
    )
