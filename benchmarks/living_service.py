"""A service of its own for a measurement, in a temporary directory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import redis

from core.spec.experiment_spec import ExperimentSpec
from stepbias import Client, ExperimentHandle


@dataclass(frozen=True, kw_only=True, slots=True)
class LivingService:
    """Where the service answers, where it keeps its data, and the process of which all others are."""

    url: str
    state: Path
    pid: int

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def run(self, spec: ExperimentSpec, *, timeout: float | None = None) -> tuple[ExperimentHandle, float]:
        """The finished experiment and the seconds it took by the service's own clock, not by that of polling."""
        with Client(self.url) as client:
            handle = client.submit(spec.model_dump(mode="json")).wait(timeout)
        return handle, _seconds_of(handle)

    def store_bytes(self) -> int:
        """The memory that the store uses now."""
        directory = self.state / "server"
        password, port = (directory / name for name in ("password", "port"))
        url = f"redis://:{password.read_text().strip()}@127.0.0.1:{port.read_text().strip()}/0"
        with redis.Redis.from_url(url) as store:
            return int(store.info("memory")["used_memory"])


@contextmanager
def living_service(
    workers: int, stepbias: str = "", environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[LivingService]:
    """A service with that many workers, until the block ends; ours, or that of another version's command.

    It sees what is in the `environment`, beside ours.
    """
    ours = str(Path(sys.executable).with_name("stepbias"))
    command = [stepbias or ours, "up", "--port", "0", "--workers", str(workers)]
    with tempfile.TemporaryDirectory(prefix="stepbias-bench-") as directory:
        process = subprocess.Popen(
            [*command, "--state-dir", directory],
            stdout=subprocess.PIPE,
            text=True,
            cwd=directory,
            env=_environment() | dict(environment),
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield LivingService(
                url=next(word for word in line.split() if word.startswith("http")),
                state=Path(directory),
                pid=process.pid,
            )
        finally:
            process.terminate()
            process.wait()


def _environment() -> dict[str, str]:
    """Ours, less what would lead the service to a store of somebody else's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}


def _seconds_of(handle: ExperimentHandle) -> float:
    ends = handle.experiment.created_at, handle.experiment.finished_at
    begun, ended = (datetime.fromisoformat(end or "") for end in ends)
    return (ended - begun).total_seconds()
