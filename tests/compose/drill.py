"""The drill of the docker-compose deployment: `python -m tests.compose.drill docker compose`.

An experiment is submitted from outside; while it runs, workers are added and one is killed. It must finish all the
same, outlive the containers, and agree with `stepbias run`. What was measured is printed, and everything that was
started is removed.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

import click
import httpx2

from stepbias import Client, ExperimentHandle, StepbiasError
from stepbias.launcher.checks.port import free_port
from tests.compose.agreement import compare, computed_here
from tests.compose.deployment import ComposeError, Deployment

SPEC: Final = {
    "name": "compose drill",
    "data": {"kind": "sparse_regression", "samples": 50, "dimension": 100, "seed": {"values": [0, 1, 2, 3]}},
    "initialization": {"kind": "uniform", "scale": {"start": 0.01, "stop": 1.0, "num": 12, "spacing": "log"}},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"fractions_of_max_stable": [0.2, 0.4, 0.6, 0.9]},
        "warmup_steps": 20_000,
    },
    "stopping": {"loss_tolerance": 1e-8},
}
"""A dozen batches, about a minute on one core: long enough for workers to come and go meanwhile."""

WORKERS: Final = 3
VICTIM: Final = 1

_READY_SECONDS: Final = 180.0
_EXPERIMENT_SECONDS: Final = 600.0


class DrillFailed(Exception):
    """The deployment did not do what it should."""


class Drill:
    """One drill, step by step; the steps print what they measure.

    Every step raises `DrillFailed` where something is not as it should be, `StepbiasError` or `ComposeError` where it
    could not be done.

    Args:
        deployment: not there yet. What the drill leaves of it is the caller's to remove.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._client = Client(deployment.url)
        self._started = time.monotonic()

    def run(self) -> None:
        """All steps."""
        self._deployment.build()
        self._say("the image is built")
        self._start()
        self._require_secrecy()
        handle = self._submit()
        self._add_workers()
        self._kill_worker(handle)
        stored = self._results(handle)
        self._restart()
        if self._client.experiment(handle.id).read("results") != stored:
            raise DrillFailed("the results are not the same after a restart")
        self._say("the results are still there, the same byte for byte")
        self._require_agreement(stored)
        self._require_health()

    def _start(self) -> None:
        self._deployment.start(workers=1)
        self._say("the containers are started")
        _await("ready", self._is_ready, _READY_SECONDS)
        self._say(f"the service is ready at {self._deployment.url}")

    def _is_ready(self) -> bool:
        try:
            answer = httpx2.get(f"{self._deployment.url}/readyz", timeout=5.0, trust_env=False)
        except httpx2.TransportError:
            return False
        return answer.status_code == httpx2.codes.OK

    def _require_secrecy(self) -> None:
        visible = self._deployment.visible()
        if "STEPBIAS_SECRETS_DIR" not in visible or "--aclfile" not in visible:
            raise DrillFailed("environments and command lines are not to be seen, so nothing follows from them")
        if self._deployment.password() in visible:
            raise DrillFailed("the password of the server is in an environment or on a command line")
        self._say("the password is in no environment and on no command line")

    def _submit(self) -> ExperimentHandle:
        handle = self._client.submit(SPEC)
        self._say(f"submitted {handle.id}")
        _await("running", lambda: handle.refresh().runs_done > 0, _EXPERIMENT_SECONDS)
        self._say(_standing(handle))
        return handle

    def _add_workers(self) -> None:
        self._deployment.start(workers=WORKERS)
        running = self._deployment.running_workers()
        if running != WORKERS:
            raise DrillFailed(f"{running} workers run, not {WORKERS}")
        self._say(f"{running} workers run")

    def _kill_worker(self, handle: ExperimentHandle) -> None:
        before = self._deployment.worker_started(VICTIM)
        self._deployment.kill_worker(VICTIM)
        handle.refresh()
        self._say(f"killed worker {VICTIM}; {_standing(handle)}")
        if handle.experiment.is_finished:
            raise DrillFailed("the experiment was over before a worker was killed: it is too small for this machine")
        _await("restarted", lambda: self._deployment.worker_started(VICTIM) not in {before, None}, _READY_SECONDS)
        self._say(f"worker {VICTIM} was restarted")

    def _results(self, handle: ExperimentHandle) -> bytes:
        handle.wait(_EXPERIMENT_SECONDS)
        self._say(_standing(handle))
        figure = handle.figure(format="png")
        if not figure.startswith(b"\x89PNG"):
            raise DrillFailed("the figure is no picture")
        self._say(f"a figure was drawn, {len(figure)} bytes")
        return handle.read("results")

    def _restart(self) -> None:
        self._deployment.stop()
        self._say("all containers are removed; the volumes stay")
        self._start()

    def _require_agreement(self, stored: bytes) -> None:
        agreement = compare(json.loads(stored), computed_here(SPEC))
        self._say(f"computed again by stepbias run; kernels: {', '.join(agreement.kernels)}")
        self._say(f"{agreement.numbers} numbers compared, largest difference {agreement.largest_difference}")
        if agreement.faults:
            raise DrillFailed("\n".join(["the service and stepbias run do not agree", *agreement.faults]))

    def _require_health(self) -> None:
        _await("healthy", lambda: set(self._deployment.health().values()) == {"healthy"}, _READY_SECONDS)
        self._say(f"healthy: {', '.join(sorted(self._deployment.health()))}")

    def _say(self, line: str) -> None:
        click.echo(f"[{time.monotonic() - self._started:6.1f} s] {line}")


def _standing(handle: ExperimentHandle) -> str:
    now = handle.experiment
    return f"the experiment is {now.status}, {now.runs_done} of {now.runs_total} runs done"


def _await(what: str, condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DrillFailed(f"not {what} within {seconds:.0f} s")
        time.sleep(0.25)


def main(front: list[str]) -> int:
    """Run the drill through the front, in words such as `docker compose`; 0 if all went well."""
    # Whoever ends the drill early wants the containers gone, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deployment = Deployment(front=front, port=free_port("127.0.0.1"))
    try:
        # What a drill that was killed may have left.
        deployment.remove()
        try:
            Drill(deployment).run()
        except (DrillFailed, StepbiasError, ComposeError):
            click.echo(deployment.logs(), err=True)
            raise
        finally:
            deployment.remove()
    except (DrillFailed, StepbiasError, ComposeError) as error:
        click.echo(f"the drill failed: {error}", err=True)
        return 1
    click.echo("the drill passed, and everything that was started is removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
