"""The deployment of `docker-compose.yml` under a project name, a port and volumes of its own."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "stepbias-drill"
"""Apart from `stepbias`, so that the drill cannot touch a deployment that somebody uses."""

_BUILD_SECONDS: Final = 1800
_SECONDS: Final = 300

# With `init: true` the first process of a container is an init, which the kernel protects from its own children; the
# service's main process is the only child of it.
_KILL_MAIN: Final = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{pid}/stat") as stat:
        parent = stat.read().rpartition(")")[2].split()[1]
    if parent == "1":
        os.kill(int(pid), signal.SIGKILL)
"""
_STARTED: Final = 'print(open("/proc/1/stat").read().rpartition(")")[2].split()[19])'


class ComposeError(Exception):
    """The front refused, failed, or took too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """The containers, through a command such as `docker compose`.

    Attributes:
        front: the words of that command.
        port: where the API is published on this machine.
    """

    front: Sequence[str]
    port: int

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.port}"

    def build(self) -> None:
        """Build the image."""
        self._compose("build", seconds=_BUILD_SECONDS)

    def start(self, *, workers: int) -> None:
        """Start what is not running, with so many workers; returns when the containers are started, not yet ready."""
        self._compose("up", "--detach", "--no-build", "--no-recreate", "--scale", f"worker={workers}")

    def stop(self) -> None:
        """Stop and remove the containers; the volumes stay."""
        self._compose("down", "--remove-orphans")

    def remove(self) -> None:
        """Remove the containers and everything they kept."""
        self._compose("down", "--volumes", "--remove-orphans")

    def running_workers(self) -> int:
        """The number of containers that run a worker of the batch queue."""
        return len(self._compose("ps", "--quiet", "--status", "running", "worker").split())

    def health(self) -> Mapping[str, str]:
        """What the check of each running container found last; empty where none has been made yet."""
        lines = self._compose("ps", "--format", "json").strip()
        # One document per line; older versions of compose print one array.
        found = json.loads(lines) if lines.startswith("[") else [json.loads(line) for line in lines.splitlines()]
        return {container["Name"]: container["Health"] for container in found}

    def kill_worker(self, number: int) -> None:
        """End the main process of a worker by SIGKILL, as a lack of memory would; its container ends with it."""
        # The program that kills may end with the container before it can report success.
        with suppress(ComposeError):
            self._in_worker(number, _KILL_MAIN)

    def worker_started(self, number: int) -> str | None:
        """When the worker's container was started last, on a clock of the kernel's; None while it does not run."""
        try:
            return self._in_worker(number, _STARTED).strip()
        except ComposeError:
            return None

    def visible(self) -> str:
        """What those who may look into containers see of all processes: environments and command lines."""
        look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
        services = ("redis", "api", "worker", "interactive")
        return "\n".join(self._compose("exec", "-T", service, "sh", "-c", look) for service in services)

    def password(self) -> str:
        """The password by which the server knows the API."""
        url = self._compose("exec", "-T", "api", "cat", "/run/credentials/stepbias_redis_url")
        return url.partition("//api:")[2].partition("@")[0]

    def logs(self) -> str:
        """What the containers said last."""
        return self._compose("logs", "--no-color", "--tail", "40")

    def _in_worker(self, number: int, program: str) -> str:
        return self._compose("exec", "-T", "--index", str(number), "worker", "python", "-c", program)

    def _compose(self, *arguments: str, seconds: float = _SECONDS) -> str:
        """What the command prints.

        Raises:
            ComposeError: it failed, or took too long.
        """
        environment = dict(os.environ) | {"COMPOSE_PROJECT_NAME": PROJECT, "STEPBIAS_PORT": str(self.port)}
        command = [*self.front, *arguments]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ComposeError(f"{' '.join(command)} took more than {seconds} s") from error
        except OSError as error:
            raise ComposeError(f"{' '.join(command)}: {error}") from error
        if done.returncode:
            said = "\n".join(done.stderr.splitlines()[-20:])
            raise ComposeError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
        return done.stdout
