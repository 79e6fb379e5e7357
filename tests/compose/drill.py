"""The drill of the docker-compose deployment: `python -m tests.compose.drill docker compose`.

An experiment of a thousand runs is submitted from outside; while it runs, workers are added, and the main process of a
worker, of the API and of the server is killed. It must finish all the same, outlive the containers and the volume, and
agree with `stepbias run`. What was measured is printed, and everything that was started is removed.
"""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final

import click
import httpx2

from stepbias import Client, ExperimentHandle, StepbiasError
from stepbias.launcher.checks.port import free_port
from stepbias.launcher.store.backup_file import read_commands, read_header
from tests.compose.agreement import compare, computed_here
from tests.compose.deployment import SERVICES, ComposeError, Deployment

SPEC: Final = {
    "name": "compose drill",
    "data": {"kind": "sparse_regression", "samples": 50, "dimension": 100, "seed": {"values": [0, 1, 2, 3]}},
    "initialization": {"kind": "uniform", "scale": {"start": 0.01, "stop": 1.0, "num": 25, "spacing": "log"}},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"fractions_of_max_stable": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]},
        "warmup_steps": 20_000,
    },
    "stopping": {"loss_tolerance": 1e-8},
}
"""A thousand runs, minutes on one core: long enough for workers to come and go meanwhile."""

RUNS: Final = 1000
WORKERS: Final = 3

IMAGE_BYTES: Final = 450_000_000
IDLE_BYTES: Final = 400 * 2**20
"""Of all processes together, each page counted once: the API, a worker, the interactive one and the store."""

