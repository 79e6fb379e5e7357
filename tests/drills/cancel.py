"""Cancels on the real service: nothing that waited is ever done, what runs is cancelled soon, and stays as it was then.

The processes are those of `stepbias up`. Experiments are cancelled over HTTP; what has become of their jobs and runs is
read from the store itself: each claim of a job counts in its fencing token.
"""

import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from jobs.records import Job, JobKind
from jobs.redis_store import RedisStore
from jobs.redis_store.keys import job_key, key
from jobs.settings import Settings
from jobs.states import JobState
from tests.faults.besieged_service import BesiegedService, Part, eventually
from tests.faults.measure import percentile

LIMIT: Final = 2.0
"""Seconds from the request to `cancelled` that 99 of 100 may take."""

PATIENCE: Final = 120.0
WORKERS: Final = 2
_PERIOD: Final = 0.01

KILLED: Final = {"nobody": None, "a process of the worker": Part.BATCH_CHILD, "the worker": Part.BATCH_TREE}
"""Who is killed shortly before a cancel."""

_WEIGHTS: Final = {"nobody": 6, "a process of the worker": 3, "the worker": 1}
SETTINGS: Final = {"STEPBIAS_CHECKPOINT_SECONDS": "0.5"}

_LONG: Final[Mapping[str, Any]] = {
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.2, 0.5]}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"values": [1e-8, 1e-3, 2e-3, 0.2]}},
    "stopping": {"loss_tolerance": 1e-8, "max_steps": 200_000_000, "finish": "iterate"},
    "recording": {"points": 10},
}
"""Runs of which some end at once, some within seconds, and some never: there is always something to be written.
Those that end soon are the jobs of little work."""


def victims_of(count: int, seed: int) -> list[str]:
    """Who is killed before each of so many cancels."""
    return random.Random(seed).choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count)


