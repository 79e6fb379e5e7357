"""What the tests of the worker are made with: small experiments, a store whose clock is moved, and one worker."""

import itertools
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from core.identity import NUMERICS_VERSION
from core.results.result import decode_summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.ports import NO_WISHES
from jobs.records import Claim, Experiment, FinishedRun, Job, JobKind, LostAttempt, Queue, StoredRun, Wishes
from jobs.settings import Settings
from tests.reference.memory_store import MemoryStore
from worker.context import Flag, WorkerContext
from worker.perform import perform, work_off

SETTINGS = Settings(heartbeat_seconds=0.001, checkpoint_seconds=1e6)

PROBLEM: dict[str, Any] = {"kind": "inline", "X": [[1.0, 2.0, 0.5, 1.5], [0.5, 1.0, 2.0, 1.0]], "y": [1.0, 0.5]}

CONTRADICTORY = {"kind": "inline", "X": [[1.0, 2.0], [1.0, 2.0]], "y": [1.0, 2.0]}
"""Two samples with the same x and different y: nothing interpolates them."""


ALONE: Final = {"points": 8, "sensitivity": False}
"""A recording without twins: every run is trained once."""


def spec(
    *, scales: Sequence[float] = (0.1, 0.3, 1.0), step_size: Any = (0.02, 0.05), max_steps: int = 20_000, **parts: Any
) -> ExperimentSpec:
    """A sweep over α and η on two samples in four dimensions; a run takes some milliseconds."""
    swept = step_size if isinstance(step_size, dict) else {"values": list(step_size)}
    document = {
        "data": PROBLEM,
        "initialization": {"kind": "uniform", "scale": {"values": list(scales)}},
        "optimizer": {"kind": "gradient_descent", "step_size": swept},
        "stopping": {"loss_tolerance": 1e-6, "max_steps": max_steps},
        "recording": {"points": 8},
    }
    return ExperimentSpec.model_validate(document | parts)


class MovableClock:
    """A clock that moves when it is told to, and a little at each reading, as any clock does."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds."""
        self._now += 1e-6
        return self._now

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._now += seconds


class Killed(BaseException):
    """The end of a process: no handler of the worker catches it."""


def killed_at(call: int) -> Callable[[], None]:
    """What happens to a process that is left in peace until this call, counted from 1, and killed there."""
    calls = itertools.count(1)

    def event() -> None:
        if next(calls) == call:
            raise Killed

    return event


