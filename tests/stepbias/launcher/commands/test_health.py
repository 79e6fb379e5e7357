"""Whether a part of the service works, as its health check and its supervisor ask it."""

import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from core.identity import NUMERICS_VERSION
from jobs.connection import connect
from jobs.records import LiveWorker, Queue, Surroundings, Waiting
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.cli.main import app
from stepbias.launcher.checks.worker_probe import lack_of_workers, worker_probe
from stepbias.launcher.commands.health import missing_worker
from stepbias.launcher.processes.managed import Undecided

UNHEARD = "the store has not heard of a worker on host lately"


@pytest.fixture
def store(empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> RedisStore:
    """The store of the deployment, on a real server."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", empty_valkey_url)
    return RedisStore(connect(empty_valkey_url, patience=5.0), Settings())


def _worker(name: str, *, idle: int = 1) -> LiveWorker:
    return LiveWorker(name=name, numerics=NUMERICS_VERSION, idle=idle)


@pytest.mark.services
def test_a_worker_is_alive_once_the_store_has_heard_of_it(store: RedisStore) -> None:
    """Whichever queue it serves; another one of a longer name is not it."""
    assert missing_worker("host") == UNHEARD
    store.register(_worker("host-2:7"), queues=[Queue.BATCH], seconds=60.0)
    assert missing_worker("host") == UNHEARD
    store.register(_worker("host:7"), queues=[Queue.INTERACTIVE], seconds=60.0)
    assert missing_worker("host") is None


@pytest.mark.services
def test_a_worker_that_fell_silent_is_not_alive(store: RedisStore) -> None:
    """What the store heard of it is no longer valid."""
    store.register(_worker("host:7"), queues=[Queue.BATCH], seconds=-2.0)
    assert missing_worker("host") == UNHEARD


@pytest.mark.services
def test_the_supervisor_asks_for_a_process_of_this_machine(store: RedisStore, empty_valkey_url: str) -> None:
    """By its number: of two workers here, each has to be heard of."""
    missing = worker_probe(empty_valkey_url, Settings())
    name = f"{socket.gethostname()}:7"
    assert missing(7) == f"the store has not heard of worker {name} lately"
    store.register(_worker(name), queues=[Queue.BATCH], seconds=60.0)
    assert missing(7) is None
    assert missing(8) == f"the store has not heard of worker {socket.gethostname()}:8 lately"


def test_a_worker_is_not_blamed_for_a_store_that_is_gone() -> None:
    """Nothing can be said of it; port 9 answers nobody."""
    with pytest.raises(Undecided, match="the store is not available"):
        worker_probe("redis://127.0.0.1:9/0", Settings())(7)


@pytest.mark.services
def test_a_worker_is_not_blamed_for_a_store_that_hears_of_nobody(store: RedisStore, empty_valkey_url: str) -> None:
    """It answers those who read and keeps those who write waiting, as during a backup, or has no room for them."""
    missing = worker_probe(empty_valkey_url, Settings())
    with connect(empty_valkey_url, patience=5.0) as client:
        store.look_around(Queue.BATCH)
        client.client_pause(20_000, all=False)
        try:
            with pytest.raises(Undecided):
                missing(7)
        finally:
            client.client_unpause()
    assert missing(7) is not None


class _Surroundings:
    """Stands in for a store, of which only the surroundings of a queue are asked."""

    def __init__(self, *workers: LiveWorker, numerics: str = NUMERICS_VERSION, untaken: float) -> None:
        waiting = Waiting(numerics=numerics, experiments=1, jobs=3, untaken_seconds=untaken)
        self._found = Surroundings(workers=workers, waiting=(waiting,))

    def look_around(self, queue: Queue) -> Surroundings:
        return self._found if queue is Queue.BATCH else Surroundings(workers=(), waiting=())


@pytest.mark.parametrize(
    ("around", "lack"),
    [
        (_Surroundings(_worker("host:7"), untaken=16.0), "it does not take what waits in the batch queue"),
        (_Surroundings(_worker("host:7"), untaken=14.0), None),
        (_Surroundings(_worker("host:7", idle=0), untaken=16.0), None),
        (_Surroundings(_worker("host:7", idle=0), _worker("other:8"), untaken=16.0), None),
        (_Surroundings(_worker("host:7"), numerics="another", untaken=16.0), None),
    ],
)
def test_an_idle_worker_takes_what_waits(around: RedisStore, lack: str | None) -> None:
    """A busy one need not, nor is one blamed for an idle other one, nor for work of another version."""
    assert lack_of_workers(around, "it", lambda name: name == "host:7") == lack


def test_without_a_server_there_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was not told of one."""
    monkeypatch.delenv("STEPBIAS_REDIS_URL", raising=False)
    assert missing_worker("host") == "STEPBIAS_REDIS_URL is not set"


def test_of_a_server_that_is_gone_no_worker_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence; port 9 answers nobody."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", "redis://127.0.0.1:9/0")
    assert str(missing_worker("host")).startswith("the store is not available: ")


class _Alive(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


@pytest.fixture
def second_address() -> Iterator[int]:
    """The port of an API that listens at 127.0.0.2 alone."""
    if sys.platform != "linux":
        pytest.skip("elsewhere a machine has one loopback address")
    with HTTPServer(("127.0.0.2", 0), _Alive) as server:
        answering = threading.Thread(target=server.serve_forever)
        answering.start()
        yield server.server_port
        server.shutdown()
        answering.join()


def test_the_api_is_asked_at_the_address_that_it_listens_at(second_address: int) -> None:
    """Which need not be the usual one."""
    asked = ["serve", "health", "api", "--port", str(second_address)]
    assert CliRunner().invoke(app, [*asked, "--host", "127.0.0.2"]).exit_code == 0
    elsewhere = CliRunner().invoke(app, asked)
    assert elsewhere.exit_code == 1
    assert (
        elsewhere.stderr
        == f"stepbias: GET http://127.0.0.1:{second_address}/healthz gets no answer (ConnectionRefusedError)\n"
    )
