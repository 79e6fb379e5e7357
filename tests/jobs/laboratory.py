"""What the tests of the stores are made with: specs, runs, planned experiments, and a clock that can be moved."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jobs.ports import Store
from jobs.records import Claim, Experiment, FigureRequest, FinishedRun, Job, LostAttempt, NewJob, Queue, StoredRun
from jobs.settings import Settings
from jobs.states import JobState

SETTINGS = Settings(lease_seconds=0.05, heartbeat_seconds=0.01, janitor_seconds=0.02, max_attempts=3, turn_seconds=0.0)
"""Turns are of one job, as short as they can be; longer ones are tested in a module of their own."""
PATIENCE = 20.0


def digest(text: str) -> str:
    """A key or content hash made from any text."""
    return hashlib.sha256(text.encode()).hexdigest()


def stored_run(label: str, outcome: str = "converged") -> StoredRun:
    """A run whose bytes hold everything that text could not."""
    return StoredRun(
        key=digest(label), outcome=outcome, summary=label.encode() + b"\x00\xff", arrays=b"\r\n\x00" + label.encode()
    )


def finished_runs(labels: Sequence[str], start: int = 0, outcome: str = "converged") -> list[FinishedRun]:
    """Finished runs at consecutive indices."""
    return [FinishedRun(index=index, run=stored_run(label, outcome)) for index, label in enumerate(labels, start)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Laboratory:
    """A store, the same as processes of each numerics version have it, and a way to let a moment pass on its clock."""

    store: Store
    wait: Callable[[float], None]
    store_of: Callable[[str], Store]

    def of_version(self, numerics: str) -> "Laboratory":
        """The same store, asked by processes of another numerics version."""
        return replace(self, store=self.store_of(numerics))

    def submit(self, text: str = "a spec", *, name: str = "", runs: int = 4) -> Experiment:
        """A new or known experiment."""
        return self.store.submit(
            spec=text.encode(), content_hash=digest(text), name=name, tags=["thesis"], runs=runs
        ).experiment

    def claim(self, job_id: str) -> Claim:
        """A claim that must succeed, to this job and no other: of those in its queue it must be the one in turn."""
        job = self.store.job(job_id)
        assert job is not None
        claim = self.store.claim(job.queue, worker="worker")
        assert claim is not None
        assert claim.job.id == job_id
        return claim

    def claim_plan(self, experiment: Experiment) -> Claim:
        """A claim of the planning job."""
        return self.claim(f"{experiment.id}.plan")

    def planned(self, text: str = "a spec", *, batches: int = 2, name: str = "") -> Experiment:
        """An experiment whose planning is done: two runs to a batch, none of them stored."""
        experiment = self.submit(text, name=name, runs=2 * batches)
        claim = self.claim_plan(experiment)
        self.store.set_run_keys(claim, 0, [digest(label) for label in self.labels(text, batches)])
        self.store.add_jobs(claim, [train_job(experiment, number) for number in range(batches)])
        self.store.complete(claim)
        return self.store.experiment(experiment.id)

    @staticmethod
    def labels(text: str, batches: int = 2) -> list[str]:
        """The labels of a planned experiment's runs."""
        return [f"{text} {index}" for index in range(2 * batches)]

    def train(self, experiment: Experiment, number: int, text: str = "a spec") -> None:
        """One batch, from claim to completion, whose runs end one after the other."""
        claim = self.claim(train_job(experiment, number).id)
        labels = self.labels(text, number + 1)[-2:]
        for run in finished_runs(labels, 2 * number):
            self.store.commit_runs(claim, [run])
        self.store.complete(claim)

    def lose(self, claim: Claim, *, is_heard: bool = True) -> Sequence[LostAttempt]:
        """Let the worker say that it has the claim, unless it shall not, and disappear; what the janitor then finds."""
        if is_heard:
            self.store.heartbeat(claim, fraction=0.0)
        lost: list[LostAttempt] = []
        deadline = time.monotonic() + PATIENCE
        while (job := self.store.job(claim.job.id)) is not None and job.state is JobState.RUNNING:
            assert time.monotonic() < deadline, "the lease does not run out"
            self.wait(SETTINGS.lease_seconds / 2)
            lost += self.store.tidy("janitor", period=1.0, last=None, elapsed=0.0).lost
        return lost

    def kill(self, job_id: str, error: str = "boom") -> None:
        """Let a job fail until it is dead."""
        for _ in range(SETTINGS.max_attempts):
            self.store.fail(self.claim(job_id), error)

    def snapshot(self, experiment: Experiment) -> tuple[Experiment, Sequence[Job]]:
        """Everything recorded of an experiment, without the estimate, which changes with the time."""
        now = self.store.experiment(experiment.id)
        return replace(now, eta_seconds=None), self.store.jobs(experiment.id)

    def state(self, job_id: str) -> JobState:
        """The state of a job that is there."""
        job = self.store.job(job_id)
        assert job is not None
        return job.state


def train_job(experiment: Experiment, number: int, *, work: float = 100.0) -> NewJob:
    """The training job of a batch."""
    return NewJob(
        id=f"{experiment.id}.{number}",
        queue=Queue.BATCH,
        payload={"runs": [2 * number, 2 * number + 1], "why": "näher an η*"},
        work=work,
    )


def figure_request(key: str = "figure:1") -> FigureRequest:
    """A wish for a figure."""
    return FigureRequest(experiment_id="e", figure="risk", format="svg", key=key)
