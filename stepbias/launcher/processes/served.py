"""The processes of the service as others run them: each is a `stepbias serve` of its own."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stepbias.launcher.checks.http_probe import answers, local_url
from stepbias.launcher.processes.managed import ManagedProcess, ProcessProbe

REQUEST_PATIENCE: Final = 3
"""A request may wait for its figure longer than anybody wants to wait for the end; this many seconds it may take."""

# -P: not even the directory in which they run is a place to import from.
_STEPBIAS: Final = (sys.executable, "-P", "-m", "stepbias.cli.main")


def api_process(
    *, host: str, port: int, environment: Mapping[str, str], directory: Path | None = None
) -> ManagedProcess:
    """The API, which works as long as it answers."""
    alive = answers(f"{local_url(host, port)}/healthz")
    command = ("serve", "api", "--host", host, "--port", str(port))
    return ManagedProcess(
        name="api",
        argv=(*_STEPBIAS, *command),
        command=command,
        env=environment,
        missing=lambda _pid: alive(),
        stop_timeout=REQUEST_PATIENCE + 5.0,
        directory=directory,
    )


def worker_process(
    *,
    queue: str,
    concurrency: int,
    environment: Mapping[str, str],
    missing: ProcessProbe,
    directory: Path | None = None,
) -> ManagedProcess:
    """A worker, which works as long as the store hears of it and it takes what waits."""
    command = ("serve", "worker", "--queue", queue, "--concurrency", str(concurrency))
    return ManagedProcess(
        name=f"worker-{queue}",
        argv=(*_STEPBIAS, *command),
        command=command,
        env=environment,
        missing=missing,
        # Time to write the checkpoints of what it is training.
        stop_timeout=20.0,
        directory=directory,
    )
