"""What calls of the store cost its server: processor time, bytes on the wire and on the disk, waits for the disk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import redis
from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.redis_store import RedisStore
from jobs.redis_store.scripts import Script
from jobs.settings import Settings

MICRO: Final = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one operation costs the server, on average.

    Attributes:
        calls: round trips.
        writes: of these, how many are answered only once the disk has what they wrote: one fsync each, unless others
            come at the same moment and share it.
        commands: that the server was sent; a script is one, whatever it calls.
        cpu: microseconds of the server's main thread.
        bytes_in, bytes_out: on the wire, as the server sees it.
        bytes_logged: by which the append-only file grew.
        bytes_kept: by which the memory in use grew.
    """

    calls: float
    writes: float
    commands: float
    cpu: float
    bytes_in: float
    bytes_out: float
    bytes_logged: float
    bytes_kept: float


@dataclass(frozen=True, slots=True)
class _Counters:
    """What the server has counted so far."""

    cpu: float
    commands: int
    received: int
    sent: int
    logged: int
    kept: int
    loop_microseconds: float

    def since(self, before: "_Counters") -> tuple[float, ...]:
        return tuple(getattr(self, name) - getattr(before, name) for name in self.__slots__)


class MeteredStore(RedisStore):
    """A store that counts its round trips, and where it is asked to, those that wait for the disk."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        super().__init__(client, settings)
        self.calls = self.writes = 0
        self.asks_for_writes = False

    @override
    def _call(self, script: Script, *args: bytes | str | float) -> Any:
        with self._counting():
            return super()._call(script, *args)

    @override
    def _read(self, *commands: Any) -> list[Any]:
        if not commands:
            return []
        with self._counting():
            return super()._read(*commands)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        before = self._logged() if self.asks_for_writes else 0
        yield
        self.calls += 1
        self.writes += self.asks_for_writes and self._logged() != before

    def _logged(self) -> int:
        return int(self._client.info("persistence")["aof_current_size"])


class StoreMeter:
    """Measures operations on a server that nobody else asks meanwhile."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self.client, self.settings, self.store = client, settings, MeteredStore(client, settings)
        # What asking for the counters costs is counted in by each pair of questions.
        first, second = self._counters(), self._counters()
        self._asking = second.since(first)
        self.disk_microseconds: list[float] = []

    def cost(self, operation: Callable[[int], object], times: int, *, probed: int = 3) -> Cost:
        """Of an operation that is done so often, each time with another number, and at first by itself."""
        operation(0)
        calls, writes = self._round_trips(operation, range(1, 1 + probed))
        before = self._counters()
        for number in range(1 + probed, 1 + probed + times):
            operation(number)
        found = zip(self._counters().since(before), self._asking, strict=True)
        cpu, commands, received, sent, logged, kept, spent = (total - asking for total, asking in found)
        if writes:
            self.disk_microseconds.append(max(spent - cpu, 0.0) / (writes * times))
        return Cost(
            calls=calls,
            writes=writes,
            commands=commands / times,
            cpu=cpu / times,
            bytes_in=received / times,
            bytes_out=sent / times,
            bytes_logged=logged / times,
            bytes_kept=kept / times,
        )

    def _round_trips(self, operation: Callable[[int], object], numbers: range) -> tuple[float, float]:
        store = self.store
        store.calls = store.writes = 0
        store.asks_for_writes = True
        for number in numbers:
            operation(number)
        store.asks_for_writes = False
        return store.calls / len(numbers), store.writes / len(numbers)

    def _counters(self) -> _Counters:
        found = self.client.info("everything")
        return _Counters(
            cpu=MICRO * sum(found[f"used_cpu_{of}_main_thread"] for of in ("user", "sys")),
            commands=found["total_commands_processed"],
            received=found["total_net_input_bytes"],
            sent=found["total_net_output_bytes"],
            logged=found["aof_current_size"],
            kept=found["used_memory"],
            loop_microseconds=found["eventloop_duration_sum"],
        )
