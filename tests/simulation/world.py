"""A world of workers, of one numerics version or two, people who submit, cancel and retry, and a store, by a seed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, count
from random import Random
from typing import Any, cast
from unittest.mock import patch

from pydantic import SecretStr

from api.experiments import submission
from core.identity import NUMERICS_VERSION
from core.results.result import MalformedSummary, decode_summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep import keys
from core.sweep.grid import Grid
from core.sweep.grid_run import Run
from jobs.errors import ExperimentNotFound, JobsError, StoreUnavailable
from jobs.owned_store import owned
from jobs.ports import NOBODYS, Store
from jobs.records import Experiment, Ownership, Queue, Wishes
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState
from jobs.webhooks import MOST_ATTEMPTS
from tests.reference.memory_store import MemoryDoorbell
from tests.simulation.chance import CALM, Clock, Killed, Odds
from tests.simulation.faulty_store import FaultyStore, Tokens
from tests.simulation.fragile_store import FragileStore
from tests.simulation.receiver import SECRET, URL, Receiver
from tests.simulation.stand_ins import UNTRAINABLE, Flag, stand_ins, truth
from worker import janitor
from worker.context import WorkerContext
from worker.janitor import SECONDS_OF_A_DAY, Janitor
from worker.perform import work_off
from worker.webhooks import Messenger

SETTINGS = Settings(
    lease_seconds=10.0,
    heartbeat_seconds=2.0,
    checkpoint_seconds=0.001,
    max_attempts=3,
    stall_seconds=61.0,
    webhook_hosts="receiver.example",
    webhook_secret=SecretStr(SECRET),
)
OWNERSHIPS = (NOBODYS, Ownership(owner="ada"), Ownership(owner="ada", is_pooled=True), Ownership(owner="ben"))
ENDED = {ExperimentStatus.SUCCEEDED, ExperimentStatus.FAILED, ExperimentStatus.CANCELLED}
CURSED = "cursed"
OTHER_VERSION = "another"
EACH_QUEUE = (Queue.INTERACTIVE, Queue.BATCH, Queue.BATCH)
CALM_ROUNDS = 400
DEEPEST = 3
"""So many others may come in between at once."""


class Wrong(AssertionError):
    """Something that must never be is."""


@dataclass
class Worker:
    """One worker: a process that can be killed, with the pool of one and the janitor that belong to it."""

    queue: Queue
    numerics: str
    name: str
    store: FaultyStore
    context: WorkerContext
    janitor: Janitor
    stopping: Flag = field(default_factory=Flag)
    is_busy: bool = False
    is_deaf: bool = False
    rings: int = 0


@dataclass(frozen=True)
class _PoolOfOne:
    worker: list[Worker]

    def idle(self) -> int:
        return 0 if self.worker and self.worker[0].is_busy else 1

    def processes(self) -> int:
        return 1

    def taken(self) -> int:
        return self.worker[0].rings if self.worker else 0

    def ring(self, queue: Queue, times: int) -> None:
        """It has no bell of its own: what the simulated one loses comes by the janitor's next round."""


