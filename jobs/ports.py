"""Ports: what the rest of the service asks of the store and of the message sender.

The store is the truth, a message is only a hint. Two stores implement `Store`: `jobs.memory` and `jobs.redis_store`;
one suite of tests holds both to what is written here. Every method is atomic.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from jobs.records import (
    Claim,
    Experiment,
    FinishedRun,
    Job,
    Message,
    NewJob,
    Page,
    Queue,
    StoredRun,
    Submission,
)
from jobs.states import ExperimentStatus


class ExperimentStore(Protocol):
    """Experiments, as their users know them."""

    def submit(self, *, spec: bytes, content_hash: str, name: str, tags: Sequence[str], runs: int) -> Submission:
        """Record an experiment and its planning job in one durable write; the caller then sends the planning message.

        An active or succeeded experiment with the same `content_hash` and `name` is returned instead, unless it is
        being cancelled. The cost does not depend on `runs`.
        """
        ...

    def experiment(self, experiment_id: str) -> Experiment:
        """The experiment's record.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def spec(self, experiment_id: str) -> bytes:
        """The canonical JSON of the spec, as submitted.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def experiments(
        self,
        *,
        status: ExperimentStatus | None = None,
        name: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Experiments, newest first. With rare filters a page may be shorter than `limit` and yet have a cursor.

        Raises:
            InvalidCursor: `cursor` is not one that this store gave out.
        """
        ...

    def cancel(self, experiment_id: str) -> Experiment:
        """Set the cancel flag: queued jobs are cancelled at once, running ones see it at their next heartbeat.

        What has been stored stays. An experiment that is finished stays as it is.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def retry(self, experiment_id: str) -> Sequence[Message]:
        """Queue the dead jobs again with fresh attempts; returns the messages to send.

        Raises:
            ExperimentNotFound: there is none of that id.
            IllegalMove: the experiment has not failed.
        """
        ...


class JobStore(Protocol):
    """Jobs, as workers know them."""

    def claim(self, job_id: str, *, worker: str) -> Claim | None:
        """QUEUED → RUNNING with a new fencing token and a lease on the store's clock; None if there is none to be had.

        A planning or drawing job is claimed by its own id. The id of a training job, whatever its state, is a claim to
        the training job of the same queue whose turn it is; `Claim.job` says which. There are at least as many messages
        as queued jobs, so none is left behind.

        Experiments take turns in each queue by virtual time, the work of which they were given claims
        (start-time fair queueing, Goyal, Vin and Cheng 1996, with experiments as flows and jobs as packets): the turn
        is that of the experiment with the least, the older one where two have the same, and within it that of the job
        recorded first. An experiment that begins to wait starts from max(its own virtual time, that of the last turn).
        Work counts at each claim and is not given back when the attempt ends early: virtual time never runs backwards,
        and an experiment whose jobs fail over and over does not take the turns of the others.

        None also for an unknown id. What is left of an experiment that has failed takes no turns until a retry.
        """
        ...

    def heartbeat(self, claim: Claim, *, fraction: float) -> bool:
        """Renew the lease and report the fraction of the job that is done; False if the experiment is being cancelled.

        Raises:
            LeaseLost: the token is no longer current; the job is somebody else's.
        """
        ...

    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        """Keep `checkpoint` in place of the one before; renews the lease.

        A job that moved on from one checkpoint to the next is not stuck: the workers that it lost so far no longer
        count against it, so that hours of work survive any number of restarts.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def checkpoint(self, job_id: str) -> bytes | None:
        """The job's last checkpoint, until the job is complete."""
        ...

    def add_jobs(self, claim: Claim, jobs: Sequence[NewJob]) -> None:
        """Record jobs of the claimed planning job's experiment; those already recorded stay as they are.

        Jobs that come after a cancel are recorded as CANCELLED.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        """Record the run keys of indices `start` and following; return the indices whose results are not stored yet.

        Runs that are stored already are counted as done and reused, once each however often this is called.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        """Store runs and count them, each once; renews the lease. Returns how many had not been counted before.

        A run that is already stored keeps its first result.

        Raises:
            LeaseLost: the token is no longer current; nothing is stored.
        """
        ...

    def complete(self, claim: Claim) -> None:
        """RUNNING → SUCCEEDED; drops the checkpoint. The last job of an experiment settles the experiment's status.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def fail(self, claim: Claim, error: str) -> Message | None:
        """An attempt ended in an error: QUEUED again (returns the message to send), or DEAD after the last attempt.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def hand_back(self, claim: Claim) -> Message | None:
        """A worker is shutting down: QUEUED again without counting an attempt; returns the message to send.

        CANCELLED, and None, if the experiment is being cancelled: this is also how a worker obeys a cancel.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def job(self, job_id: str) -> Job | None:
        """The job's record, or None."""
        ...

    def jobs(self, experiment_id: str) -> Sequence[Job]:
        """All jobs of an experiment, the planning job first."""
        ...


class Upkeep(Protocol):
    """What the janitor asks for."""

    def try_lock(self, name: str, *, seconds: float) -> bool:
        """Take the named lock for so long unless somebody has it."""
        ...

    def expire_leases(self) -> Sequence[Message]:
        """Jobs whose lease has run out become QUEUED (returned as messages to send), or DEAD after the last attempt."""
        ...

    def queued(self, queue: Queue) -> int:
        """How many jobs wait in the queue; those that a failed experiment holds back may be left out."""
        ...

    def unannounced(self, queue: Queue, *, older_than: float, limit: int = 1000) -> Sequence[Message]:
        """Queued jobs whose last message is older than `older_than` seconds; they count as announced from now on."""
        ...

    def beat(self, worker: str, *, queues: Iterable[Queue], seconds: float) -> None:
        """A worker lives, for so long."""
        ...

    def live_workers(self, queue: Queue) -> Sequence[str]:
        """The names of the workers that serve the queue and have beaten lately."""
        ...


class ResultStore(Protocol):
    """Stored runs, analyses and figures."""

    def summaries(self, experiment_id: str, start: int, stop: int) -> Sequence[bytes | None]:
        """The summaries of the runs with start ≤ index < stop; None where a run is not stored (yet).

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def run(self, experiment_id: str, index: int) -> StoredRun | None:
        """One run with its arrays; None if it is not stored (yet).

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        """Keep a document under the hash of what it was made from (analyses, figures), for so long or for good.

        The first is kept: two that were made of the same may differ in their last bits, and readers must agree.
        """
        ...

    def document(self, key: str) -> bytes | None:
        """The document kept under `key`, or None."""
        ...

    def request(self, job: NewJob, *, experiment_id: str) -> Message | None:
        """Record a job that belongs to no experiment's count (a figure); the message to send.

        None if it is queued or running already. A job of that id that has ended, well or badly, is queued afresh.
        """
        ...


class Store(ExperimentStore, JobStore, Upkeep, ResultStore, Protocol):
    """The whole store."""

    def ping(self) -> bool:
        """Whether the store answers."""
        ...


class Sender(Protocol):
    """Announces jobs to workers."""

    def send(self, messages: Iterable[Message]) -> None:
        """Send the messages, in one go."""
        ...

    def waiting(self, queue: Queue) -> int:
        """How many messages of the queue no worker has taken yet."""
        ...
