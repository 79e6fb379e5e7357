"""A long life under light load, with a fault a minute or none: nothing of what a service takes may grow.

`python -m tests.faults.soak --help`.
"""

import argparse
import itertools
import json
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click

from core.descent.kernel import chosen, kernel_id
from stepbias import Client
from stepbias.errors import StepbiasError
from stepbias.handle import ExperimentHandle
from tests.faults.besieged_service import BesiegedService
from tests.faults.fake_clock import FakeClock, library
from tests.faults.faults import KINDS, Battlefield, Fault, Mode, kinds_of, sequence
from tests.faults.load import Drawn, wishes
from tests.faults.proxy import Proxy
from tests.faults.sampling import Name, Samples
from tests.faults.slopes import Points, Slope, slope_of

Kind = tuple[str, str]
"""A part and what was measured, of all its processes."""

WARM_UP: Final = 1 / 6
"""Of the time, ten minutes of an hour, in which everything may grow; a process that was started again has as long."""

SAMPLE_SECONDS: Final = 10.0
PERIOD: Final = 1.0
"""Seconds between two experiments of a client."""

WAIT_SECONDS: Final = 120.0


SETTINGS: Final = {"STEPBIAS_ANSWER_SECONDS": "60"}
"""What was answered is remembered for a day as a rule, far longer than this takes: it would only be seen to grow. A
minute is a block of the slopes: what is remembered longer would make blocks resemble each other."""

CALM: Final = "calm"
"""The mode without faults, in which every process lives as long as the service."""


