"""The health check of worker containers, `deploy/worker_health.py`."""

import pytest

from deploy.worker_health import is_alive
from jobs.connection import connect
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings

pytestmark = pytest.mark.services


@pytest.fixture
def store(empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> RedisStore:
    """The store of the deployment, on a real server."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", empty_valkey_url)
    return RedisStore(connect(empty_valkey_url, patience=5.0), Settings())


def test_a_worker_is_alive_once_the_store_has_heard_of_it(store: RedisStore) -> None:
    """Whichever queue it serves; another one of a longer name is not it."""
    assert not is_alive("host")
    store.beat("host-2:7", queues=[Queue.BATCH], seconds=60.0)
    assert not is_alive("host")
    store.beat("host:7", queues=[Queue.INTERACTIVE], seconds=60.0)
    assert is_alive("host")


def test_a_worker_that_fell_silent_is_not_alive(store: RedisStore) -> None:
    """What the store heard of it is no longer valid."""
    store.beat("host:7", queues=[Queue.BATCH], seconds=-2.0)
    assert not is_alive("host")


def test_without_a_server_there_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was not told of one."""
    monkeypatch.delenv("STEPBIAS_REDIS_URL", raising=False)
    assert not is_alive("host")
