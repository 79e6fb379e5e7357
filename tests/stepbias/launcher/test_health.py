"""The health check of worker containers, `stepbias serve health worker`."""

import pytest

from jobs.connection import connect
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.health import missing_worker

pytestmark = pytest.mark.services


@pytest.fixture
def store(empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> RedisStore:
    """The store of the deployment, on a real server."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", empty_valkey_url)
    return RedisStore(connect(empty_valkey_url, patience=5.0), Settings())


def test_a_worker_is_alive_once_the_store_has_heard_of_it(store: RedisStore) -> None:
    """Whichever queue it serves; another one of a longer name is not it."""
    assert missing_worker("host") == "the store has not heard of a worker on host lately"
    store.beat("host-2:7", queues=[Queue.BATCH], seconds=60.0)
    assert missing_worker("host") == "the store has not heard of a worker on host lately"
    store.beat("host:7", queues=[Queue.INTERACTIVE], seconds=60.0)
    assert missing_worker("host") is None


def test_a_worker_that_fell_silent_is_not_alive(store: RedisStore) -> None:
    """What the store heard of it is no longer valid."""
    store.beat("host:7", queues=[Queue.BATCH], seconds=-2.0)
    assert missing_worker("host") == "the store has not heard of a worker on host lately"


def test_without_a_server_there_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was not told of one."""
    monkeypatch.delenv("STEPBIAS_REDIS_URL", raising=False)
    assert missing_worker("host") == "STEPBIAS_REDIS_URL is not set"


def test_of_a_server_that_is_gone_no_worker_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence; port 9 answers nobody."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", "redis://127.0.0.1:9/0")
    assert str(missing_worker("host")).startswith("the store is not available: ")