@dataclass(kw_only=True)
class Outcome:
    """What came of a drill; seconds are from the request to the status `cancelled`."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    waited: int = 0
    planned: int = 0
    claimed_jobs: int = 0
    stored_runs: int = 0
    runs_kept: int = 0
    complaints: list[str] = field(default_factory=list)


class CancelDrill:
    """One drill, with a service of its own.

    Args:
        directory: takes its state and its logs.
        seed: of everything that is drawn.
        settings: environment variables of the service.
    """

    def __init__(self, directory: Path, *, seed: int, settings: Mapping[str, str] = SETTINGS) -> None:
        self._service = BesiegedService(directory, workers=WORKERS, settings=settings)
        self._lease = float(settings.get("STEPBIAS_LEASE_SECONDS", Settings().lease_seconds))
        self._rng = random.Random(seed)
        self._number = seed * 10**6
        self.outcome = Outcome()

    def run(self, *, waiting: int, victims: Iterable[str]) -> Outcome:
        """Cancel so many experiments that wait behind others, and one that runs for each victim."""
        with (
            self._service as service,
            service.server() as self._server,
            httpx2.Client(base_url=service.url, timeout=30.0, trust_env=False) as self._http,
        ):
            self._store = RedisStore(self._server, Settings())
            self._cancel_waiting(waiting)
            self._cancel_running(victims)
        return self.outcome

    def _cancel_waiting(self, count: int) -> None:
        blocker = self._running()
        ids = [self._submit(seeds=1) for _ in range(count)]
        assert eventually(lambda: self._is_planned(ids[len(ids) // 2]), patience=PATIENCE), "nothing is planned"
        self._rng.shuffle(ids)
        for each in ids:
            self._cancelled(each, "while it waited")
        self._cancelled(blocker, "what they waited for")
        # Workers that have come to this one have passed everything that was recorded before it.
        self._cancelled(self._running(), "after them")
        self.outcome.waited = len(ids)
        for each in ids:
            self._require_untouched(each)

    def _require_untouched(self, experiment_id: str) -> None:
        jobs = [job for job in self._store.jobs(experiment_id) if job.kind is JobKind.TRAIN]
        claims = sum(self._claims(job) for job in jobs)
        stored = sum(self._stored(experiment_id))
        self.outcome.planned += bool(jobs)
        self.outcome.claimed_jobs += claims
        self.outcome.stored_runs += stored
        if claims or stored:
            self.outcome.complaints.append(f"{experiment_id}: {claims} claims and {stored} runs after all")

    def _cancel_running(self, victims: Iterable[str]) -> None:
        left: dict[str, Any] = {}
        for victim in victims:
            experiment_id = self._running()
            time.sleep(self._rng.uniform(0.0, 2.5))
            if (part := KILLED[victim]) is not None:
                self._service.hit(part, signal.SIGKILL)
                time.sleep(self._rng.uniform(0.0, 0.5))
            self._cancelled(experiment_id, f"while it ran, {victim} killed")
            left[experiment_id] = self._left(experiment_id)
        # Whoever had a job has noticed by now, or his lease has run out.
        time.sleep(self._lease + 1.0)
        for experiment_id, before in left.items():
            self.outcome.runs_kept += sum(before["stored"])
            if (now := self._left(experiment_id)) != before:
                self.outcome.complaints.append(f"{experiment_id}: after it was cancelled {before} became {now}")

    def _left(self, experiment_id: str) -> Mapping[str, Any]:
        """All of an experiment that a worker could change."""
        record = self._store.experiment(experiment_id)
        return {
            "status": record.status,
            "counted": record.runs_done,
            "stored": self._stored(experiment_id),
            "jobs": [(job.id, job.state, job.attempt) for job in self._store.jobs(experiment_id)],
            "checkpoints": self._server.hlen(key("experiment", experiment_id, "checkpoints")),
        }

    def _stored(self, experiment_id: str) -> list[bool]:
        runs = self._store.experiment(experiment_id).runs_total
        return [summary is not None for summary in self._store.summaries(experiment_id, 0, runs)]

    def _claims(self, job: Job) -> int:
        return int(self._server.hget(job_key(job.id), "token") or 0)

    def _submit(self, *, seeds: int) -> str:
        """An experiment with one long job for each of its data sets, which nobody has had yet."""
        first, self._number = self._number, self._number + seeds
        data = {"kind": "sparse_regression", "samples": 8, "dimension": 12, "sparsity": 2}
        seed = {"values": list(range(first, self._number))}
        answer = self._http.post("/v1/experiments", json={"data": data | {"seed": seed}, **_LONG})
        experiment_id: str = answer.raise_for_status().json()["id"]
        return experiment_id

    def _running(self) -> str:
        """An experiment of which every process of the worker has a job that keeps it."""
        experiment_id = self._submit(seeds=WORKERS)
        assert eventually(lambda: self._long_jobs_running(experiment_id) == WORKERS, patience=PATIENCE), (
            self._service.complaints()
        )
        return experiment_id

    def _long_jobs_running(self, experiment_id: str) -> int:
        """Those that last: one that ends soon would let its process go to those that wait."""
        jobs = [job for job in self._store.jobs(experiment_id) if job.kind is JobKind.TRAIN]
        most = max((job.work for job in jobs), default=0.0)
        return sum(job.state is JobState.RUNNING and job.work > most / 2 for job in jobs)

    def _is_planned(self, experiment_id: str) -> bool:
        return len(self._store.jobs(experiment_id)) > 1

    def _cancelled(self, experiment_id: str, when: str) -> None:
        begun = time.monotonic()
        status = self._http.post(f"/v1/experiments/{experiment_id}/cancel").raise_for_status().json()["status"]
        while status != "cancelled" and time.monotonic() < begun + PATIENCE:
            time.sleep(_PERIOD)
            status = self._http.get(f"/v1/experiments/{experiment_id}").raise_for_status().json()["status"]
        self.outcome.seconds[when].append(time.monotonic() - begun)
        if status != "cancelled":
            self.outcome.complaints.append(f"{experiment_id}: it is {status} {PATIENCE:g} s after its cancel")


def faults_of(outcome: Outcome) -> Iterator[str]:
    """Why the drill has failed, if it has."""
    yield from outcome.complaints
    worst = percentile([each for seconds in outcome.seconds.values() for each in seconds], 99)
    if worst > LIMIT:
        yield f"99 of 100 are cancelled after {worst:.2f} s"


def report(outcome: Outcome) -> Iterator[str]:
    """What was done, as lines."""
    yield f"{'cancelled':<52} {'times':>6} {'p50, s':>8} {'p99, s':>8} {'most, s':>8}"
    for when, seconds in sorted(outcome.seconds.items()):
        numbers = " ".join(f"{percentile(seconds, percent):>8.3f}" for percent in (50, 99, 100))
        yield f"{when:<52} {len(seconds):>6} {numbers}"
    yield (
        f"waiting ones: {outcome.waited}, {outcome.planned} of them planned; "
        f"{outcome.claimed_jobs} of their jobs were claimed, {outcome.stored_runs} of their runs stored"
    )
    yield f"runs that running ones had stored by then, and no more: {outcome.runs_kept}"
