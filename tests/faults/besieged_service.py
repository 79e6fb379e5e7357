"""The whole service as processes that can be hit, one part of it at a time; only on Linux, by way of /proc."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import redis

from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.checks.port import free_port
from tests.faults.fake_clock import FakeClock

HOST: Final = "127.0.0.1"

UP: Final = """
import json, os, sys
from dataclasses import replace
from urllib.parse import urlsplit
os.environ.pop("STEPBIAS_REDIS_URL", None)
os.environ.update(json.loads(sys.argv.pop(1)))
proxy, clock = (json.loads(sys.argv.pop(1)) for _ in range(2))
from stepbias.cli.main import app
from stepbias.launcher import service

class Server(service.EmbeddedServer):
    @property
    def url(self):
        parts = urlsplit(super().url)
        return parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy or parts.port}")).geturl()

    @property
    def process(self):
        return replace(super().process, env=os.environ | clock)

service.EmbeddedServer = Server
app()
"""
"""`stepbias up`, with the server behind the proxy where there is one, and its clock to be set where that can be."""


class Part(StrEnum):
    """What can be hit."""

    SERVER = "server"
    API = "api"
    BATCH_CHILD = "batch child"
    BATCH_WORKER = "batch worker"
    BATCH_TREE = "batch worker and children"
    INTERACTIVE_CHILD = "interactive child"
    INTERACTIVE_WORKER = "interactive worker"
    SUPERVISOR = "supervisor"
    EVERYTHING = "everything"


_ARGUMENT: Final = {
    Part.SERVER: b"/server.conf\0",
    Part.API: b"\0api\0",
    Part.BATCH_CHILD: b"\0batch\0",
    Part.BATCH_WORKER: b"\0batch\0",
    Part.BATCH_TREE: b"\0batch\0",
    Part.INTERACTIVE_CHILD: b"\0interactive\0",
    Part.INTERACTIVE_WORKER: b"\0interactive\0",
}
"""What tells the processes of a part by their command lines."""

_HEADS: Final = {Part.SUPERVISOR, Part.EVERYTHING}
_ENDS: Final = {signal.SIGKILL, signal.SIGTERM}
_CHILDREN: Final = {Part.BATCH_CHILD, Part.INTERACTIVE_CHILD}
"""Of which one is hit; they are in the process group of their worker."""


class BesiegedService:
    """A service in a directory of its own, at one address over all its lives.

    Args:
        directory: takes its state and its logs.
        workers: batches trained at a time.
        settings: environment variables of all its processes.
        proxy: the port through which they reach the server; None for the server's own.
        clock: of the server, where it can be set.
    """

    def __init__(
        self,
        directory: Path,
        *,
        workers: int,
        settings: Mapping[str, str],
        proxy: int | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self.state = directory / "state"
        self.url = f"http://{HOST}:{(port := free_port(HOST))}"
        self._is_told = False
        self._directory = directory
        self._mark = uuid.uuid4().hex
        arguments = ("up", "--port", str(port), "--workers", str(workers), "--state-dir", str(self.state))
        given = (json.dumps(each) for each in (dict(settings), proxy, dict(clock.environment) if clock else {}))
        self._command = (sys.executable, "-c", UP, *given, *arguments)
        self._supervisor: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hit(Part.EVERYTHING, signal.SIGKILL)
        self.await_end()

    def start(self) -> None:
        """Start it; returns when it is ready."""
        with (self._directory / "supervisor.log").open("a") as log:
            self._supervisor = subprocess.Popen(
                self._command,
                env=dict(os.environ) | {"BESIEGED_SERVICE": self._mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._is_told = False
        assert self._supervisor.stdout is not None
        announcement = self._supervisor.stdout.readline()
        assert announcement.startswith("stepbias is ready at "), self.complaints()

    def is_ending(self) -> bool:
        """Whether its supervisor is gone, or has been told to stop."""
        return not self.processes(Part.SUPERVISOR) or self._is_told

    def await_end(self) -> int:
        """Return when nothing of it is left; the exit code of its supervisor."""
        assert self._supervisor is not None
        code = self._supervisor.wait(timeout=90)
        assert self._supervisor.stdout is not None
        self._supervisor.stdout.close()
        assert eventually(lambda: not self._members()), "the supervisor left processes behind"
        return code

    def stop(self) -> int:
        """Stop it as a person would; the exit code."""
        assert self._supervisor is not None
        self._supervisor.terminate()
        return self.await_end()

    def processes(self, part: Part) -> list[int]:
        """Process ids of one part, those that run."""
        assert self._supervisor is not None
        if part is Part.EVERYTHING:
            return self._members()
        if part is Part.SUPERVISOR:
            return [self._supervisor.pid] if self._supervisor.poll() is None else []
        return self.members(part)[: 1 if part in _CHILDREN else None]

    def members(self, part: Part) -> list[int]:
        """Process ids of one part below the supervisor: all of them, where one at a time is hit."""
        return [pid for pid in self._members() if _belongs(pid, part)]

    def hit(self, part: Part, number: signal.Signals) -> list[int]:
        """Send a signal to every process of the part that there is; who was hit."""
        self._is_told |= part in _HEADS and number in _ENDS
        return [pid for pid in self.processes(part) if send(pid, number)]

    @contextmanager
    def server(self) -> Iterator[redis.Redis]:
        """The server, reached directly."""
        password, port = ((self.state / "server" / name).read_text().strip() for name in ("password", "port"))
        with connect(f"redis://:{password}@{HOST}:{port}/0", patience=1.0) as client:
            yield client

    @contextmanager
    def store(self) -> Iterator[RedisStore]:
        """What the service has stored, read directly."""
        with self.server() as client:
            yield RedisStore(client, Settings())

    def server_port(self) -> int:
        """The server's own port; 1, where nobody listens, as long as it has none."""
        path = self.state / "server" / "port"
        return int(path.read_text()) if path.exists() else 1

    def complaints(self) -> str:
        """The ends of the logs of all its processes, for whoever wants to know why."""
        logs = [self._directory / "supervisor.log", *sorted((self.state / "log").glob("*.log"))]
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)

    def _members(self) -> list[int]:
        """All its processes; a zombie has no environment any more and does not count."""
        return sorted(
            int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and self._has(entry)
        )

    def _has(self, entry: Path) -> bool:
        with contextlib.suppress(OSError):
            return self._mark.encode() in (entry / "environ").read_bytes()
        return False


def send(pid: int, number: signal.Signals) -> bool:
    """Signal a process; False where it has ended by itself, or with the one just hit."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def eventually(condition: Callable[[], object], *, patience: float = 30.0) -> bool:
    """Whether the condition comes true before the patience ends."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _belongs(pid: int, part: Part) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        is_leader = os.getpgid(pid) == pid
    except OSError:
        return False
    return _ARGUMENT[part] in command and (part is Part.BATCH_TREE or is_leader is not (part in _CHILDREN))
