"""Batches whose process is killed while it trains, once or more often, and resumed: the same bytes in the end.

Every attempt is a fork of this process, which has imported everything: a job of the real store, claimed and performed
by the worker's own code. SIGKILL strikes at a chunk of its steps that was drawn, and a while later that was; its lease
runs out; the next attempt goes on from its checkpoint. All of it is compared with what `core.experiment.run` returns.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final, NoReturn
from unittest import mock

from core.experiment.run import run
from core.experiment.run_batch import RunBatch
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.connection import connect
from jobs.records import Job, JobKind, Queue, StoredRun
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from jobs.states import JobState
from stepbias.launcher.store.embedded import embedded_server
from worker import batch
from worker.context import WorkerContext
from worker.perform import perform

SETTINGS: Final = Settings(
    lease_seconds=0.4, heartbeat_seconds=0.05, checkpoint_seconds=1e-3, janitor_seconds=0.05, max_attempts=100
)
"""A checkpoint after every chunk of steps, and a kill that is noticed soon, as often as it comes."""

PATIENCE: Final = 60.0
KILLS: Final = (1, 1, 1, 2, 3)
"""How often a batch is killed, in turn."""

RESUMED, BEGUN, CHUNK = b"r", b"b", b"c"
"""What a fork tells of itself: its batch goes on from a checkpoint, or begins; and takes another chunk of steps."""

_DATA: Final = {"kind": "sparse_regression", "samples": 8, "dimension": 12, "sparsity": 2}

_NETWORKS: Final[Mapping[str, Any]] = {
    "depth 2": {"kind": "diagonal"},
    "depth 3": {"kind": "diagonal", "depth": 3},
    "UV": {"kind": "uv", "shape": 0.5},
}
_OPTIMIZERS: Final[Mapping[str, Any]] = {
    "gradient descent": {"kind": "gradient_descent"},
    "SGD": {"kind": "sgd", "batch_size": 4},
    "label noise": {"kind": "label_noise", "noise_variance": 0.1, "noise_steps": 2000},
    "heavy ball": {"kind": "heavy_ball", "momentum": 0.5},
}
_SEARCH: Final = {"kind": "gradient_descent", "step_size": {"largest_convergent": {"resolution": 0.02}}}
_TWINS: Final = {"recording": {"points": 10, "sensitivity": True}}

CASES: Final[Mapping[str, Mapping[str, Any]]] = {
    **{
        f"{optimizer}, {network}": {"optimizer": _OPTIMIZERS[optimizer], "model": _NETWORKS[network]}
        for optimizer, network in product(_OPTIMIZERS, _NETWORKS)
    },
    "to the last iterate": {"optimizer": _OPTIMIZERS["gradient descent"], "finish": "iterate"},
    "a search": {"optimizer": _SEARCH},
    "a search, depth 3": {"optimizer": _SEARCH, "model": _NETWORKS["depth 3"]},
    "twins": {"optimizer": _OPTIMIZERS["gradient descent"], **_TWINS},
    "normal start": {"optimizer": _OPTIMIZERS["gradient descent"], "initialization": {"kind": "normal"}},
}
"""Every optimiser with every network, and what else there is to be kept in a checkpoint."""


def drawn(case: str, rng: random.Random) -> ExperimentSpec:
    """A spec of the case with scales and a data set that nobody has had yet: one batch, as a rule."""
    parts = CASES[case]
    optimizer = {"step_size": {"fractions_of_max_stable": [0.3, 0.8]}, "warmup_steps": 500} | parts["optimizer"]
    start = {"kind": "uniform"} | parts.get("initialization", {})
    return ExperimentSpec.model_validate(
        {
            "data": _DATA | {"seed": rng.randrange(10**6)},
            "model": parts.get("model", _NETWORKS["depth 2"]),
            "initialization": start | {"scale": {"values": [rng.uniform(0.05, 0.3), rng.uniform(0.4, 1.0)]}},
            "optimizer": optimizer,
            "stopping": {"loss_tolerance": 1e-8, "max_steps": 30_000, "finish": parts.get("finish", "auto")},
            "recording": parts.get("recording", {"points": 10}),
        }
    )


@dataclass(kw_only=True)
class Undisturbed:
    """The runs of a spec as they are when nothing happens, and how many chunks each batch takes, by its first index."""

    runs: list[StoredRun]
    chunks: Counter[int]
    seconds: float
    outcomes: Counter[str]
    completed: int


def undisturbed(spec: ExperimentSpec) -> Undisturbed:
    """What the spec comes to here, without store and worker."""
    chunks: Counter[int] = Counter()

    class Counted(RunBatch):
        def advance(self) -> Any:
            chunks[min(self._runs)] += 1
            return super().advance()

    begun = time.monotonic()
    with mock.patch("core.experiment.run.RunBatch", Counted):
        results = run(spec)
    keys = [each.key for each in results.grid.runs()]
    return Undisturbed(
        runs=[batch.stored_run(*parts) for parts in zip(keys, results.summaries, results.arrays, strict=True)],
        chunks=chunks,
        seconds=time.monotonic() - begun,
        outcomes=Counter(str(summary["outcome"]) for summary in results.summaries),
        completed=sum(summary["finished_by"] == "completion" for summary in results.summaries),
    )


@dataclass(kw_only=True)
class Outcome:
    """What came of a drill.

    Attributes:
        cases: batches that were killed, by case.
        kills: by how often a batch was killed, how many were.
        killed: attempts that were killed while they trained.
        resumed: attempts after a kill that went on from a checkpoint, and those that began again.
    """

    cases: Counter[str] = field(default_factory=Counter)
    kills: Counter[int] = field(default_factory=Counter)
    killed: int = 0
    resumed: int = 0
    begun_again: int = 0
    runs: int = 0
    completed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


class BatchDrill:
    """One drill, with a server of its own. For the main thread of a process that has no other."""

    def __init__(self, directory: Path, *, seed: int) -> None:
        self._state = directory / "state"
        self._rng = random.Random(seed)
        self._last: float | None = None
        self._asked = time.monotonic()
        self.outcome = Outcome()

    def run(self, batches: int) -> Outcome:
        """So many batches that were killed, or one more: a spec may have two."""
        with embedded_server(self._state) as (server, _):
            self._url = server.url
            with connect(server.url, patience=5.0) as client:
                self._store = RedisStore(client, SETTINGS)
                for number in range(2 * batches):
                    if sum(self.outcome.cases.values()) >= batches:
                        break
                    self._disturb(list(CASES)[number % len(CASES)])
        return self.outcome

    def _disturb(self, case: str) -> None:
        spec = drawn(case, self._rng)
        truth = undisturbed(spec)
        experiment_id = self._planned(spec)
        for job in self._store.jobs(experiment_id):
            if job.kind is JobKind.TRAIN:
                self._train(job, truth, case)
        self._compare(case, experiment_id, truth)

    def _planned(self, spec: ExperimentSpec) -> str:
        answer = self._store.submit(
            spec=spec.canonical(), content_hash=spec.content_hash(), name="", tags=(), runs=len(Grid(spec))
        )
        claim = self._store.claim(Queue.INTERACTIVE, worker="drill")
        assert claim is not None
        perform(claim, _context(self._store))
        return answer.experiment.id

    def _train(self, job: Job, truth: Undisturbed, case: str) -> None:
        chunks = truth.chunks[min(job.payload["indices"])]
        kills = KILLS[sum(self.outcome.cases.values()) % len(KILLS)]
        killed = 0
        for _ in range(kills):
            killed += self._attempt(job, killed, self._rng.randint(2, max(chunks // kills, 2)), truth.seconds / chunks)
        while self._state_of(job) is not JobState.SUCCEEDED:
            self._attempt(job, killed, None, 0.0)
        self.outcome.cases[case] += killed > 0
        self.outcome.kills[killed] += 1
        self.outcome.killed += killed

    def _attempt(self, job: Job, killed: int, chunk: int | None, seconds: float) -> bool:
        """Let a fork have the job, and kill it in this chunk of steps; whether it was killed before it was done."""
        if self._state_of(job) is JobState.SUCCEEDED:
            return False
        reading, writing = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(reading)
            _train_and_exit(self._url, job.queue, writing)
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as signs:
            beginning = signs.read(1)
            if killed:
                self.outcome.resumed += beginning == RESUMED
                self.outcome.begun_again += beginning == BEGUN
            if chunk is not None and all(signs.read(1) for _ in range(chunk)):
                time.sleep(self._rng.uniform(0.0, seconds))
                os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
        self._await_lease(job)
        return os.WIFSIGNALED(status) and self._state_of(job) is not JobState.SUCCEEDED

    def _await_lease(self, job: Job) -> None:
        """Tidy up, as a janitor does, until the job waits or is done."""
        deadline = time.monotonic() + PATIENCE
        while self._state_of(job) is JobState.RUNNING:
            assert time.monotonic() < deadline, f"{job.id} is not given back"
            time.sleep(SETTINGS.janitor_seconds)
            asked = time.monotonic()
            found = self._store.tidy(
                "drill", period=SETTINGS.janitor_seconds, last=self._last, elapsed=asked - self._asked
            )
            self._last, self._asked = found.at, time.monotonic()

    def _state_of(self, job: Job) -> JobState:
        found = self._store.job(job.id)
        assert found is not None
        return found.state

    def _compare(self, case: str, experiment_id: str, truth: Undisturbed) -> None:
        record = self._store.experiment(experiment_id)
        stored = [self._store.run(experiment_id, index) for index in range(record.runs_total)]
        different = sum(run != wanted for run, wanted in zip(stored, truth.runs, strict=True))
        if different:
            self.outcome.complaints.append(f"{case}: {different} of {len(stored)} runs are different")
        if record.status != "succeeded" or record.runs_done != len(stored):
            self.outcome.complaints.append(f"{case}: it is {record.status} with {record.runs_done} runs")
        self.outcome.runs += len(stored)
        self.outcome.completed += truth.completed
        self.outcome.outcomes += truth.outcomes


def _train_and_exit(url: str, queue: Queue, signs: int) -> NoReturn:
    """In a fork: the next job of the queue, with a sign for how it begins and for each of its chunks."""

    class Telling(RunBatch):
        def __init__(self, *parts: Any, **named: Any) -> None:
            super().__init__(*parts, **named)
            os.write(signs, RESUMED if self._training.step else BEGUN)

        def advance(self) -> Any:
            os.write(signs, CHUNK)
            return super().advance()

    code = 1
    try:
        with mock.patch.object(batch, "RunBatch", Telling), connect(url, patience=5.0) as client:
            store = RedisStore(client, SETTINGS)
            claim = store.claim(queue, worker="fork")
            assert claim is not None
            perform(claim, _context(store))
            code = 0
    finally:
        # Neither the server nor the files of the parent are this process's to close.
        os._exit(code)


def _context(store: RedisStore) -> WorkerContext:
    return WorkerContext(store=store, settings=SETTINGS, name="fork", tiny_seconds=0.0)


def faults_of(outcome: Outcome, *, wanted: int) -> Iterator[str]:
    """Why the drill has failed, if it has: kills that hit nobody, or resumed nothing, prove nothing."""
    yield from outcome.complaints
    if (killed := sum(outcome.cases.values())) < wanted:
        yield f"only {killed} batches were killed before they were done"
    if outcome.resumed < 0.9 * (outcome.resumed + outcome.begun_again):
        yield f"only {outcome.resumed} attempts went on from a checkpoint"


def report(outcome: Outcome) -> Iterator[str]:
    """What was done, as lines."""
    yield f"{'case':<30} {'batches':>8}"
    yield from (f"{case:<30} {count:>8}" for case, count in outcome.cases.items())
    done = outcome.kills[0]
    kills = ", ".join(f"{count} {number}×" for number, count in sorted(outcome.kills.items()) if number)
    yield f"batches killed while training: {kills}; processes killed: {outcome.killed}; {done} done before"
    yield f"attempts after a kill: {outcome.resumed} from a checkpoint, {outcome.begun_again} from the beginning"
    yield f"runs compared: {outcome.runs}, {outcome.completed} of them completed; {dict(outcome.outcomes)}"
