"""The operations that workers, clients and the API ask of the store, each measured on a server of its own."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.store_meter import Cost, StoreMeter
from core.analysis.problem import analyse_problem
from core.descent.kernel import chosen, one_thread
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.known_problems import KnownProblem
from core.experiment.run_batch import RunBatch
from core.identity import NUMERICS_VERSION
from core.presets import preset
from core.spec.experiment_spec import Recording
from core.sweep.grid import Grid
from jobs.celery_doorbell import CeleryDoorbell, make_celery_app
from jobs.connection import connect
from jobs.records import Claim, FinishedRun, LiveWorker, NewJob, Queue, StoredRun
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.store.embedded import embedded_server
from worker.batch import stored_run

BATCH_RUNS: Final = 16
"""Runs of a batch: those of Figure 1 have 4 to 29."""

WIDE_RUNS: Final = 128
"""Runs of a batch of tiny ones."""

ROUNDS: Final = 5

NO_DISK: Final = Path("/dev/shm")
"""A disk that never keeps anybody waiting, where Linux has one: what others write to the real one is no matter."""

WORKERS: Final = (1, 100, 1_000)
"""How many are registered where it is asked who is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payloads:
    """What real runs of Figure 1 send: their results, what is needed to go on with a batch, the spec, an analysis."""

    runs: Sequence[StoredRun]
    checkpoint: bytes
    spec: bytes
    analysis: bytes

    def finished(self, indices: Sequence[int], label: str) -> list[FinishedRun]:
        """Results for these indices, under keys of their own."""
        return [FinishedRun(index=index, run=self._run(index, label)) for index in indices]

    def _run(self, index: int, label: str) -> StoredRun:
        like = self.runs[index % len(self.runs)]
        return StoredRun(key=digest(f"{label} {index}"), outcome=like.outcome, summary=like.summary, arrays=like.arrays)


def digest(text: str) -> str:
    """A key or content hash made of any text."""
    return hashlib.sha256(text.encode()).hexdigest()


