"""Clients of the store who note what it has acknowledged, and afterwards ask for all of it."""

import hashlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from jobs.connection import connect
from jobs.errors import ExperimentNotFound, StoreUnavailable
from jobs.ports import Store
from jobs.records import Claim, FinishedRun, JobKind, NewJob, Queue, StoredRun
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from jobs.states import ExperimentStatus, JobState

RUNS: Final = 4
"""Of an experiment; two to a job."""

PATIENT: Final = Settings(lease_seconds=1e6, stall_seconds=2e6)
"""Nobody tidies up here: a claim is good for the whole drill."""

LONGEST: Final = 30_000
"""Bytes of a run's arrays, or of a checkpoint."""


@dataclass(kw_only=True)
class Acknowledged:
    """What was acknowledged of one experiment.

    Attributes:
        attempts: of each of its jobs that is recorded, the claims.
        checkpoints: of a job those that may be there: the last one or none, and one that was not answered.
    """

    id: str
    spec: bytes
    is_cancelled: bool = False
    may_be_cancelled: bool = False
    attempts: dict[str, int] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    checkpoints: dict[str, list[bytes | None]] = field(default_factory=dict)
    runs: dict[int, StoredRun] = field(default_factory=dict)


class Writer:
    """One client; its experiments are of a numerics version of its own, so that nobody else claims their jobs."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)
        self._name = seed
        self._known: dict[str, Acknowledged] = {}
        self._claims: list[Claim] = []
        self._touched: set[str] = set()
        self._count = 0
        self.writes = 0
        self.error: BaseException | None = None
        self._thread = threading.Thread()

    def start(self, url: str) -> None:
        """Write from a thread until the store is gone."""
        self._touched.clear()
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Return when the store is gone for it."""
        self._thread.join()
        if self.error is not None:
            raise self.error

    def lost(self, url: str, *, everything: bool) -> Iterator[str]:
        """What was acknowledged and is not there: of the experiments last written to, or of all."""
        with connect(url, patience=60.0) as client:
            store = self._store(client)
            for experiment_id in sorted(self._known if everything else self._touched):
                for sentence in _lost(store, self._known[experiment_id]):
                    yield f"{experiment_id}: {sentence}"

    def _store(self, client: object) -> Store:
        return RedisStore(client, PATIENT, numerics=self._name)  # type: ignore[arg-type]  # a client of connect()

    def _run(self, url: str) -> None:
        try:
            with connect(url, patience=0.0) as client:
                store = self._store(client)
                while True:
                    self.writes += self._step(store)
        except StoreUnavailable:
            # Nobody knows what has become of the job that was just worked on.
            self._claims.clear()
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            self.error = error

    def _step(self, store: Store) -> int:
        """Do something; how many writes were acknowledged."""
        draw = self._rng.random()
        if draw < 0.2:
            return self._submit(store)
        if draw < 0.25 and self._known:
            return self._cancel(store)
        if draw < 0.5 or not self._claims:
            return self._claim(store, self._rng.choice(list(Queue)))
        return self._work(store, self._claims[-1])

    def _submit(self, store: Store) -> int:
        self._count += 1
        spec = f"{self._name} {self._count}".encode()
        answer = store.submit(spec=spec, content_hash=_digest(spec), name="", tags=["drill"], runs=RUNS)
        found = Acknowledged(id=answer.experiment.id, spec=spec)
        self._known[found.id] = found
        self._touched.add(found.id)
        return 1

    def _cancel(self, store: Store) -> int:
        found = self._known[self._rng.choice(sorted(self._known))]
        self._touched.add(found.id)
        self._claims = [claim for claim in self._claims if claim.job.experiment_id != found.id]
        found.may_be_cancelled = True
        found.is_cancelled = store.cancel(found.id).status is ExperimentStatus.CANCELLED
        found.may_be_cancelled = found.is_cancelled
        return 1

    def _claim(self, store: Store, queue: Queue) -> int:
        claim = store.claim(queue, worker=self._name)
        # Of a submission that was not answered nothing is known.
        if claim is None or claim.job.experiment_id not in self._known:
            return 0
        self._touched.add(claim.job.experiment_id)
        self._known[claim.job.experiment_id].attempts[claim.job.id] = claim.job.attempt
        self._claims.append(claim)
        return 1

    def _work(self, store: Store, claim: Claim) -> int:
        found = self._known[claim.job.experiment_id]
        self._touched.add(found.id)
        if claim.job.kind is JobKind.PLAN:
            self._plan(store, claim, found)
            return 3
        self._train(store, claim, found)
        return 1

    def _plan(self, store: Store, claim: Claim, found: Acknowledged) -> None:
        store.set_run_keys(claim, 0, [_key(found, index) for index in range(RUNS)])
        jobs = [
            NewJob(id=f"{found.id}.{first}", queue=Queue.BATCH, payload={"indices": [first, first + 1]})
            for first in range(0, RUNS, 2)
        ]
        store.add_jobs(claim, jobs)
        found.attempts |= {job.id: 0 for job in jobs}
        self._complete(store, claim, found)

    def _train(self, store: Store, claim: Claim, found: Acknowledged) -> None:
        left = [index for index in claim.job.payload["indices"] if index not in found.runs]
        if not left:
            self._complete(store, claim, found)
        elif self._rng.random() < 0.4:
            checkpoint = self._bytes()
            before = found.checkpoints.setdefault(claim.job.id, [None])
            before.append(checkpoint)
            store.save_checkpoint(claim, checkpoint)
            found.checkpoints[claim.job.id] = [checkpoint]
        else:
            run = StoredRun(key=_key(found, left[0]), outcome="converged", summary=found.spec, arrays=self._bytes())
            store.commit_runs(claim, [FinishedRun(index=left[0], run=run)])
            found.runs[left[0]] = run

    def _complete(self, store: Store, claim: Claim, found: Acknowledged) -> None:
        found.checkpoints.pop(claim.job.id, None)
        store.complete(claim)
        found.completed.add(claim.job.id)
        self._claims.remove(claim)

    def _bytes(self) -> bytes:
        return self._rng.randbytes(self._rng.randint(1, LONGEST))


def _lost(store: Store, found: Acknowledged) -> Iterator[str]:
    try:
        record = store.experiment(found.id)
    except ExperimentNotFound:
        yield "it is not there"
        return
    if store.spec(found.id) != found.spec:
        yield "its spec is another one"
    if found.is_cancelled and record.status is not ExperimentStatus.CANCELLED:
        yield f"it was cancelled, and is {record.status}"
    if record.runs_done < len(found.runs):
        yield f"{len(found.runs)} of its runs were counted, and are {record.runs_done}"
    for index, run in found.runs.items():
        if store.run(found.id, index) != run:
            yield f"run {index} is not there as it was stored"
    yield from _lost_of_jobs(store, found)


def _lost_of_jobs(store: Store, found: Acknowledged) -> Iterator[str]:
    jobs = {job.id: job for job in store.jobs(found.id)}
    for job_id, attempts in found.attempts.items():
        if job_id not in jobs or jobs[job_id].attempt < attempts:
            yield f"attempt {attempts} at {job_id} is not known"
        elif job_id in found.completed and jobs[job_id].state is not JobState.SUCCEEDED:
            yield f"{job_id} was complete, and is {jobs[job_id].state}"
    for job_id, expected in found.checkpoints.items():
        if not found.may_be_cancelled and job_id in jobs and store.checkpoint(jobs[job_id]) not in expected:
            yield f"the checkpoint of {job_id} is not there"


def _key(found: Acknowledged, index: int) -> str:
    return _digest(found.spec + str(index).encode())


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
