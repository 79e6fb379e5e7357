"""The deployment of `docker-compose.yml` under a project name, a port and volumes of its own."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "stepbias-drill"
"""Apart from `stepbias`, so that the drill cannot touch a deployment that somebody uses."""

_BUILD_SECONDS: Final = 1800
_SECONDS: Final = 300

# With `init: true` the first process of a container is an init, which the kernel protects from its own children; the
# service's main process is the only child of it.
_KILL_MAIN: Final = """
for process in /proc/[0-9]*; do
  parent=$(sed 's/.*) //' $process/stat 2>/dev/null | cut -d' ' -f2)
  [ "$parent" != 1 ] || kill -9 ${process#/proc/}
done
"""
_STARTED: Final = "sed 's/.*) //' /proc/1/stat | cut -d' ' -f20"

# A line for each process but those that look: its user, and the memory that is its own with its share of what others
# have as well, in kB.
_PROCESSES: Final = """
for process in /proc/[0-9]*; do
  [ ${process#/proc/} = $$ ] || [ "$(sed 's/.*) //' $process/stat 2>/dev/null | cut -d' ' -f2)" = $$ ] && continue
  user=$(sed -n 's/^Uid:[^0-9]*\\([0-9]*\\).*/\\1/p' $process/status 2>/dev/null)
  share=$(sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' $process/smaps_rollup 2>/dev/null)
  [ -z "$user" ] || echo "$user ${share:-0}"
done
"""
_LIMIT: Final = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"

SERVICES: Final = ("redis", "api", "worker", "interactive")
"""Those that live."""

_IMAGES: Final = {"STEPBIAS_PYTHON_IMAGE": "python:3.11-slim", "STEPBIAS_REDIS_IMAGE": "redis:7.4"}
"""By name alone, for a machine that cannot have the pinned ones."""


class ComposeError(Exception):
    """The front refused, failed, or took too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process of a container: its user, and its proportional share of memory in bytes."""

    user: int
    memory: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """The containers, through a command such as `docker compose`.

    Attributes:
        front: the words of that command.
        port: where the API is published on this machine.
        images: variables that name other images than the pinned ones.
    """

    front: Sequence[str]
    port: int
    images: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, front: Sequence[str], port: int) -> Self:
        """With the pinned images where they, or those that the environment names, can be had; else by name alone."""
        pinned = cls(front=front, port=port)
        try:
            pinned._compose("pull", "--quiet", "--policy", "missing", "redis")
        except ComposeError:
            return cls(front=front, port=port, images=_IMAGES)
        return pinned

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.port}"

    def build(self) -> None:
        """Build the image."""
        self._compose("build", seconds=_BUILD_SECONDS)

    def create(self) -> None:
        """Make the containers, and start none."""
        self._compose("up", "--no-start", "--no-build")

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
        return {container["Name"]: container["Health"] for container in self._running()}

    def published(self) -> Sequence[str]:
        """Every port of this machine that leads to a container, as `service address:port`."""
        return [
            f"{container['Service']} {port['URL']}:{port['PublishedPort']}"
            for container in self._running()
            for port in container["Publishers"] or ()
            if port["PublishedPort"]
        ]

    def processes(self, service: str) -> Sequence[Process]:
        """Those of the first container of a service."""
        lines = self._in(service, _PROCESSES).splitlines()
        return [Process(user=int(user), memory=int(share) * 1024) for user, share in map(str.split, lines)]

    def memory_limit(self, service: str) -> str:
        """What the kernel says of it: a number of bytes, or `max`."""
        return self._in(service, _LIMIT).strip()

    def image_bytes(self) -> int:
        """The size of the image, all layers together."""
        found = json.loads(self._compose("images", "--format", "json", "api"))
        return int(found[0]["Size"])

    def kill(self, service: str) -> None:
        """End the main process of a service by SIGKILL, as a lack of memory would; its container ends with it."""
        # The program that kills may end with the container before it can report success.
        with suppress(ComposeError):
            self._in(service, _KILL_MAIN)

    def started(self, service: str) -> str | None:
        """When the service's container was started last, on a clock of the kernel's; None while it does not run."""
        try:
            return self._in(service, _STARTED).strip()
        except ComposeError:
            return None

    def back_up(self) -> str:
        """Make a backup; its name."""
        told = self._compose("run", "--rm", "-T", "backup", output="stderr")
        return told.rpartition("/")[2].strip()

    def backup(self, name: str) -> bytes:
        """What is in a backup."""
        return self._compose_bytes("run", "--rm", "-T", "--no-deps", "--entrypoint", "cat", "restore", name)

    def keep_backup(self, name: str, content: bytes) -> None:
        """Lay a backup where they are kept."""
        program = ["-c", f"cat > /backups/{name}"]
        self._compose_bytes("run", "--rm", "-T", "--no-deps", "--entrypoint", "sh", "backup", *program, given=content)

    def restore(self, name: str) -> None:
        """Make the store of a backup.

        Raises:
            ComposeError: it is refused; with the reason.
        """
        self._compose("run", "--rm", "-T", "restore", name)

    def visible(self) -> str:
        """What those who may look into containers see of all processes: environments and command lines."""
        look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
        return "\n".join(self._in(service, look) for service in SERVICES)

    def password(self) -> str:
        """The password by which the server knows the API."""
        url = self._compose("exec", "-T", "api", "cat", "/run/credentials/stepbias_redis_url")
        return url.partition("//api:")[2].partition("@")[0]

    def logs(self) -> str:
        """What the containers said last."""
        return self._compose("logs", "--no-color", "--tail", "40")

    def _running(self) -> Sequence[Mapping[str, Any]]:
        lines = self._compose("ps", "--format", "json").strip()
        # One document per line; older versions of compose print one array.
        return json.loads(lines) if lines.startswith("[") else [json.loads(line) for line in lines.splitlines()]

    def _in(self, service: str, program: str) -> str:
        """What a shell in the first container of a service prints."""
        return self._compose("exec", "-T", "--index", "1", service, "sh", "-c", program)

    def _compose(
        self, *arguments: str, seconds: float = _SECONDS, output: Literal["stdout", "stderr"] = "stdout"
    ) -> str:
        """What the command prints.

        Raises:
            ComposeError: it failed, or took too long.
        """
        return str(getattr(self._run(arguments, b"", seconds), output).decode(errors="replace"))

    def _compose_bytes(self, *arguments: str, given: bytes = b"") -> bytes:
        """The same of what is no text, with something on its standard input."""
        return self._run(arguments, given, _SECONDS).stdout

    def _run(self, arguments: Sequence[str], given: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
        own = {"COMPOSE_PROJECT_NAME": PROJECT, "STEPBIAS_PORT": str(self.port)}
        environment = os.environ | own | dict(self.images)
        command = [*self.front, *arguments]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, input=given, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ComposeError(f"{' '.join(command)} took more than {seconds} s") from error
        except OSError as error:
            raise ComposeError(f"{' '.join(command)}: {error}") from error
        if done.returncode:
            said = "\n".join(done.stderr.decode(errors="replace").splitlines()[-20:])
            raise ComposeError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
        return done