def real_payloads(recording: Recording | None = None) -> Payloads:
    """Those of a batch of Figure 1, trained now: a second or two; with its own recording, or another one."""
    spec = preset("figure-1", "full")
    spec = spec if recording is None else spec.model_copy(update={"recording": recording})
    grid = Grid(spec)
    problem = grid.problem_of(0)
    with one_thread():
        dataset = dataset_of(problem.data, no_uploads)
        analysis = analyse_problem(dataset, problem.network, problem.data_key).analysis
        known = KnownProblem(dataset=dataset, network=problem.network, analysis=analysis)
        batch = RunBatch(grid, range(0, len(grid), len(grid) // BATCH_RUNS), known, kernel=chosen("auto"))
        ended, checkpoint = list(batch.advance()), batch.checkpoint()
        while batch.active:
            ended += batch.advance()
    return Payloads(
        runs=[stored_run(each.run.key, each.summary, each.arrays) for each in ended],
        checkpoint=checkpoint,
        spec=spec.canonical(),
        analysis=analysis.to_json(),
    )


@contextmanager
def server_of_its_own(disk: Path | None = None) -> Iterator[str]:
    """The address of an embedded server in a temporary directory: on disk always, before every answer.

    `disk` is another one than that of temporary files, such as `NO_DISK`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="stepbias-bench-", dir=disk) as directory,
        embedded_server(Path(directory) / "state") as (server, _),
    ):
        yield server.url


class Planned:
    """An experiment whose batches wait, for workers that need no plan."""

    def __init__(self, store: RedisStore, payloads: Payloads, label: str, *, batches: int, runs: int) -> None:
        self.store, self.payloads, self.label, self.runs = store, payloads, label, runs
        submitted = store.submit(
            spec=payloads.spec, content_hash=digest(label), name=label, tags=(), runs=batches * runs
        )
        self.id = submitted.experiment.id
        self.plan = store.claim(Queue.INTERACTIVE, worker="planner")
        assert self.plan is not None
        store.set_run_keys(self.plan, 0, [digest(f"{label} {index}") for index in range(batches * runs)])
        for first in range(0, batches, 500):
            store.add_jobs(self.plan, [self._job(each) for each in range(first, min(first + 500, batches))])
        store.complete(self.plan)

    def _job(self, number: int) -> NewJob:
        first = number * self.runs
        payload = {"indices": list(range(first, first + self.runs))}
        return NewJob(id=f"{self.id}.{first}-{digest(str(number))[:16]}", queue=Queue.BATCH, payload=payload, work=1.0)


Operation = Callable[[int], object]


def measure_costs(payloads: Payloads, *, times: int) -> dict[str, Any]:
    """Costs by operation, the seconds that a write waits for the disk, and what one run takes of memory and disk."""
    return _measured(payloads, (_of_a_job, _of_planning, _of_idling, _of_readers, _of_the_bell), times=times, disk=None)


def measure_costs_of_a_job(payloads: Payloads, *, times: int, disk: Path | None) -> dict[str, Any]:
    """The same of what a job asks alone, in a few seconds."""
    return _measured(payloads, (_of_a_job, _of_planning, _of_documents), times=times, disk=disk)


Measured = Callable[[StoreMeter, Payloads, int], Iterator[tuple[str, Cost]]]


def _measured(payloads: Payloads, groups: Sequence[Measured], *, times: int, disk: Path | None) -> dict[str, Any]:
    costs: dict[str, Cost] = {}
    waits: list[float] = []
    for group in groups:
        with server_of_its_own(disk) as url:
            meter = StoreMeter(connect(url, patience=5.0), Settings(redis_url=url))
            meter.store.adopt()
            costs |= dict(group(meter, payloads, times))
            waits += meter.disk_microseconds
    return {
        "operations": {name: asdict(cost) for name, cost in costs.items()},
        "flush_microseconds": _flush_microseconds(times, disk),
        "disk_microseconds": median(waits),
    }


def _flush_microseconds(times: int, disk: Path | None) -> float:
    """Of the server's thread, for each time that the disk takes what was written, beside waiting for it."""
    taken: dict[str, list[float]] = {"always": [], "no": []}
    with server_of_its_own(disk) as url:
        meter = StoreMeter(connect(url, patience=5.0), Settings())
        for _ in range(ROUNDS):
            for policy, found in taken.items():
                meter.client.config_set("appendfsync", policy)
                found.append(meter.cost(lambda n: meter.client.set("written", n), 4 * times).cpu)
    return max(median(taken["always"]) - median(taken["no"]), 0.0)


def _of_a_job(meter: StoreMeter, payloads: Payloads, times: int) -> Iterator[tuple[str, Cost]]:
    """A job from its claim to its end, in batches of two sizes: each step of all jobs before the next step."""
    store = meter.store
    for runs, jobs in ((BATCH_RUNS, times + 8), (WIDE_RUNS, times // 4 + 8)):
        steps = _Steps(Planned(store, payloads, f"of {runs}", batches=jobs, runs=runs))
        asked = jobs - 4
        claim = meter.cost(steps.claim, asked)
        if runs == BATCH_RUNS:
            yield "claim", claim
            yield "heartbeat, the first", meter.cost(steps.begin, asked)
            yield "heartbeat", meter.cost(steps.beat, asked)
            yield "checkpoint", meter.cost(steps.keep, asked)
            yield "checkpoint read", meter.cost(steps.read, asked)
            yield "spec", meter.cost(steps.spec, asked)
        yield f"commit of {runs} runs", meter.cost(steps.commit, asked)
        if runs == BATCH_RUNS:
            yield "end of a job", meter.cost(steps.end, asked)
    yield "claim of nothing", meter.cost(lambda _: store.claim(Queue.BATCH, worker="worker"), times)


class _Steps:
    """What becomes of the jobs of an experiment: each step is asked for by the number of the job."""

    def __init__(self, experiment: Planned) -> None:
        self._experiment, self._store, self._payloads = experiment, experiment.store, experiment.payloads
        self._claims: list[Claim] = []

    def claim(self, _: int) -> None:
        found = self._store.claim(Queue.BATCH, worker="worker")
        assert found is not None
        self._claims.append(found)

    def begin(self, number: int) -> None:
        self._store.heartbeat(self._claims[number], fraction=0.0)

    def beat(self, number: int) -> None:
        self._store.heartbeat(self._claims[number], fraction=0.5)

    def keep(self, number: int) -> None:
        self._store.save_checkpoint(self._claims[number], self._payloads.checkpoint)

    def read(self, number: int) -> None:
        self._store.checkpoint(self._claims[number].job)

    def spec(self, _: int) -> None:
        self._store.spec(self._experiment.id)

    def commit(self, number: int) -> None:
        claim = self._claims[number]
        runs = self._payloads.finished(claim.job.payload["indices"], self._experiment.label)
        self._store.commit_runs(claim, runs)

    def end(self, number: int) -> None:
        self._store.complete(self._claims[number])


def _of_planning(meter: StoreMeter, payloads: Payloads, times: int) -> Iterator[tuple[str, Cost]]:
    store, numbers = meter.store, count()

    def submit(_: int) -> None:
        name = f"submitted {next(numbers)}"
        store.submit(spec=payloads.spec, content_hash=digest(name), name=name, tags=("a",), runs=200)

    yield "submit", meter.cost(submit, times)
    claim = store.claim(Queue.INTERACTIVE, worker="planner")
    assert claim is not None
    keys = [digest(f"key {index}") for index in range(500 * (times // 8 + 4))]

    def set_keys(number: int) -> None:
        store.set_run_keys(claim, 500 * number, keys[500 * number : 500 * (number + 1)])

    yield "500 run keys", meter.cost(set_keys, times // 8)
    jobs = count()

    def add(_: int) -> None:
        made = (next(jobs) for _ in range(100))
        new = [
            NewJob(
                id=f"{claim.job.experiment_id}.{each}-{digest(str(each))[:16]}",
                queue=Queue.BATCH,
                payload={"indices": list(range(BATCH_RUNS * each, BATCH_RUNS * (each + 1)))},
                work=1.0,
            )
            for each in made
        ]
        store.add_jobs(claim, new)

    yield "100 jobs", meter.cost(add, times // 8)


def _of_idling(meter: StoreMeter, payloads: Payloads, times: int) -> Iterator[tuple[str, Cost]]:
    """What janitors ask, with experiments that wait; of who is there, with ever more workers."""
    store = meter.store
    for number in range(10):
        Planned(store, payloads, f"waits {number}", batches=10, runs=4)

    def register(number: int, among: int = 1) -> None:
        worker = LiveWorker(name=f"host:{number % among}", numerics=NUMERICS_VERSION, idle=1, tells="", processes=1)
        store.register(worker, queues=[Queue.BATCH], seconds=60.0)

    yield "registration", meter.cost(register, times)
    store.tidy("janitor", period=60.0, last=None, elapsed=0.0)
    last = store.tidy("janitor", period=60.0, last=None, elapsed=0.0).at
    yield "round of a janitor", meter.cost(lambda _: store.tidy("janitor", period=60.0, last=last, elapsed=1.0), times)
    yield "round of another", meter.cost(lambda _: store.tidy("other", period=60.0, last=None, elapsed=0.0), times)
    yield "audit of 20", meter.cost(lambda _: store.audit(most=20), times // 8)
    yield "sweep of 200", meter.cost(lambda _: store.sweep(most=200, grace=3600.0), times // 8)
    yield "garbage, none", meter.cost(lambda _: store.clear_garbage(most=200), times)
    for queue in Queue:
        found = meter.cost(lambda _, queue=queue: store.work_waiting(queue, most=1), times)  # type: ignore[misc]
        yield f"work that waits, {queue}", found
    for among in WORKERS:
        for number in range(among):
            register(number, among)
        found = meter.cost(lambda _: store.look_around(Queue.BATCH), max(times // 8, 4))
        yield f"who is there of {among:,}", found


def _of_readers(meter: StoreMeter, payloads: Payloads, times: int) -> Iterator[tuple[str, Cost]]:
    store = meter.store
    runs, batches = BATCH_RUNS, 40
    experiment = Planned(store, payloads, "read", batches=batches, runs=runs)
    while (claim := store.claim(Queue.BATCH, worker="worker")) is not None:
        if claim.job.experiment_id == experiment.id:
            store.commit_runs(claim, payloads.finished(claim.job.payload["indices"], experiment.label))
        store.complete(claim)
    total = runs * batches
    yield "status", meter.cost(lambda _: store.experiment(experiment.id), times)
    yield (
        "100 summaries",
        meter.cost(lambda n: store.summaries(experiment.id, 100 * n % 500, 100 * n % 500 + 100), times // 4),
    )
    yield "curves of a run", meter.cost(lambda n: store.run(experiment.id, n % total), times)
    yield from _of_documents(meter, payloads, times)
    yield "page of 50 experiments", meter.cost(lambda _: store.experiments(limit=50), times // 4)


def _of_documents(meter: StoreMeter, payloads: Payloads, times: int) -> Iterator[tuple[str, Cost]]:
    meter.store.put_document("analysis of a problem", payloads.analysis)
    yield "analysis", meter.cost(lambda _: meter.store.document("analysis of a problem"), times)


def _of_the_bell(meter: StoreMeter, _: Payloads, times: int) -> Iterator[tuple[str, Cost]]:
    bell = CeleryDoorbell(make_celery_app(meter.settings))
    # Not asked through the store: a ring is one command that is written, a count one that is not.
    yield "ring", replace(meter.cost(lambda _: bell.ring(Queue.BATCH), times), calls=1.0, writes=1.0)
    yield "rings counted", replace(meter.cost(lambda _: bell.unanswered(Queue.BATCH), times), calls=1.0)