class Guest:
    """A client that leaves nothing behind: submits, waits, has a figure drawn, deletes; at times with an upload."""

    def __init__(self, url: str, seed: str) -> None:
        self._client = Client(url)
        self._wishes = wishes(seed, longs=0.0)
        self._rng = random.Random(seed)
        self._over = threading.Event()
        self._left: list[str] = []
        self._uploads: list[str] = []
        self.done: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Begin nothing more, and wait for the end of what was begun."""
        self._over.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        for number in itertools.count():
            if self._over.wait(PERIOD):
                return
            try:
                self._visit(number, next(self._wishes)[1])
            except StepbiasError as error:
                self.done[f"{type(error).__name__}: {error}".partition("\n")[0]] += 1

    def _visit(self, number: int, drawn: Drawn) -> None:
        self._clear_away()
        document = drawn.document()
        if number % 5 == 0:
            document["data"] = {"kind": "dataset", "id": self._upload()}
        handle = self._client.submit(document)
        self._left.append(handle.id)
        handle.wait(timeout=WAIT_SECONDS)
        handle.results()
        if number % 2:
            self._draw(handle)
        self._clear_away()

    def _draw(self, handle: ExperimentHandle) -> None:
        handle.figure(self._rng.choice(handle.figures()))
        self.done["figures"] += 1

    def _upload(self) -> str:
        rows = [[self._rng.gauss(0.0, 1.0) for _ in range(6)] for _ in range(4)]
        columns = {"X": [row[:5] for row in rows], "y": [row[5] for row in rows]}
        uploaded = str(self._client.upload_dataset(columns)["id"])
        self._uploads.append(uploaded)
        self.done["uploads"] += 1
        return uploaded

    def _clear_away(self) -> None:
        """Delete what earlier visits have left, the interrupted ones too."""
        for each in list(self._left):
            handle = self._client.experiment(each)
            if handle.refresh().is_finished:
                handle.delete()
                self._left.remove(each)
                self.done["experiments"] += 1
            else:
                handle.cancel()
        if not self._left:
            while self._uploads:
                self._client.delete_dataset(self._uploads.pop())


class Soak:
    """One service for so long, in a directory of its own."""

    def __init__(self, directory: Path, faults: Iterable[Fault], *, seed: int) -> None:
        self._directory, self._faults, self._seed = directory, faults, seed
        self.done: Counter[str] = Counter()

    def live(self, minutes: float) -> tuple[Samples, int]:
        """The samples, and the exit code of the service."""
        with ExitStack() as stack:
            field = self._set_up(stack)
            samples = Samples(field.service)
            over = threading.Event()
            sampler = threading.Thread(target=_sample, args=(samples, over), daemon=True)
            guests = [Guest(field.service.url, f"{self._seed}/guest {number}") for number in range(2)]
            sampler.start()
            try:
                until = time.monotonic() + 60.0 * minutes
                self._strike_all(field, until)
                time.sleep(max(until - time.monotonic(), 0.0))
            finally:
                for guest in guests:
                    guest.end()
                    self.done += guest.done
                over.set()
                sampler.join()
            return samples, field.service.stop()

    def _set_up(self, stack: ExitStack) -> Battlefield:
        proxy = stack.enter_context(Proxy(self._server_port, random.Random(f"{self._seed}/proxy")))
        faketime = library()
        clock = None if faketime is None else FakeClock(self._directory / "clock", faketime)
        self._service = BesiegedService(self._directory, workers=2, settings=SETTINGS, proxy=proxy.port, clock=clock)
        stack.enter_context(self._service)
        return Battlefield(service=self._service, proxy=proxy, clock=clock)

    def _server_port(self) -> int:
        return self._service.server_port()

    def _strike_all(self, field: Battlefield, until: float) -> None:
        for fault in self._faults:
            time.sleep(min(60.0, max(until - time.monotonic(), 0.0)))
            if time.monotonic() >= until:
                return
            click.echo(f"{fault.kind}: {KINDS[fault.kind].strike(field, fault)} hit")
            if field.service.is_ending():
                field.service.await_end()
                field.service.start()


def _sample(samples: Samples, over: threading.Event) -> None:
    while not over.wait(SAMPLE_SECONDS):
        samples.take()


def slopes_of(series: Mapping[Name, Points]) -> Mapping[Kind, Slope]:
    """What all processes of a part have in common."""
    kinds: defaultdict[Kind, list[Points]] = defaultdict(list)
    for (part, _, what), points in series.items():
        kinds[part, what].append(points)
    return {kind: slope_of(each) for kind, each in kinds.items()}


def table(slopes: Mapping[Kind, Slope]) -> Iterator[str]:
    """A row for each kind that is judged."""
    yield "| what | measured | processes | minutes, all | longest | mean | change in an hour | standard error | |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for (part, what), found in sorted(slopes.items()):
        if found.is_judged:
            verdict = "grows" if found.grows else "within noise"
            times = f"{found.processes} | {found.blocks} | {60 * found.hours:.0f}"
            numbers = f"{found.mean:.1f} | {found.slope:+.2f} | {found.error:.2f}"
            yield f"| {part} | {what} | {times} | {numbers} | {verdict} |"


def main() -> int:
    """Read the command line, live, and judge; 0 if nothing grows."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="gives the faults, and what clients submit")
    parser.add_argument("--mode", choices=[CALM, *Mode], default=Mode.ALL, help="which faults strike")
    parser.add_argument("--out", type=Path, default=Path("out/soak"), help="emptied first")
    options = parser.parse_args()
    directory = options.out.absolute()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    click.echo(f"{options.minutes:g} minutes, seed {options.seed}, {options.mode}; {kernel_id(chosen('auto'))}")
    faults = [] if options.mode == CALM else _faults(Mode(options.mode), int(options.minutes) + 1, options.seed)
    soak = Soak(directory, faults, seed=options.seed)
    samples, code = soak.live(options.minutes)
    _write(directory / "samples.jsonl", samples.series)
    slopes = slopes_of(samples.after(WARM_UP * 60.0 * options.minutes))
    growing = [f"{part}: {what} grows" for (part, what), each in slopes.items() if each.grows]
    wrong = [*growing, *([f"the service stopped with exit code {code}"] if code else [])]
    for line in (*table(slopes), f"done: {dict(soak.done)}", *wrong, "FAILED" if wrong else "PASSED"):
        click.echo(line)
    return 1 if wrong else 0


def _faults(mode: Mode, count: int, seed: int) -> Iterable[Fault]:
    kinds = [kind for kind in kinds_of(mode) if library() is not None or KINDS[kind].group != "clock"]
    return sequence(kinds, count, seed)


def _write(path: Path, series: Mapping[Name, Any]) -> None:
    with path.open("w") as file:
        for (part, pid, what), points in series.items():
            file.write(json.dumps({"part": part, "process": pid, "what": what, "points": points}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
