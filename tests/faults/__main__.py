"""The drill at length: many random kills over a demo-size sweep, and a verdict. `python -m tests.faults --help`."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from core.presets import preset
from core.spec.experiment_spec import ExperimentSpec
from stepbias import Client, ExperimentHandle
from tests.faults.besieged_service import BesiegedService, Part
from tests.faults.verdict import judge, undisturbed
from tests.stepbias.launcher.processes import eventually

PATIENCE: Final = 3600.0
COLUMNS: Final = "{:>4}  {:<32} {:>9} {:>9} {:>8} {:>10}  {}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """What is to be killed, and how far the sweep must have come by then."""

    part: Part
    progress: float


def plan_kills(count: int, seed: int) -> list[Kill]:
    """Kills of random parts, spread at random over the first nine tenths of the sweep."""
    rng = random.Random(seed)
    moments = sorted(rng.uniform(0.01, 0.9) for _ in range(count))
    return [Kill(part=rng.choice(list(Part)), progress=moment) for moment in moments]


class Drill:
    """One sweep through one service that is killed, part by part, and started again where its supervisor was killed."""

    def __init__(self, service: BesiegedService, stack: ExitStack) -> None:
        self._service = service
        self._life = stack.enter_context(ExitStack())
        self._client = self._start()
        self._handle: ExperimentHandle | None = None
        self._started_at = time.monotonic()

    @property
    def handle(self) -> ExperimentHandle:
        """The experiment, after it was submitted."""
        assert self._handle is not None
        return self._handle

    def submit(self, spec: ExperimentSpec) -> None:
        """Begin the sweep."""
        self._handle = self._client.submit(spec.canonical())

    def carry_out(self, number: int, kill: Kill) -> bool:
        """Wait for the moment, kill, wait until work goes on, and print a line; False if the sweep was over before.

        Progress dips by what the killed had done of its batch; with the batch's checkpoint most of it comes back.
        """
        if not self._comes_to(kill.progress):
            return False
        before, killed_at = self.handle.experiment, time.monotonic()
        victims = self._service.kill(kill.part)
        if kill.part is Part.SUPERVISOR:
            self._start_again()
        lowest = self._await_growth()
        typer.echo(
            COLUMNS.format(
                number,
                kill.part,
                len(victims),
                f"{killed_at - self._started_at:.1f} s",
                f"{before.progress:.1%}",
                f"{max(before.progress - lowest, 0.0):.1%}",
                f"work goes on after {time.monotonic() - killed_at:.1f} s, {before.runs_done} runs done",
            )
        )
        return True

    def finish(self) -> float:
        """Wait for the end of the sweep; the seconds it took."""
        self.handle.wait(timeout=PATIENCE)
        return time.monotonic() - self._started_at

    def _start(self) -> Client:
        url = self._life.enter_context(self._service.up())
        return self._life.enter_context(Client(url))

    def _start_again(self) -> None:
        assert eventually(self._service.household.is_gone), "the killed supervisor left processes behind"
        self._life.close()
        self._client = self._start()
        self._handle = self._client.experiment(self.handle.id)

    def _comes_to(self, progress: float) -> bool:
        def has_come() -> bool:
            experiment = self.handle.refresh()
            return experiment.is_finished or experiment.progress >= progress

        assert eventually(has_come, patience=PATIENCE), self.handle
        return not self.handle.experiment.is_finished

    def _await_growth(self) -> float:
        """Return when progress is seen to grow; the lowest that was seen."""
        lowest = 1.0

        def has_grown() -> bool:
            nonlocal lowest
            experiment = self.handle.refresh()
            lowest = min(lowest, experiment.progress)
            return experiment.is_finished or experiment.progress > lowest

        assert eventually(has_grown, patience=PATIENCE), self.handle
        return lowest


@contextmanager
def _service(workers: int) -> Iterator[tuple[BesiegedService, ExitStack]]:
    with tempfile.TemporaryDirectory(prefix="stepbias-faults-") as directory, ExitStack() as stack:
        yield BesiegedService(Path(directory), workers=workers), stack


def drill(kills: Sequence[Kill], spec: ExperimentSpec, *, workers: int) -> bool:
    """Print a line for each kill, then the verdict; whether it is flawless."""
    with _service(workers) as (service, stack):
        drill = Drill(service, stack)
        drill.submit(spec)
        typer.echo(COLUMNS.format("kill", "what", "processes", "when", "progress", "dip", "effect"))
        carried_out = sum(drill.carry_out(number, kill) for number, kill in enumerate(kills, 1))
        seconds = drill.finish()
        typer.echo(
            f"{carried_out} of {len(kills)} kills, the sweep done after {seconds:.0f} s; now the same undisturbed"
        )
        expected = undisturbed(spec)
        with service.store() as store:
            jobs = store.jobs(drill.handle.id)
            verdict = judge(drill.handle, spec, store, expected)
        code = service.stop()
    typer.echo(
        f"{verdict.done} of {verdict.total} runs done, {verdict.by_outcome} by outcome, {verdict.summaries} summaries; "
        f"{sum(job.attempt for job in jobs)} attempts at {len(jobs)} jobs, {sum(job.losses for job in jobs)} lost, "
        f"{sum(job.failures for job in jobs)} failed"
    )
    typer.echo(
        f"{verdict.different_runs} runs and {verdict.different_variables} result variables differ from the undisturbed "
        f"sweep; the service stopped with exit code {code}"
    )
    is_passed = verdict.is_flawless and code == 0 and carried_out == len(kills)
    typer.echo("PASSED" if is_passed else "FAILED")
    return is_passed


def main() -> int:
    """Read the command line and drill."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    kills = plan_kills(options.kills, options.seed)
    return 0 if drill(kills, preset("figure-1", "demo"), workers=options.workers) else 1


if __name__ == "__main__":
    sys.exit(main())