class World:
    """One life, in virtual time. In some there are workers of two versions, in some owners; in some bits flip."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = Clock(self.random)
        self.odds = Odds()
        self.store = FragileStore(SETTINGS, self.clock.store_time)
        self.bell = MemoryDoorbell()
        self.receiver = Receiver(self._receivers_answer)
        self.tokens = Tokens(SETTINGS.janitor_seconds)
        self.versions = [NUMERICS_VERSION, *([OTHER_VERSION] if self.random.random() < 0.3 else [])]
        self.decays = self.random.random() < 0.3
        self.ownerships = OWNERSHIPS if self.random.random() < 0.3 else (NOBODYS,)
        self.ruined: set[str] = set()
        self.born = 0
        self.depth = 0
        self.ledger: dict[str, ExperimentSpec] = {}
        self.owners: dict[str, Ownership] = {}
        self.sizes: dict[str, int] = {}
        self.examined = 0
        self.looks: dict[str, list[object]] = {}
        self.records: dict[str, Experiment] = {}
        deeds = self._deeds()
        self.deeds, self.odds_of_deeds = list(deeds), list(accumulate(deeds.values()))
        self.people = {each: cast("Store", self._faulty(each, mortal=False)) for each in self.versions}
        self.workers = [self._worker(queue, each) for each in self.versions for queue in EACH_QUEUE]

    def live(self, actions: int = 40) -> None:
        """So many things happen, then all is calm until everything has ended; raises `Wrong` where something is."""
        ids = (f"{number:032x}" for number in count())
        with (
            stand_ins(self._hangs),
            self.receiver.listening(),
            patch("secrets.token_hex", lambda _bytes: next(ids)),
        ):
            for _ in range(actions):
                self._happen()
                self._examine()
            self._calm_down()
            self._tell_all()
            self._judge()

    def _happen(self) -> None:
        self.random.choices(self.deeds, cum_weights=self.odds_of_deeds)[0]()

    def _deeds(self) -> Mapping[Callable[[], None], float]:
        """What may happen, and how often beside the others."""
        return {
            self._submit: 3,
            self._cancel: 1,
            self._retry: 1,
            self._work: 8,
            self._tidy: 6,
            self._tell: 2,
            self._stop_softly: 0.5,
            self._deafen: 0.3,
            self._flip: 1.0 if self.decays else 0.0,
            self._set_the_clock: 0.3,
            self._let_time_pass: 4,
        }

    def _submit(self) -> None:
        number = self.random.randrange(5)
        spec = _spec(number)
        named = _called(number, spec.name or self.random.choice(["", "named"]))
        wishes, ownership = Wishes(webhook=self.random.choice(["", URL])), self.random.choice(self.ownerships)
        with suppress(StoreUnavailable):
            accepted = submission.submit(named, wishes, store=owned(self._somebody(), ownership), bell=self.bell)
            self.ledger[accepted.experiment.id] = spec
            self.owners[accepted.experiment.id] = ownership
            self.sizes[accepted.experiment.id] = accepted.experiment.runs_total

    def _somebody(self) -> Store:
        return self.people[self.random.choice(self.versions)]

    def _cancel(self) -> None:
        if self.ledger:
            self._ask(lambda: self._somebody().cancel(self.random.choice(sorted(self.ledger))))

    def _retry(self) -> None:
        if self.ledger:
            self._ask(lambda: self._somebody().retry(self.random.choice(sorted(self.ledger))))

    def _ask(self, call: Callable[[], object]) -> None:
        with suppress(JobsError):
            call()

    def _work(self) -> None:
        """A worker that is not at work hears the bell, rung or not: a ring may be lost, doubled and late."""
        free = [worker for worker in self.workers if not worker.is_busy and not worker.is_deaf]
        if free:
            self._as(self.random.choice(free), lambda worker: work_off(worker.queue, worker.context))

    def _tidy(self) -> None:
        self._let_tidy(self.random.choice(self.workers))

    def _let_tidy(self, worker: Worker) -> None:
        self._let(worker, worker.janitor.round)

    def _tell(self) -> None:
        self._let_tell(self.random.choice(self.workers))

    def _set_the_clock(self) -> None:
        self.clock.set_store_clock(self.random.choice([-7200.0, -5.0, 5.0, 7200.0]))

    def _let_time_pass(self) -> None:
        self.clock.move(self.random.choice([0.1, 1.0, 4.0, 11.0, 11.0]))

    def _let_tell(self, worker: Worker) -> None:
        self._let(worker, Messenger(worker.context).round)

    def _let(self, worker: Worker, go_round: Callable[[], None]) -> None:
        try:
            with _version(worker.numerics):
                go_round()
        except StoreUnavailable:
            pass
        except Killed:
            self._replace(worker)

    def _stop_softly(self) -> None:
        worker = self.random.choice(self.workers)
        worker.stopping.set()
        if not worker.is_busy:
            self._replace(worker)

    def _deafen(self) -> None:
        """Its connection to the broker is dead, and it does not know."""
        self.random.choice(self.workers).is_deaf = True

    def _flip(self) -> None:
        """A bit flips in what is stored; an experiment whose spec nobody can read any more may fail."""
        self.ruined |= {each for each in [self.store.flip(self.random)] if each}
        self.examined = 0

    def _receivers_answer(self) -> int:
        return 200 if self.odds is CALM else self.random.choice([200, 200, 500, 410, 0])

    def _hangs(self) -> bool:
        return self.odds is not CALM and self.random.random() < 0.01

    def _as(self, worker: Worker, deed: Callable[[Worker], None]) -> None:
        worker.is_busy, worker.rings = True, worker.rings + 1
        try:
            with _version(worker.numerics):
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
        if self.random.random() < 0.5:
            # The deployment is renewed: nobody of the other version is left.
            self.workers = [each for each in self.workers if each.numerics == NUMERICS_VERSION]
        for _ in range(CALM_ROUNDS):
            self.clock.move(1.0)
            for worker in list(self.workers):
                self._let_tidy(worker)
                if not worker.is_deaf:
                    self._as(worker, lambda each: work_off(each.queue, each.context))
            self._examine()
            records = [self.store.experiment(each) for each in self.ledger]
            failed = [each.id for each in records if each.status is ExperimentStatus.FAILED]
            hopeful = [each for each in failed if self.ledger[each].name != CURSED and each not in self.ruined]
            for each in hopeful:
                self.store.retry(each)
            # What was submitted while the reply was lost is in no ledger, and is worked off all the same.
            waits = any(self.store.look_around(queue).waiting for queue in Queue)
            if not hopeful and not waits and all(each.status in ENDED for each in records):
                return
        raise Wrong(f"after {CALM_ROUNDS} calm rounds these have not ended: {records}")

    def _tell_all(self) -> None:
        """Long enough for every end to be told, or given up."""
        for _ in range(MOST_ATTEMPTS + 1):
            self.clock.move(SECONDS_OF_A_DAY)
            for worker in list(self.workers):
                self._let_tell(worker)

    def _examine(self) -> None:
        """What must hold at any moment; as it did, where nobody has asked anything of the store since."""
        if self.tokens.calls == self.examined:
            return
        self.examined = self.tokens.calls
        for each in self.ledger:
            record, stored = self._looked_at(each)
            if record.status is ExperimentStatus.SUCCEEDED and stored != record.runs_total:
                raise Wrong(f"{each} has succeeded with {stored} of {record.runs_total} results")
            if record.status is ExperimentStatus.FAILED and not record.jobs_dead and not self.decays:
                raise Wrong(f"{each} has ended without all of its results: {record.error}")
            # Of one that was cancelled while it was planned anew, nobody counts what outcomes its runs had before.
            is_told = record.outcomes or record.status is not ExperimentStatus.CANCELLED
            is_counted = not is_told or sum(record.outcomes.values()) == record.runs_done
            if record.runs_done > record.runs_total or not is_counted:
                raise Wrong(f"{each} counts {record.runs_done} of {record.runs_total} runs, {record.outcomes}")

    def _looked_at(self, experiment_id: str) -> tuple[Experiment, int]:
        """Its record and how many of its results are there, now that all of them were looked at."""
        try:
            summaries = self.store.summaries(experiment_id, 0, self.sizes[experiment_id])
        except ExperimentNotFound:
            raise Wrong(f"{experiment_id} was accepted, and is not there") from None
        looks = self.store.looks(experiment_id)
        if self.looks.get(experiment_id) is not looks:
            self.looks[experiment_id], self.records[experiment_id] = looks, self.store.experiment(experiment_id)
        return self.records[experiment_id], sum(summary is not None for summary in summaries)

    def _judge(self) -> None:
        """Everything that was accepted has ended as it must."""
        for each, spec in self.ledger.items():
            record, jobs = self.store.experiment(each), self.store.jobs(each)
            if any(job.failures + job.losses > SETTINGS.max_attempts for job in jobs):
                raise Wrong(f"{each} was tried too often: {jobs}")
            wanted = ExperimentStatus.FAILED if spec.name == CURSED else ExperimentStatus.SUCCEEDED
            if record.status is not wanted and record.status is not ExperimentStatus.CANCELLED:
                if each not in self.ruined:
                    raise Wrong(f"{each} ended as {record}")
            elif record.status is ExperimentStatus.SUCCEEDED:
                self._compare(record, spec)
            webhook = self.store.webhook(each)
            if record.wishes.webhook and not self.receiver.has_heard(record, webhook, may_differ=self.decays):
                raise Wrong(f"the end of {record} was not told: {webhook}")
        for queue in Queue:
            if waiting := self.store.look_around(queue).waiting:
                raise Wrong(f"all has ended and {waiting} waits")

    def _compare(self, record: Experiment, spec: ExperimentSpec) -> None:
        """Every result is there and right, of the version that the experiment is of, and every job was done."""
        runs, ownership = _runs(spec, record.numerics), self.owners[record.id]
        for run, summary in zip(runs, self.store.summaries(record.id, 0, len(runs)), strict=True):
            if summary is None or not _is_right(run, summary):
                raise Wrong(f"run {run.index} of {record.id} is {summary!r}")
            kept = self.store.run(record.id, run.index)
            if kept is None or kept.key != _key_of(ownership, run):
                raise Wrong(f"run {run.index} of {record.id}, of {ownership}, is kept as {kept}")
        if any(job.state is not JobState.SUCCEEDED for job in self.store.jobs(record.id)):
            raise Wrong(f"{record.id} has succeeded with jobs {self.store.jobs(record.id)}")

    def _faulty(self, numerics: str, *, mortal: bool) -> FaultyStore:
        view = self.store.of_version(numerics)
        store = FaultyStore(view, self.random.random, lambda: self.odds, self.tokens, mortal=mortal)
        store.between = self._between
        return store

    def _worker(self, queue: Queue, numerics: str) -> Worker:
        self.born += 1
        store, stopping, own = self._faulty(numerics, mortal=True), Flag(), list[Worker]()
        context = WorkerContext(
            store=cast("Store", store),
            settings=SETTINGS,
            name=f"host:{self.born}",
            clock=self.clock,
            pause=self.clock.move,
            stopping=stopping,
            end_process=_die,
        )
        upkeep = Janitor(context, (queue,), pool=_PoolOfOne(own), bell=self.bell)
        worker = Worker(queue, numerics, context.name, store, context, upkeep, stopping)
        own.append(worker)
        return worker

    def _replace(self, worker: Worker) -> None:
        if worker in self.workers:
            self.workers[self.workers.index(worker)] = self._worker(worker.queue, worker.numerics)


def _die(_reason: str) -> None:
    raise Killed


@contextmanager
def _version(numerics: str) -> Iterator[None]:
    """Inside, this process is one of that numerics version."""
    before = keys.NUMERICS_VERSION
    _turn_to(numerics)
    try:
        yield
    finally:
        _turn_to(before)


def _turn_to(numerics: str) -> None:
    for module in (keys, janitor):
        vars(module)["NUMERICS_VERSION"] = numerics


def _key_of(ownership: Ownership, run: Run) -> str:
    """The key of the run where everybody's runs lie, or where those of an owner do who keeps them apart."""
    if ownership.is_pooled or not ownership.owner:
        return run.key
    return hashlib.sha256(f"{ownership.owner}/{run.key}".encode()).hexdigest()


@cache
def _runs(spec: ExperimentSpec, numerics: str) -> list[Run]:
    """Those of the spec, under the keys of that version."""
    with _version(numerics):
        return list(Grid(spec).runs())


def _is_right(run: Run, summary: bytes) -> bool:
    with suppress(MalformedSummary):
        return dict(truth(run)).items() <= decode_summary(summary).items()
    return False


@cache
def _called(number: int, name: str) -> ExperimentSpec:
    return _spec(number).model_copy(update={"name": name})


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
