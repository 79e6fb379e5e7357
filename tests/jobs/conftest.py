"""Both stores, each in its laboratory."""

import time
from collections.abc import Callable, Iterator

import pytest
import redis

from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from tests.jobs.laboratory import SETTINGS, Laboratory
from tests.reference.memory_store import MemoryStore


class MovableClock:
    """A clock that moves when it is told to, and a little at each reading, as any clock does."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        self.now += 1e-6
        return self.now

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds


def memory_laboratory(settings: Settings = SETTINGS) -> Laboratory:
    """The twin."""
    clock = MovableClock()
    store = MemoryStore(settings, clock)
    return Laboratory(store=store, wait=clock.move, store_of=store.of_version)


def redis_laboratory(client: redis.Redis, settings: Settings = SETTINGS) -> Laboratory:
    """A store on a server."""
    return Laboratory(
        store=RedisStore(client, settings),
        wait=time.sleep,
        store_of=lambda numerics: RedisStore(client, settings, numerics),
    )


@pytest.fixture(params=["memory", "redis"])
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """An empty store of either kind."""
    if request.param == "memory":
        yield memory_laboratory()
        return
    with connect(request.getfixturevalue("empty_valkey_url"), patience=10.0) as client:
        yield redis_laboratory(client)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so, and fails if it does not come to be."""

    def wait_until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20.0
        while not is_so():
            assert time.monotonic() < deadline, "it did not come to be"
            time.sleep(0.005)

    return wait_until
