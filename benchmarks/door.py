"""The HTTP interface by itself and while every core trains: how many polls, how late, and how long results take."""

import http.client
import itertools
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.living_service import LivingService, living_service
from benchmarks.polling import Polled, poll, polled, polling, request
from benchmarks.processes import cpu_seconds, named
from benchmarks.sweeps import endless_noise, tiny_runs
from benchmarks.turns import Effort, one_core
from core.spec.experiment_spec import ExperimentSpec
from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias import Client
from stepbias.launcher.service import usable_cores
from stepbias.launcher.store.embedded import url_of_running

FORMATS: Final = ("csv", "ndjson", "parquet")
STATUS_RATE: Final = 200.0
SUBMIT_RATE: Final = 20.0
CLIENTS: Final = 4
READERS: Final = 16
"""Connections of those who poll at a rate: a late answer to one must not keep the next from asking."""

FEW: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much there is, and for how long it is asked."""

    exported: int
    downloaded: int
    listed: int
    polled: int
    seconds: float
    under_work: float


FULL: Final = Size(exported=20_000, downloaded=100_000, listed=10_000, polled=10_000, seconds=5.0, under_work=300.0)
QUICK: Final = Size(exported=1_000, downloaded=2_000, listed=300, polled=1_000, seconds=2.0, under_work=15.0)


def measure_door(effort: Effort) -> dict[str, Any]:
    """Everything about the interface."""
    size = QUICK if effort.quick else FULL
    with living_service(usable_cores()) as service:
        few = service.run(tiny_runs(FEW))[0].id
        found: dict[str, Any] = {"size": asdict(size), "alone": _alone(service, few, size.seconds)}
        many = service.run(tiny_runs(size.polled))[0].id
        found["polls"] = {
            str(count): _median_ms(service, _status(each)) for count, each in ((FEW, few), (size.polled, many))
        }
        found["exports"] = _exports(service, service.run(_named(tiny_runs(size.exported), "exported"))[0].id)
        found["lists"] = _lists(service, size.listed)
        large = service.run(_named(tiny_runs(size.downloaded), "downloaded"))[0].id
        found["under_work"] = _under_work(service, large, size.under_work)
    _tell(found)
    return found


def _status(experiment_id: str) -> bytes:
    return request("GET", f"/v1/experiments/{experiment_id}")


def _named(spec: ExperimentSpec, name: str) -> ExperimentSpec:
    return spec.model_copy(update={"name": name})


def _alone(service: LivingService, experiment_id: str, seconds: float) -> dict[str, Any]:
    """Polls as fast as they are answered: API and store on one core, those who ask on another where there is one."""
    parts = {part: named(service.pid, word) for part, word in (("api", "\0api\0"), ("store", "server.conf"))}
    path = f"/v1/experiments/{experiment_id}"
    asked = {"status": _status(experiment_id)}
    asked["curve"] = request("GET", f"{path}/curves", query={"x": "init_scale", "y": "train_loss"})
    found = {}
    with _on_a_core(parts.values(), min(os.sched_getaffinity(0))), one_core():
        for name, each in asked.items():
            before = {part: cpu_seconds(pid) for part, pid in parts.items()}
            answered = poll(service.port, each, seconds=seconds, clients=CLIENTS)
            costs = {part: (cpu_seconds(pid) - before[part]) / len(answered.taken) for part, pid in parts.items()}
            found[name] = {"rate": answered.rate, "errors": answered.errors} | {
                f"{part}_microseconds": 1e6 * cost for part, cost in costs.items()
            }
    return found


@contextmanager
def _on_a_core(processes: Collection[int], core: int) -> Iterator[None]:
    """Keep these processes, with every thread that they have, on one core."""
    threads = [int(task.name) for pid in processes for task in Path(f"/proc/{pid}/task").iterdir()]
    before = {thread: os.sched_getaffinity(thread) for thread in threads}
    for thread in threads:
        os.sched_setaffinity(thread, {core})
    try:
        yield
    finally:
        for thread, cores in before.items():
            os.sched_setaffinity(thread, cores)


def _median_ms(service: LivingService, asked: bytes) -> float:
    return poll(service.port, asked, seconds=1.0, clients=1).percentile(50)


def _exports(service: LivingService, experiment_id: str) -> dict[str, dict[str, float]]:
    """Seconds of the first export and of the next, and bytes."""
    found = {}
    for name in FORMATS:
        (first, size), (second, _) = (_download(service, experiment_id, name) for _ in range(2))
        found[name] = {"first": first, "again": second, "bytes": size}
    return found


def _download(service: LivingService, experiment_id: str, form: str) -> tuple[float, int]:
    """Seconds and bytes."""
    begun, size = time.perf_counter(), 0
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=600)
    connection.request("GET", f"/v1/experiments/{experiment_id}/results.{form}")
    answer = connection.getresponse()
    if answer.status != 200:
        raise ValueError(f"{form}: {answer.status}")
    while piece := answer.read(1 << 20):
        size += len(piece)
    connection.close()
    return time.perf_counter() - begun, size


def _lists(service: LivingService, count: int) -> dict[str, float]:
    """Milliseconds of the first page with so few experiments as there are, and with so many more."""
    asked = request("GET", "/v1/experiments", query={"limit": 50})
    spec = tiny_runs(2).model_dump_json().encode()
    store = RedisStore(connect(url_of_running(service.state), patience=10.0), Settings())
    found: dict[str, float] = {}
    numbers = itertools.count()
    for many in (FEW, count):
        for number in itertools.islice(numbers, many - len(found) * FEW):
            made = store.submit(spec=spec, content_hash=f"{number:064x}", name=f"listed {number}", tags=(), runs=2)
            store.cancel(made.experiment.id)
        found[str(many)] = _median_ms(service, asked)
    return found


def _under_work(service: LivingService, large: str, seconds: float) -> dict[str, Any]:
    """Latencies while every core trains, polls and submissions arrive, and somebody downloads all results."""
    with Client(service.url) as client:
        work = client.submit(endless_noise(seconds * 2 * usable_cores()).model_dump(mode="json"))
        while client.experiment(work.id).status != "running":
            time.sleep(0.1)
        with (
            _repeating(lambda: _download(service, large, "csv")) as downloads,
            polling(service.port, _status(work.id), seconds=seconds, clients=READERS, rate=STATUS_RATE) as readers,
            polling(service.port, _submission(), seconds=seconds, clients=CLIENTS, rate=SUBMIT_RATE) as writers,
        ):
            status, submitted = polled(readers), polled(writers)
        is_busy = client.experiment(work.id).status == "running"
        client.experiment(work.id).cancel()
    return {
        "status": _latencies(status),
        "submit": _latencies(submitted),
        "seconds": seconds,
        "downloads": len(downloads),
        "busy_to_the_end": is_busy,
    }


def _submission() -> bytes:
    """A small experiment on data of its own."""
    document = tiny_runs(1).model_dump(mode="json", exclude_unset=True)
    document["data"]["seed"] = 12345678
    return request("POST", "/v1/experiments", body=document).replace(b"12345678", b"@NUMBER@")


@contextmanager
def _repeating(work: Callable[[], object]) -> Iterator[Sequence[object]]:
    """Do it again and again in a thread; what came of it."""
    over, done = threading.Event(), []

    def go_on() -> None:
        while not over.is_set():
            done.append(work())

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def _latencies(found: Polled) -> dict[str, float]:
    return {
        "count": len(found.taken),
        "errors": found.errors,
        **{f"p{percent}_ms": found.percentile(percent) for percent in (50, 99)},
        "slowest_ms": 1e3 * max(found.taken),
    }


def rows(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What was measured, as what it is, how much it is, and what was asked for."""
    work, exports, alone = found["under_work"], found["exports"], found["alone"]
    size = found["size"]
    table = []
    for name, told in alone.items():
        costs = f"{told['api_microseconds']:.0f} µs of the API, {told['store_microseconds']:.0f} of the store"
        what = f"{name} polls a second, API and store on one core"
        table.append((what, f"{told['rate']:,.0f} ({costs})", "4,000" if name == "status" else ""))
    for name, most in (("status", 50), ("submit", 100)):
        told = work[name]
        what = f"{name}, p99 while every core trains and {size['downloaded']:,} runs are downloaded"
        value = f"{told['p99_ms']:.1f} ms (median {told['p50_ms']:.1f}, slowest {told['slowest_ms']:.0f})"
        table += [(what, value, f"≤ {most} ms"), (f"{name}, errors of {told['count']:,}", str(told["errors"]), "0")]
    for name, asked in (("polls", "poll of {} runs"), ("lists", "first page of {} experiments")):
        table += [(asked.format(f"{int(count):,}"), f"{taken:.2f} ms", "") for count, taken in found[name].items()]
    for form, told in exports.items():
        what = f"{form.upper()} of {size['exported']:,} runs"
        table.append((what, f"{told['first']:.2f} s, again {told['again']:.2f} s", "≤ 5 s"))
    return table


def _tell(found: dict[str, Any]) -> None:
    table = rows(found)
    width = max(len(what) for what, _, _ in table)
    for what, value, asked in table:
        print(f"{what:<{width}}  {value}{f'  (asked: {asked})' if asked else ''}", flush=True)
