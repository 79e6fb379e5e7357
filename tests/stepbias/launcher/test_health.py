"""The health check of worker containers, `stepbias serve health worker`."""

import pytest

from core.identity import NUMERICS_VERSION
from jobs.connection import connect
from jobs.records import LiveWorker, Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.health import missing_worker

pytestmark = pytest.mark.services


@pytest.fixture
def store(empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> RedisStore:
    """The store of the deployment, on a real server."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", empty_valkey_url)
    return RedisStore(connect(empty_valkey_url, patience=5.0), Settings())


def register(store: RedisStore, name: str, queue: Queue, *, seconds: float = 50.0) -> None:
    """A worker with an idle process says that it lives."""
    store.register(LiveWorker(name=name, numerics=NUMERICS_VERSION, idle=1), queues=[queue], seconds=seconds)


def test_a_worker_is_alive_once_the_store_has_heard_of_it(store: RedisStore) -> None:
    """Whichever queue it serves; another one of a longer name is not it."""
    assert missing_worker("host") == "the store has not heard of a worker on host lately"
    register(store, "host-2:7", Queue.BATCH)
    assert missing_worker("host") == "the store has not heard of a worker on host lately"
    register(store, "host:7", Queue.INTERACTIVE)
    assert missing_worker("host") is None


def test_a_worker_that_leaves_work_lying_does_not_work(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is idle and hears no ring; that of another queue is no matter of its own."""
    monkeypatch.setattr("api.readiness.UNTAKEN_SECONDS", 0.0)
    register(store, "host:7", Queue.BATCH)
    store.submit(spec=b"{}", content_hash="0" * 64, name="", tags=[], runs=1)
    assert missing_worker("host") is None
    register(store, "host:8", Queue.INTERACTIVE)
    assert missing_worker("host") == "a worker that takes what waits in the interactive queue"


def test_a_worker_that_fell_silent_is_not_alive(store: RedisStore) -> None:
    """What the store heard of it is no longer valid."""
    register(store, "host:7", Queue.BATCH, seconds=-2.0)
    assert missing_worker("host") == "the store has not heard of a worker on host lately"


def test_without_a_server_there_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was not told of one."""
    monkeypatch.delenv("STEPBIAS_REDIS_URL", raising=False)
    assert missing_worker("host") == "STEPBIAS_REDIS_URL is not set"


def test_of_a_server_that_is_gone_no_worker_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence; port 9 answers nobody."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", "redis://127.0.0.1:9/0")
    assert str(missing_worker("host")).startswith("the store is not available: ")
