"""A store, an API and workers as processes of their own, and a broker that is another server than the store."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import httpx2

import stepbias as sb
from tests.conftest import free_port, running_valkey
from tests.stepbias.launcher.household import eventually

PATIENCE: Final = 120.0

SPEC: Final[dict[str, Any]] = {
    "data": {"kind": "sparse_regression", "samples": 20, "dimension": 40, "sparsity": 3, "seed": {"values": [0, 1]}},
    "initialization": {"kind": "uniform", "scale": {"values": [0.01, 0.1, 1.0]}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.5, 0.9]}},
}
"""Twelve runs that take batches: more than what the attempt that plans does at once."""


class Broker(Protocol):
    """A broker that goes and comes back."""

    @property
    def url(self) -> str:
        """Its address, whether it is there or not."""
        ...

    def start(self) -> None:
        """Have it answer; what it knew may be lost."""
        ...

    def kill(self) -> None:
        """Have it gone at once."""
        ...

    def halt(self) -> None:
        """Have it answer nothing, while its connections stay."""
        ...

    def resume(self) -> None:
        """Have it go on."""
        ...


class Deployment:
    """The processes, and what is asked of them."""

    def __init__(self, directory: Path, *, broker: str = "", **settings: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.store = ""
        self.lab: sb.Client
        self._settings = ({"STEPBIAS_BROKER_URL": broker} if broker else {}) | settings
        self._stack = ExitStack()
        self._submitted = 0

    @contextmanager
    def running(self, workers: Sequence[Sequence[str]]) -> Iterator[None]:
        """Inside, all of it; each worker is a command."""
        with self._stack:
            self.store = self._stack.enter_context(running_valkey(self.directory, free_port()))
            self.lab = self._stack.enter_context(sb.connect(f"http://127.0.0.1:{self.port}"))
            self.start(*stepbias("serve", "api", "--port", str(self.port)))
            for worker in workers:
                self.start(*worker)
            yield

    def becomes_ready(self) -> bool:
        """Whether work can be taken, before the patience ends."""
        return eventually(lambda: time.sleep(0.2) or self.readiness() is not None, patience=PATIENCE)

    @property
    def environment(self) -> Mapping[str, str]:
        """Of every process."""
        return dict(os.environ) | {"STEPBIAS_REDIS_URL": self.store, **self._settings}

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """One more process, which ends with the deployment."""
        with (self.directory / "processes.log").open("ab") as log:
            process = subprocess.Popen(command, env=self.environment, cwd=self.directory, stdout=log, stderr=log)

        def stop() -> None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self._stack.callback(stop)
        return process

    def log(self) -> str:
        """What all of them have logged, but for what was asked too early."""
        lines = (self.directory / "processes.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(line for line in lines if "is answered 503" not in line)

    def readiness(self) -> dict[str, Any] | None:
        """What `/readyz` answers; None while it is not 200."""
        try:
            answer = httpx2.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30.0)
        except httpx2.HTTPError:
            return None
        return dict(answer.json()) if answer.status_code == 200 else None

    def broker_answers(self) -> bool:
        """Whether the service says so, while it is ready."""
        return (self.readiness() or {}).get("broker") == "answers"

    def metrics(self) -> str:
        """What Prometheus is told."""
        return httpx2.get(f"http://127.0.0.1:{self.port}/metrics", timeout=30.0).text

    def submit(self, **parts: Any) -> sb.ExperimentHandle:
        """An experiment that nobody has submitted yet."""
        self._submitted += 1
        seeds = {"seed": {"values": [10 * self._submitted, 10 * self._submitted + 1]}}
        spec = SPEC | parts
        return self.lab.submit(spec | {"data": spec["data"] | seeds})

    def finishes_one(self) -> bool:
        """Submit an experiment and wait for its end; whether it has succeeded with nothing lost on the way."""
        experiment = self.submit()
        experiment.wait(timeout=PATIENCE)
        return self.has_lost_nothing(experiment)

    def has_lost_nothing(self, experiment: sb.ExperimentHandle) -> bool:
        """Whether no attempt at its jobs has failed or lost its worker."""
        return not any(job["losses"] or job["failures"] for job in self.jobs(experiment.id))

    def jobs(self, experiment_id: str) -> list[dict[str, Any]]:
        """The jobs of an experiment."""
        url = f"http://127.0.0.1:{self.port}/v1/experiments/{experiment_id}/jobs"
        return list(httpx2.get(url, timeout=30.0).json()["jobs"])


LONG: Final[dict[str, Any]] = {
    "data": {"kind": "sparse_regression"},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"fractions_of_max_stable": [0.1, 0.2, 0.4, 0.6, 0.8, 0.9]},
        "warmup_steps": 60_000,
    },
    "stopping": {"loss_tolerance": 1e-12, "max_steps": 200_000, "finish": "iterate"},
    "recording": {"points": 10, "sensitivity": False},
}
"""Parts of a spec whose batches take seconds."""


def celery(*words: str) -> tuple[str, ...]:
    """Celery's own command, as a cluster that is there already uses it."""
    return (sys.executable, "-m", "celery", "-A", "stepbias.launcher.celery_app", *words)


def stepbias(*words: str) -> tuple[str, ...]:
    """The command, by the Python of the tests."""
    return (sys.executable, "-P", "-m", "stepbias.cli.main", *words)


BOTH: Final = (
    stepbias("serve", "worker", "--queue", "interactive"),
    stepbias("serve", "worker", "--queue", "batch", "--concurrency", "2"),
)