class TamperedStore(MemoryStore):
    """A memory store in which something happens at a write, and which remembers some of them."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        super().__init__(settings, clock)
        self.before_adding_jobs: Callable[[], object] = lambda: None
        self.after_adding_jobs: Callable[[], object] = lambda: None
        self.after_commit: Callable[[], object] = lambda: None
        self.before_completing: Callable[[], object] = lambda: None
        self.commits: list[int] = []
        self.checkpoints: list[bytes] = []
        self.beats = 0

    def add_jobs(self, claim: Claim, jobs: Sequence[Any]) -> None:
        """As the store, between two events."""
        self.before_adding_jobs()
        super().add_jobs(claim, jobs)
        self.after_adding_jobs()

    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        """As the store, which keeps the indices, then the event."""
        counted = super().commit_runs(claim, runs)
        self.commits += [run.index for run in runs]
        self.after_commit()
        return counted

    def complete(self, claim: Claim, runs: Sequence[FinishedRun] = ()) -> None:
        """As the store, after an event; indices are kept and a commit is told as those of `commit_runs`."""
        self.before_completing()
        super().complete(claim, runs)
        if runs:
            self.commits += [run.index for run in runs]
            self.after_commit()

    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        """As the store, which keeps all of them."""
        super().save_checkpoint(claim, checkpoint)
        self.checkpoints.append(checkpoint)

    def heartbeat(self, claim: Claim, *, fraction: float) -> None:
        """As the store, which counts the calls."""
        self.beats += 1
        super().heartbeat(claim, fraction=fraction)


class SetAfter:
    """A flag that is set after it has been looked at so many times by the thread that made it; hearts look as well."""

    def __init__(self, looks: int) -> None:
        self._looks = looks
        self._maker = threading.current_thread()

    def is_set(self) -> bool:
        """Look."""
        self._looks -= threading.current_thread() is self._maker
        return self._looks < 0


class Workshop:
    """A store and a worker at it."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.clock = MovableClock()
        self.store = TamperedStore(settings, self.clock)
        self.ends: list[str] = []
        self.woken: list[tuple[Queue, int]] = []

    def context(
        self, *, stopping: Flag | None = None, clock: Callable[[], float] | None = None, tiny_seconds: float = 0.0
    ) -> WorkerContext:
        """A worker's context. Its process does not end where it should, but is remembered to have; a pause is none.

        However small an experiment is, it has training jobs, unless it is of less than `tiny_seconds`.
        """
        return WorkerContext(
            store=self.store,
            settings=self.settings,
            name="worker",
            stopping=stopping or threading.Event(),
            clock=clock or self.clock,
            tiny_seconds=tiny_seconds,
            wall_clock=self.clock,
            pause=self.clock.move,
            end_process=self.ends.append,
            ring=lambda queue, times: self.woken.append((queue, times)),
        )

    def submit(self, spec: ExperimentSpec, name: str = "", wishes: Wishes = NO_WISHES) -> str:
        """The id of an experiment that is recorded."""
        submission = self.store.submit(
            spec=spec.canonical(),
            content_hash=spec.content_hash(),
            name=name,
            tags=(),
            runs=len(Grid(spec)),
            wishes=wishes,
        )
        return submission.experiment.id

    def plan(self, spec: ExperimentSpec, name: str = "") -> tuple[str, Job]:
        """The id of an experiment that is planned, and its only training job."""
        experiment_id = self.submit(spec, name)
        self.perform(f"{experiment_id}.plan")
        (job,) = self.training_jobs(experiment_id)
        return experiment_id, job

    def claim(self, job_id: str) -> Claim:
        """A claim to this job, which must be the one in turn."""
        job = self.store.job(job_id)
        assert job is not None
        claim = self.store.claim(job.queue, worker="worker")
        assert claim is not None
        assert claim.job.id == job_id
        return claim

    def perform(self, job_id: str, context: WorkerContext | None = None) -> None:
        """Do one job, which must be the one in turn."""
        perform(self.claim(job_id), context or self.context())

    def work_off(self, context: WorkerContext | None = None) -> None:
        """Do what waits, until nothing does."""
        while self.waiting():
            for queue in Queue:
                work_off(queue, context or self.context())

    def waiting(self) -> int:
        """How many jobs wait for workers of this version."""
        waiting = (each for queue in Queue for each in self.store.look_around(queue).waiting)
        return sum(each.jobs for each in waiting if each.numerics == NUMERICS_VERSION)

    def done(self, spec: ExperimentSpec, name: str = "") -> str:
        """The id of an experiment that was submitted and worked off."""
        experiment_id = self.submit(spec, name)
        self.work_off()
        return experiment_id

    def experiment(self, experiment_id: str) -> Experiment:
        """Its record."""
        return self.store.experiment(experiment_id)

    def training_jobs(self, experiment_id: str) -> list[Job]:
        """The batches of an experiment."""
        return [job for job in self.store.jobs(experiment_id) if job.kind is JobKind.TRAIN]

    def planned_indices(self, experiment_id: str) -> list[int]:
        """The runs of all its batches, in order; one that is planned twice is there twice."""
        return sorted(index for job in self.training_jobs(experiment_id) for index in job.payload["indices"])

    def runs(self, experiment_id: str) -> list[StoredRun | None]:
        """Every run as it is stored, to the byte."""
        return [self.store.run(experiment_id, index) for index in range(self.experiment(experiment_id).runs_total)]

    def runs_by_key(self, experiment_id: str) -> dict[str, StoredRun]:
        """The stored runs under their keys."""
        return {run.key: run for run in self.runs(experiment_id) if run is not None}

    def summaries(self, experiment_id: str) -> list[dict[str, Any]]:
        """The scalars of the stored runs."""
        return [decode_summary(run.summary) for run in self.runs(experiment_id) if run is not None]

    def keep_checkpoint(self, job: Job, checkpoint: bytes) -> None:
        """Have this checkpoint be there for the next attempt."""
        self.store._experiments[job.experiment_id].checkpoints[job.id] = checkpoint

    def lose_leases(self) -> Sequence[LostAttempt]:
        """Let every lease run out; what the janitor finds."""
        self.clock.move(self.settings.lease_seconds + 1)
        # In its first round a janitor ends nothing.
        return [each for _ in range(2) for each in self.store.tidy("janitor", period=1.0, last=None, elapsed=0.0).lost]


@cache
def undisturbed(spec: ExperimentSpec) -> list[StoredRun | None]:
    """The runs of the spec from a workshop in which nothing happens."""
    workshop = Workshop()
    return workshop.runs(workshop.done(spec))