_IDLE_SECONDS: Final = 4.0
_READY_SECONDS: Final = 180.0
_EXPERIMENT_SECONDS: Final = 1500.0


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
        self._say(f"images: {', '.join(self._deployment.images.values()) or 'the pinned ones'}")
        self._deployment.build()
        self._say(f"the image is built: {self._require_small_image() / 1e6:.0f} MB")
        self._start()
        self._require_health()
        self._require_secrecy()
        self._require_few_rights()
        self._require_little_memory()
        handle = self._submit()
        self._add_workers()
        for service in ("worker", "api", "redis"):
            self._kill(service, handle)
        stored = self._results(handle)
        self._restart()
        self._require_same(handle, stored, "a restart")
        backup = self._back_up()
        self._lose_everything()
        self._restore(backup)
        self._require_same(handle, stored, "the volume was lost and restored")
        self._require_agreement(stored)
        self._require_health()

    def _start(self) -> None:
        begun = time.monotonic()
        self._deployment.start(workers=1)
        _await("ready", self._is_ready, _READY_SECONDS)
        self._say(f"the service is ready at {self._deployment.url}, {time.monotonic() - begun:.1f} s after `up`")

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

    def _require_small_image(self) -> int:
        # Of containers that are made, and not started.
        self._deployment.create()
        size = self._deployment.image_bytes()
        if size > IMAGE_BYTES:
            raise DrillFailed(f"the image has {size / 1e6:.0f} MB, and may have {IMAGE_BYTES / 1e6:.0f}")
        return size

    def _require_few_rights(self) -> None:
        published = list(self._deployment.published())
        if len(published) != 1 or not published[0].startswith("api 127.0.0.1:"):
            raise DrillFailed(f"one port of the loopback address is to be published, and these are: {published}")
        for service in SERVICES:
            users = {process.user for process in self._deployment.processes(service)}
            if not users or 0 in users:
                raise DrillFailed(f"{service} has processes of the users {users}")
            if not self._deployment.memory_limit(service).isdigit():
                raise DrillFailed(f"{service} may take all memory of the machine")
        self._say(f"no process is root; published: {published[0]}")

    def _require_little_memory(self) -> None:
        shares = {name: min(self._shares(name)) for name in SERVICES}
        total = sum(shares.values())
        told = ", ".join(f"{name} {share / 2**20:.0f}" for name, share in shares.items())
        self._say(f"idle memory: {total / 2**20:.0f} MiB ({told})")
        if total > IDLE_BYTES:
            raise DrillFailed(f"idle it takes {total / 2**20:.0f} MiB, and may take {IDLE_BYTES / 2**20:.0f}")

    def _shares(self, service: str) -> Iterator[int]:
        """The memory of a service, looked at thrice: a health check comes and goes."""
        for _ in range(3):
            time.sleep(_IDLE_SECONDS)
            yield sum(each.memory for each in self._deployment.processes(service))

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

    def _kill(self, service: str, handle: ExperimentHandle) -> None:
        if handle.refresh().is_finished:
            raise DrillFailed(f"the experiment was over before {service} was killed: it is too small for this machine")
        before, begun = self._deployment.started(service), time.monotonic()
        self._deployment.kill(service)
        _await("restarted", lambda: self._deployment.started(service) not in {before, None}, _READY_SECONDS)
        _await("ready", self._is_ready, _READY_SECONDS)
        handle.refresh()
        self._say(f"killed {service}; ready again after {time.monotonic() - begun:.1f} s; {_standing(handle)}")

    def _results(self, handle: ExperimentHandle) -> bytes:
        handle.wait(_EXPERIMENT_SECONDS)
        self._say(_standing(handle))
        counts = (handle.experiment.runs_done, handle.experiment.runs_total)
        if counts != (RUNS, RUNS):
            raise DrillFailed(f"{counts[0]} of {counts[1]} runs are done, and not {RUNS} once each")
        figure = handle.figure(format="png")
        if not figure.startswith(b"\x89PNG"):
            raise DrillFailed("the figure is no picture")
        self._say(f"a figure was drawn, {len(figure)} bytes")
        return handle.read("results")

    def _restart(self) -> None:
        self._deployment.stop()
        self._say("all containers are removed; the volumes stay")
        self._start()

    def _require_same(self, handle: ExperimentHandle, stored: bytes, after: str) -> None:
        if self._client.experiment(handle.id).read("results") != stored:
            raise DrillFailed(f"the results are not the same after {after}")
        self._say(f"the results are the same byte for byte after {after}")

    def _back_up(self) -> bytes:
        name = self._deployment.back_up()
        backup = self._deployment.backup(name)
        self._say(f"{name}: {len(backup)} bytes")
        self._refuse(name, "there are experiments or data in this store already", "a store that holds something")
        return backup

    def _refuse(self, name: str, reason: str, what: str) -> None:
        try:
            self._deployment.restore(name)
        except ComposeError as error:
            if reason not in str(error):
                raise
            self._say(f"refused, with its reason: {what}")
        else:
            raise DrillFailed(f"restored although it is {what}")

    def _lose_everything(self) -> None:
        self._deployment.remove()
        self._say("all containers and volumes are removed")

    def _restore(self, backup: bytes) -> None:
        self._deployment.keep_backup("cut.backup", backup[: len(backup) * 2 // 3])
        self._refuse("cut.backup", "the backup is damaged", "a backup that was cut off")
        self._deployment.keep_backup("whole.backup", backup)
        self._deployment.restore("whole.backup")
        again = self._deployment.backup(self._deployment.back_up())
        before, after = _lasting(backup), _lasting(again)
        if before != after:
            raise DrillFailed(f"the restored store differs in {sorted(before.items() ^ after.items())[:5]}")
        self._say(f"restored: {len(after)} values, each the same")
        self._start()

    def _require_agreement(self, stored: bytes) -> None:
        agreement = compare(json.loads(stored), computed_here(SPEC, but=("OPENBLAS_",)))
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


def _lasting(backup: bytes) -> Mapping[bytes, Any]:
    """What a backup makes of every name that does not expire; the order in which a server tells it says nothing."""
    file = BytesIO(backup)
    read_header(file)
    made: dict[bytes, Any] = {}
    expiring = set()
    for command, name, *words in read_commands(file):
        match command:
            case b"PEXPIRE":
                expiring.add(name)
            case b"SET" | b"UNLINK":
                made[name] = tuple(words)
            case b"RPUSH":
                made[name] = (*made.get(name, ()), *words)
            case _:
                parts: Iterable[Any] = words if command == b"SADD" else zip(words[::2], words[1::2], strict=True)
                made[name] = made.get(name, frozenset()) | frozenset(parts)
    return {name: value for name, value in made.items() if name not in expiring}


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
    deployment = Deployment.of(front, free_port("127.0.0.1"))
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
