"""A world of three workers, people who submit, cancel and retry, and a store: one life of it, by a seed."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from random import Random
from typing import Any, cast
from unittest.mock import patch

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.array_block import pack_arrays
from core.experiment.dataset import dataset_of
from core.results.result import decode_summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key, interpolators_key
from jobs.errors import JobsError, StoreUnavailable
from jobs.ports import Store
from jobs.records import Queue
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from tests.simulation.chance import CALM, Clock, Killed, Odds
from tests.simulation.faulty_store import FaultyStore, Tokens
from tests.simulation.stand_ins import UNTRAINABLE, stand_ins, truth
from worker.context import WorkerContext
from worker.janitor import Janitor
from worker.perform import work_off

SETTINGS = Settings(lease_seconds=10.0, heartbeat_seconds=2.0, checkpoint_seconds=0.001, max_attempts=3)
ENDED = {ExperimentStatus.SUCCEEDED, ExperimentStatus.FAILED, ExperimentStatus.CANCELLED}
CURSED = "cursed"
CALM_ROUNDS = 400
DEEPEST = 3
"""So many others may come in between at once."""


class Wrong(AssertionError):
    """Something that must never be is."""


@dataclass
class Worker:
    """One worker: a process that can be killed, with the pool of one and the janitor that belong to it."""

    queue: Queue
    name: str
    store: FaultyStore
    context: WorkerContext
    janitor: Janitor
    stopping: threading.Event = field(default_factory=threading.Event)
    is_busy: bool = False
    rings: int = 0


@dataclass(frozen=True)
class _PoolOfOne:
    worker: list[Worker]

    def idle(self) -> int:
        return 0 if self.worker and self.worker[0].is_busy else 1

    def taken(self) -> int:
        return self.worker[0].rings if self.worker else 0


class World:
    """One life, in virtual time."""

    def __init__(self, seed: int, make_store: Callable[[Clock], Store] | None = None) -> None:
        self.random = Random(seed)
        self.clock = Clock(self.random)
        self.odds = Odds()
        self.store = (make_store or _memory)(self.clock)
        _keep_analyses(self.store)
        self.bell = MemoryDoorbell()
        self.tokens = Tokens()
        self.born = 0
        self.depth = 0
        self.ledger: dict[str, ExperimentSpec] = {}
        self.people = cast("Store", self._faulty(mortal=False))
        self.workers = [self._worker(queue) for queue in (Queue.INTERACTIVE, Queue.BATCH, Queue.BATCH)]

    def live(self, actions: int = 40) -> None:
        """So many things happen, then all is calm until everything has ended; raises `Wrong` where something is."""
        ids = (f"{number:032x}" for number in count())
        with stand_ins(), patch("secrets.token_hex", lambda _bytes: next(ids)):
            for _ in range(actions):
                self._happen()
                self._examine()
            self._calm_down()
            self._judge()

    def _happen(self) -> None:
        deeds: list[tuple[float, Callable[[], None]]] = [
            (3, self._submit),
            (1, self._cancel),
            (1, self._retry),
            (8, self._work),
            (6, self._tidy),
            (0.5, self._stop_softly),
            (0.3, lambda: self.clock.set_store_clock(self.random.choice([-7200.0, -5.0, 5.0, 7200.0]))),
            (4, lambda: self.clock.move(self.random.choice([0.1, 1.0, 4.0, 11.0, 11.0]))),
        ]
        weights, choices = zip(*deeds, strict=True)
        self.random.choices(choices, weights)[0]()

    def _submit(self) -> None:
        number = self.random.randrange(5)
        spec = _spec(number)
        try:
            submission = self.people.submit(
                spec=spec.canonical(),
                content_hash=spec.content_hash(),
                name=spec.name or self.random.choice(["", "named"]),
                tags=(),
                runs=len(Grid(spec)),
            )
        except StoreUnavailable:
            return
        self.ledger[submission.experiment.id] = spec
        if self.random.random() < 0.7:
            self.bell.ring(Queue.INTERACTIVE)

    def _cancel(self) -> None:
        if self.ledger:
            self._ask(lambda: self.people.cancel(self.random.choice(sorted(self.ledger))))

    def _retry(self) -> None:
        if self.ledger:
            self._ask(lambda: self.people.retry(self.random.choice(sorted(self.ledger))))

    def _ask(self, call: Callable[[], object]) -> None:
        with suppress(JobsError):
            call()

    def _work(self) -> None:
        """A worker that is not at work hears the bell, rung or not: a ring may be lost, doubled and late."""
        free = [worker for worker in self.workers if not worker.is_busy]
        if free:
            self._as(self.random.choice(free), lambda worker: work_off(worker.queue, worker.context))

    def _tidy(self) -> None:
        self._let_tidy(self.random.choice(self.workers))

    def _let_tidy(self, worker: Worker) -> None:
        try:
            worker.janitor.round()
        except StoreUnavailable:
            pass
        except Killed:
            self._replace(worker)

    def _stop_softly(self) -> None:
        worker = self.random.choice(self.workers)
        worker.stopping.set()
        if not worker.is_busy:
            self._replace(worker)

    def _as(self, worker: Worker, deed: Callable[[Worker], None]) -> None:
        worker.is_busy, worker.rings = True, worker.rings + 1
        try:
            deed(worker)
        except Killed:
            pass
        finally:
            worker.is_busy = False
        if worker.stopping.is_set() or self.random.random() < 0.05:
            self._replace(worker)

    def _between(self) -> None:
        """Others act while somebody waits for the store."""
        if self.depth < DEEPEST:
            self.depth += 1
            try:
                self._happen()
            finally:
                self.depth -= 1

    def _calm_down(self) -> None:
        self.odds = CALM
        for _ in range(CALM_ROUNDS):
            self.clock.move(1.0)
            for worker in list(self.workers):
                self._let_tidy(worker)
                self._as(worker, lambda each: work_off(each.queue, each.context))
            records = [self.store.experiment(each) for each in self.ledger]
            failed = [each.id for each in records if each.status is ExperimentStatus.FAILED]
            hopeful = [each for each in failed if self.ledger[each].name != CURSED]
            for each in hopeful:
                self.store.retry(each)
            # What was submitted while the reply was lost is in no ledger, and is worked off all the same.
            waits = any(self.store.look_around(queue).waiting for queue in Queue)
            if not hopeful and not waits and all(each.status in ENDED for each in records):
                return
        raise Wrong(f"after {CALM_ROUNDS} calm rounds these have not ended: {records}")

    def _examine(self) -> None:
        """What must hold at any moment."""
        for each in self.ledger:
            record = self.store.experiment(each)
            stored = sum(summary is not None for summary in self.store.summaries(each, 0, record.runs_total))
            if record.status is ExperimentStatus.SUCCEEDED and stored != record.runs_total:
                raise Wrong(f"{each} has succeeded with {stored} of {record.runs_total} results")
            if record.status is ExperimentStatus.FAILED and not record.jobs_dead:
                raise Wrong(f"{each} has ended without all of its results: {record.error}")
            if record.runs_done > record.runs_total or sum(record.outcomes.values()) != record.runs_done:
                raise Wrong(f"{each} counts {record.runs_done} of {record.runs_total} runs, {record.outcomes}")

    def _judge(self) -> None:
        """Everything that was accepted has ended as it must."""
        for each, spec in self.ledger.items():
            record, jobs = self.store.experiment(each), self.store.jobs(each)
            if any(job.failures + job.losses > SETTINGS.max_attempts for job in jobs):
                raise Wrong(f"{each} was tried too often: {jobs}")
            if record.status is not ExperimentStatus.CANCELLED:
                wanted = ExperimentStatus.FAILED if spec.name == CURSED else ExperimentStatus.SUCCEEDED
                if record.status is not wanted:
                    raise Wrong(f"{each} ended as {record}")
                if wanted is ExperimentStatus.SUCCEEDED:
                    self._compare(each, Grid(spec))
        for queue in Queue:
            if waiting := self.store.look_around(queue).waiting:
                raise Wrong(f"all has ended and {waiting} waits")

    def _compare(self, experiment_id: str, grid: Grid) -> None:
        """Every result is there and right, and every job was done."""
        for run, summary in zip(grid.runs(), self.store.summaries(experiment_id, 0, len(grid)), strict=True):
            if summary is None or not dict(truth(run)).items() <= decode_summary(summary).items():
                raise Wrong(f"run {run.index} of {experiment_id} is {summary!r}")
        if any(job.state is not JobState.SUCCEEDED for job in self.store.jobs(experiment_id)):
            raise Wrong(f"{experiment_id} has succeeded with jobs {self.store.jobs(experiment_id)}")

    def _faulty(self, *, mortal: bool) -> FaultyStore:
        store = FaultyStore(self.store, self.random.random, lambda: self.odds, self.tokens, mortal=mortal)
        store.between = self._between
        return store

    def _worker(self, queue: Queue) -> Worker:
        self.born += 1
        store, stopping, own = self._faulty(mortal=True), threading.Event(), list[Worker]()
        context = WorkerContext(
            store=cast("Store", store),
            settings=SETTINGS,
            name=f"host:{self.born}",
            clock=self.clock,
            pause=self.clock.move,
            stopping=stopping,
            end_process=_die,
        )
        janitor = Janitor(context, (queue,), pool=_PoolOfOne(own), bell=self.bell)
        worker = Worker(queue, context.name, store, context, janitor, stopping)
        own.append(worker)
        return worker

    def _replace(self, worker: Worker) -> None:
        if worker in self.workers:
            self.workers[self.workers.index(worker)] = self._worker(worker.queue)


def _die(_reason: str) -> None:
    raise Killed


def _memory(clock: Clock) -> Store:
    return MemoryStore(SETTINGS, clock.store_time)


@cache
def _spec(number: int) -> ExperimentSpec:
    """One of five small sweeps; four share some of their runs, and no run of the last can be trained."""
    scales = [0.1, 0.2, 0.3, 0.5, 0.8, 1.3][: 2 + number] if number < 4 else [UNTRAINABLE]
    document: dict[str, Any] = {
        "name": "" if number < 4 else CURSED,
        "data": {"kind": "inline", "X": [[1.0, 2.0, 0.5], [0.5, 1.0, 2.0]], "y": [1.0, 0.5]},
        "model": {"kind": "diagonal", "depth": {"values": [2, 3][: 1 + number % 2]}},
        "initialization": {"kind": "uniform", "scale": {"values": scales}},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.02},
    }
    return ExperimentSpec.model_validate(document)


@cache
def _analyses() -> dict[str, tuple[ProblemAnalysis, bytes]]:
    """What is known of every problem of the sweeps, found once."""
    problems = {problem.key: problem for number in range(5) for problem in Grid(_spec(number)).each_problem()}
    made = {
        key: analyse_problem(dataset_of(problem.data, _nothing_uploaded), problem.network, problem.data_key)
        for key, problem in problems.items()
    }
    return {key: (each.analysis, pack_arrays(each.interpolators)) for key, each in made.items()}


def _keep_analyses(store: Store) -> None:
    for key, (analysis, interpolators) in _analyses().items():
        store.put_document(interpolators_key(key), interpolators)
        store.put_document(analysis_key(key), analysis.to_json())


def _nothing_uploaded(_dataset_id: str) -> Any:
    raise LookupError("no sweep here has uploaded data")
