"""What five faults do to the rate at which jobs are finished: before, after, and when it is back.

`python -m tests.faults.recovery --help`.
"""

import argparse
import contextlib
import itertools
import json
import random
import shutil
import signal
import socket
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import click
import httpx2

from core.descent.kernel import chosen, kernel_id
from jobs.connection import vendor_errors
from jobs.errors import JobsError
from jobs.redis_store import RedisStore
from tests.faults.besieged_service import HOST, BesiegedService, Part, eventually
from tests.faults.throughput import back_after, is_short, rate

LEAST: Final = 0.95
"""Of the rate before a fault that must be there after it."""

SETTLE_SECONDS: Final = 20.0
"""From the end of a fault to the window after it: a lease, and the start of what was killed."""

BACKLOG: Final = 60
"""Experiments that are kept under way: workers never wait for the client."""

SLOTS: Final = 64
"""Connections that the server takes while strangers have them."""

_LOOK: Final = 0.5


class Load:
    """Small experiments of four jobs, so many under way at any moment, and the count of finished jobs."""

    def __init__(self, service: BesiegedService, store: RedisStore) -> None:
        self._store = store
        self._http = httpx2.Client(base_url=service.url, timeout=5.0, trust_env=False)
        self._under_way: dict[str, int] = {}
        self._finished = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._feed, self._count)]
        self.samples: list[tuple[float, int]] = []

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join()
        self._http.close()

    def _feed(self) -> None:
        for number in itertools.count():
            while len(self._under_way) >= BACKLOG and not self._over.wait(0.01):
                pass
            if self._over.is_set() or not self._submit(_spec(number)):
                return

    def _submit(self, document: Mapping[str, Any]) -> bool:
        """Submit until it is accepted; False where the load has ended before."""
        while not self._over.is_set():
            with contextlib.suppress(httpx2.TransportError):
                answer = self._http.post("/v1/experiments", json=document)
                if answer.is_success:
                    self._under_way[answer.json()["id"]] = 0
                    return True
            self._over.wait(0.1)
        return False

    def _count(self) -> None:
        while not self._over.wait(_LOOK):
            # A server that is away leaves a gap between two samples, over which the rate is that of the whole gap.
            with contextlib.suppress(JobsError):
                for each in list(self._under_way):
                    self._look_at(each)
                self.samples.append((time.monotonic(), self._finished + sum(self._under_way.values())))

    def _look_at(self, experiment_id: str) -> None:
        found = self._store.experiment(experiment_id)
        self._under_way[experiment_id] = found.jobs_done
        if found.finished_at is not None:
            self._finished += self._under_way.pop(experiment_id)


def _spec(number: int) -> Mapping[str, Any]:
    """Four data sets, one run each, of which none has been computed before."""
    return {
        "name": f"load {number}",
        "data": {"kind": "sparse_regression", "samples": 8, "dimension": 12, "sparsity": 2}
        | {"seed": {"values": [4 * number + each for each in range(4)]}},
        "initialization": {"kind": "uniform", "scale": 0.3},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.002},
        "stopping": {"loss_tolerance": 1e-8, "max_steps": 30_000},
        "recording": {"points": 10},
    }


def _restart_server(service: BesiegedService) -> None:
    _kill(service, Part.SERVER, signal.SIGTERM)


def _kill_connections(service: BesiegedService) -> None:
    with service.server() as server, vendor_errors():
        server.client_kill_filter(_type="normal", skipme=True)


def _exhaust_connections(service: BesiegedService) -> None:
    """Strangers take every connection that the server gives, for 10 s, those of the service included."""
    with service.server() as server, vendor_errors(), contextlib.ExitStack() as strangers:
        usual = server.config_get("maxclients")["maxclients"]
        server.config_set("maxclients", SLOTS)
        server.client_kill_filter(_type="normal", skipme=True)
        until = time.monotonic() + 10.0
        while time.monotonic() < until:
            for stranger in _strangers(service.server_port()):
                strangers.enter_context(stranger)
            time.sleep(0.05)
        server.config_set("maxclients", usual)


def _strangers(port: int) -> Iterator[socket.socket]:
    """Connections that say nothing, until one is refused."""
    while True:
        stranger = socket.create_connection((HOST, port), timeout=0.05)
        try:
            stranger.recv(1)
        except TimeoutError:
            yield stranger
        except ConnectionError:
            return
        else:
            stranger.close()
            return


