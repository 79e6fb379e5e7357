"""The whole service on this machine: server, API and workers under one supervisor."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from jobs.records import Queue
from jobs.settings import SECRETS_DIR, Settings
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.checks.http_probe import answers, local_url
from stepbias.launcher.checks.port import free_port, is_free
from stepbias.launcher.checks.reach import require_meant
from stepbias.launcher.checks.worker_probe import worker_probe
from stepbias.launcher.processes.command_line import run_command
from stepbias.launcher.processes.fork_server import forking
from stepbias.launcher.processes.managed import ManagedProcess
from stepbias.launcher.processes.read_ahead import read_ahead
from stepbias.launcher.processes.served import api_process, worker_process
from stepbias.launcher.processes.supervisor import Supervisor
from stepbias.launcher.startup_error import PortInUseError
from stepbias.launcher.store.embedded import EmbeddedServer
from stepbias.launcher.store.state_directory import StateDirectory, claim
from stepbias.state_home import ADDRESS_FILE

_REDIS_URL = "STEPBIAS_REDIS_URL"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningService:
    """What a ready service has to say about itself.

    Attributes:
        url: where its HTTP interface answers, without a slash at the end.
        state_dir: absolute.
        workers: number of batches trained at a time.
    """

    url: str
    state_dir: Path
    workers: int


def usable_cores() -> int:
    """The number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_service(
    *, host: str, port: int, workers: int, state_dir: Path, on_ready: Callable[[RunningService], None]
) -> None:
    """Run the service until SIGINT, SIGTERM or SIGHUP; no process is left on return. For the main thread.

    The store is the one at `STEPBIAS_REDIS_URL`, or else an embedded server whose data lives in the state directory.

    Args:
        host: name or address to listen at.
        port: 0 for a free one.
        workers: number of batches trained at a time, besides one process for planning, figures and small experiments.
        state_dir: data of the embedded server and logs; made where absent.
        on_ready: called once, when a request would be served and a worker would take it up; it must return soon.

    Raises:
        StartupError: something was not ready in time or ended at its start; its subclasses say that the port is taken
            or that another live instance holds the state directory.
    """
    settings = checked_settings()
    require_meant(host, settings)
    with claim(state_dir) as state:
        port = _chosen_port(host, port)
        service = RunningService(url=local_url(host, port), state_dir=state.path, workers=workers)
        # Before all that may have threads.
        with forking(read_ahead, run_command) as fork_server:
            store, url, environment = _store(state, settings)
            workers_of = partial(
                worker_process, environment=environment, missing=worker_probe(url, settings), directory=state.path
            )
            users = [
                api_process(host=host, port=port, environment=environment, directory=state.path),
                workers_of(queue=Queue.INTERACTIVE, concurrency=1),
                workers_of(queue=Queue.BATCH, concurrency=workers),
            ]
            supervisor = Supervisor(
                [store, [replace(user, fork_server=fork_server) for user in users]],
                logs=state.logs,
                inherited=[state.lock],
                missing=answers(f"{service.url}/readyz"),
            )

            def ready() -> None:
                state.write_private(ADDRESS_FILE, service.url)
                on_ready(service)

            supervisor.run(on_ready=ready)


def _chosen_port(host: str, port: int) -> int:
    if port == 0:
        return free_port(host)
    if not is_free(host, port):
        raise PortInUseError(f"{host}:{port} is in use or not ours to listen at; choose another with --port, 0 for any")
    return port


def _store(state: StateDirectory, settings: Settings) -> tuple[list[ManagedProcess], str, dict[str, str]]:
    """The embedded server, unless the settings name another; the address, and the environment of all that use it."""
    if settings.store_url:
        return [], settings.store_url, dict(os.environ)
    server = EmbeddedServer(state, settings.store_memory_bytes)
    # A file, not a variable: whoever may look at processes sees their environment, and so do those whom they start.
    file = state.write_private(f"secrets/{_REDIS_URL.lower()}", server.url)
    # They run elsewhere, where a relative path would be that of another directory.
    given = [str(Path(each).absolute()) for each in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if each]
    environment = {name: value for name, value in os.environ.items() if name != _REDIS_URL}
    return [server.process], server.url, environment | {SECRETS_DIR: os.pathsep.join([*given, str(file.parent)])}
