"""The whole service on this machine: server, API and workers under one supervisor."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepbias.launcher.embedded import EmbeddedServer
from stepbias.launcher.http_probe import answers
from stepbias.launcher.managed_process import ManagedProcess
from stepbias.launcher.port import free_port, is_free
from stepbias.launcher.serve import REQUEST_PATIENCE
from stepbias.launcher.startup_error import PortInUseError
from stepbias.launcher.state_directory import StateDirectory, claim
from stepbias.launcher.supervisor import Supervisor

_REDIS_URL = "STEPBIAS_REDIS_URL"

# -P: not even the state directory, in which they run, is a place to import from.
_SERVE = (sys.executable, "-P", "-m", "stepbias.cli.main", "serve")


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
    with claim(state_dir) as state:
        port = _chosen_port(host, port)
        service = RunningService(url=_url(host, port), state_dir=state.path, workers=workers)
        store, environment = _store(state)
        users = [
            _api(host, port, service.url, environment, state),
            _worker("interactive", 1, environment, state),
            _worker("batch", workers, environment, state),
        ]
        supervisor = Supervisor(
            [store, users], logs=state.logs, inherited=[state.lock], missing=answers(f"{service.url}/readyz")
        )
        supervisor.run(on_ready=lambda: on_ready(service))


def _chosen_port(host: str, port: int) -> int:
    if port == 0:
        return free_port(host)
    if not is_free(host, port):
        raise PortInUseError(f"{host}:{port} is in use or not ours to listen at; choose another with --port, 0 for any")
    return port


def _url(host: str, port: int) -> str:
    """Where this machine reaches a server that listens at the host; "all addresses" is no destination."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not bound
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def _store(state: StateDirectory) -> tuple[list[ManagedProcess], dict[str, str]]:
    """The embedded server, unless the environment names another, and the environment of everything that uses it."""
    environment = dict(os.environ)
    if environment.get(_REDIS_URL):
        return [], environment
    server = EmbeddedServer(state)
    return [server.process], environment | {_REDIS_URL: server.url}


def _api(host: str, port: int, url: str, environment: Mapping[str, str], state: StateDirectory) -> ManagedProcess:
    return ManagedProcess(
        name="api",
        argv=(*_SERVE, "api", "--host", host, "--port", str(port)),
        env=environment,
        missing=answers(f"{url}/healthz"),
        stop_timeout=REQUEST_PATIENCE + 5.0,
        directory=state.path,
    )


def _worker(queue: str, concurrency: int, environment: Mapping[str, str], state: StateDirectory) -> ManagedProcess:
    return ManagedProcess(
        name=f"worker-{queue}",
        argv=(*_SERVE, "worker", "--queue", queue, "--concurrency", str(concurrency)),
        env=environment,
        # Time to write the checkpoints of what it is training.
        stop_timeout=20.0,
        directory=state.path,
    )
