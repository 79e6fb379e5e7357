"""The whole service as processes that can be killed, one part of it at a time."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from tests.stepbias.launcher.processes import Household, eventually

IMPATIENT: Final[Mapping[str, str]] = {
    "STEPBIAS_LEASE_SECONDS": "2",
    "STEPBIAS_HEARTBEAT_SECONDS": "0.1",
    "STEPBIAS_CHECKPOINT_SECONDS": "0.2",
    "STEPBIAS_JANITOR_SECONDS": "0.2",
    # A drill may kill the same batch's worker again and again, which is no sign of a batch that kills its workers.
    "STEPBIAS_MAX_ATTEMPTS": "1000",
}
"""Settings under which a killed worker's batch is missed within seconds."""

UP = """
import json, os, sys
os.environ.pop("STEPBIAS_REDIS_URL", None)
os.environ.update(json.loads(sys.argv.pop(1)))
from stepbias.cli.main import app
app()
"""


class Part(StrEnum):
    """What can be killed."""

    SERVER = "server"
    API = "api"
    BATCH_WORKER = "batch worker"
    BATCH_CHILD = "one process of the batch worker"
    INTERACTIVE_WORKER = "interactive worker"
    SUPERVISOR = "supervisor"


_ARGUMENT: Final = {
    Part.SERVER: b"/server.conf\0",
    Part.API: b"\0api\0",
    Part.BATCH_WORKER: b"\0batch\0",
    Part.BATCH_CHILD: b"\0batch\0",
    Part.INTERACTIVE_WORKER: b"\0interactive\0",
}
"""What tells the processes of a part by their command lines."""


class BesiegedService:
    """A service in a directory of its own; only on Linux, where its processes are found through /proc."""

    def __init__(self, directory: Path, *, workers: int = 1) -> None:
        self.household = Household(directory)
        self._state = directory / "state"
        self._workers = workers
        self._supervisor: subprocess.Popen[str] | None = None

    @contextmanager
    def up(self) -> Iterator[str]:
        """Start it; its address. At the end of the block it is killed, unless it has been stopped or killed by then."""
        arguments = ("up", "--port", "0", "--workers", str(self._workers), "--state-dir", str(self._state))
        with self.household.head(UP, json.dumps(dict(IMPATIENT)), *arguments) as supervisor:
            self._supervisor = supervisor
            assert supervisor.stdout is not None
            announcement = supervisor.stdout.readline()
            assert announcement.startswith("stepbias is ready at "), self.complaints()
            yield announcement.split()[4]

    def stop(self) -> int:
        """Stop it as a person would; the exit code."""
        assert self._supervisor is not None
        self._supervisor.terminate()
        return self._supervisor.wait(timeout=60)

    def processes(self, part: Part) -> list[int]:
        """Process ids of one part."""
        assert self._supervisor is not None
        if part is Part.SUPERVISOR:
            return [self._supervisor.pid]
        found = [pid for pid in self.household.members() if _belongs(pid, part)]
        return found[:1] if part is Part.BATCH_CHILD else found

    def kill(self, part: Part) -> list[int]:
        """SIGKILL to every process of the part, of which there must be one; who was killed."""
        assert eventually(lambda: self.processes(part)), f"no {part} is there to be killed"
        victims = self.processes(part)
        for pid in victims:
            # A process may end by itself, or with the one just killed.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return victims

    @contextmanager
    def store(self) -> Iterator[RedisStore]:
        """What the service has stored, read directly."""
        password, port = ((self._state / "server" / name).read_text().strip() for name in ("password", "port"))
        with connect(f"redis://:{password}@127.0.0.1:{port}/0", patience=30.0) as client:
            yield RedisStore(client, Settings())

    def complaints(self) -> str:
        """The logs of all its processes, for whoever wants to know why."""
        logs = sorted((self._state / "log").glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)


def _belongs(pid: int, part: Part) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        is_leader = os.getpgid(pid) == pid
    except (FileNotFoundError, ProcessLookupError):
        return False
    return _ARGUMENT[part] in command and not (is_leader and part is Part.BATCH_CHILD)