def _kill_worker(service: BesiegedService) -> None:
    _kill(service, Part.BATCH_TREE, signal.SIGKILL)


def _kill_again_and_again(service: BesiegedService) -> None:
    """A process of the pool every 2 s, five times."""
    for _ in range(5):
        _kill(service, Part.BATCH_CHILD, signal.SIGKILL)
        time.sleep(2.0)


def _kill(service: BesiegedService, part: Part, number: signal.Signals) -> None:
    assert eventually(lambda: service.hit(part, number)), f"no {part} is there to be hit"


def _do_nothing(_: BesiegedService) -> None:
    """What shows how ratios spread by themselves, on this machine in this hour."""


NOTHING: Final = "nothing"

FAULTS: Final[Mapping[str, Callable[[BesiegedService], None]]] = MappingProxyType(
    {
        NOTHING: _do_nothing,
        "server restarted": _restart_server,
        "connections killed": _kill_connections,
        "connections exhausted": _exhaust_connections,
        "worker killed": _kill_worker,
        "killed repeatedly": _kill_again_and_again,
    }
)


ROUND: Final = (*FAULTS, NOTHING)
"""Nothing comes twice in each round: all others are measured against it."""


class Experiment:
    """The faults one after the other, each between two windows."""

    def __init__(self, service: BesiegedService, load: Load, *, window: float, say: Callable[[str], object]) -> None:
        self._service, self._load, self._window, self._say = service, load, window, say
        self.ratios: dict[str, list[float]] = defaultdict(list)
        self.back: dict[str, list[float | None]] = defaultdict(list)

    def strike(self, name: str) -> None:
        """One fault."""
        before = self._window_from(time.monotonic())
        FAULTS[name](self._service)
        over_at = time.monotonic()
        after = self._window_from(over_at + SETTLE_SECONDS)
        back = back_after(self._load.samples, over_at, LEAST * before, window=self._window / 4)
        self.ratios[name].append(after / before)
        self.back[name].append(back)
        self._say(f"{name}: {before:.2f} jobs/s before, {after:.2f} after: {after / before:.3f}; back after {back} s")

    def _window_from(self, start: float) -> float:
        time.sleep(max(start + self._window - time.monotonic(), 0.0) + 2 * _LOOK)
        return rate(self._load.samples, start, start + self._window)

    def table(self) -> Iterator[str]:
        """A row for each fault."""
        yield "| fault | times | rate after / before | standard error | back after, median s | most |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for name, found in self.ratios.items():
            back = [each for each in self.back[name] if each is not None]
            times = f"{statistics.median(back):.1f} | {max(back):.1f}" if back else "- | -"
            yield f"| {name} | {len(found)} | {_mean_and_error(found)} | {times} |"

    def faults(self) -> list[str]:
        """Which faults leave the rate lower than it was, by more than noise."""
        quiet = self.ratios[NOTHING]
        return [name for name, found in self.ratios.items() if is_short(found, quiet, least=LEAST)]


def _mean_and_error(numbers: Sequence[float]) -> str:
    error = statistics.stdev(numbers) / len(numbers) ** 0.5 if len(numbers) > 1 else float("nan")
    return f"{statistics.fmean(numbers):.3f} | {error:.3f}"


def main() -> int:
    """Read the command line, and measure; 0 if every rate comes back."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(prog="python -m tests.faults.recovery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="each fault so many times")
    parser.add_argument("--window", type=float, default=20.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the faults")
    parser.add_argument("--out", type=Path, default=Path("out/recovery"), help="emptied first")
    options = parser.parse_args()
    directory = options.out.absolute()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    click.echo(f"{options.rounds} rounds, windows of {options.window:g} s; {kernel_id(chosen('auto'))}")
    order = random.Random(options.seed)
    with BesiegedService(directory, workers=2, settings={}) as service, service.store() as store:
        with Load(service, store) as load:
            experiment = Experiment(service, load, window=options.window, say=click.echo)
            time.sleep(SETTLE_SECONDS)
            for name in (each for _ in range(options.rounds) for each in order.sample(ROUND, len(ROUND))):
                experiment.strike(name)
        (directory / "samples.json").write_text(json.dumps(load.samples))
        code = service.stop()
    faults = [*experiment.faults(), *([f"exit code {code}"] if code else [])]
    for line in (*experiment.table(), *faults, "FAILED" if faults else "PASSED"):
        click.echo(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
