"""Ports: what the rest of the service asks of the store and of the doorbell.

The store is the truth. A ring of the doorbell says that there is work in a queue, and nothing else. Every method of the
store is atomic. `jobs.redis_store` implements it; the tests have a second one, written from this page alone, and hold
both to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from jobs.api_keys import ApiKey
from jobs.records import (
    Allowance,
    Claim,
    Delivery,
    Experiment,
    ExperimentEvent,
    FigureRequest,
    Filters,
    FinishedRun,
    Gauges,
    Job,
    Known,
    Labels,
    LiveWorker,
    NewJob,
    Ownership,
    Page,
    Place,
    Queue,
    Round,
    StoredRun,
    Submission,
    Surroundings,
    UploadEntry,
    Webhook,
    WebhookState,
    Wishes,
)

ALL: Final = Filters()
NO_WISHES: Final = Wishes()
NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})
NOBODYS: Final = Ownership()

MOST_TAGS: Final = 100
"""A spec has at most 20; an experiment collects those of all who submit it."""

MOST_AHEAD: Final = 50

BACKGROUND_CHARGE: Final = 4
"""Of what is claimed while both wait, experiments for which nobody waits get one part, the others so many."""


class ExperimentStore(Protocol):
    """Experiments, as their users know them."""

    def submit(  # noqa: PLR0913 - what is recorded of an experiment, all named
        self,
        *,
        spec: bytes,
        content_hash: str,
        name: str,
        tags: Sequence[str],
        runs: int,
        documents: Sequence[str] = (),
        wishes: Wishes = NO_WISHES,
        ownership: Ownership = NOBODYS,
    ) -> Submission:
        """Record an experiment and its planning job in one durable write; the caller then rings.

        It is planned for the store's numerics version. Of those of the same version, `content_hash` and `name` the last
        that was submitted or planned anew is returned instead, if it is there, and active and not being cancelled, or
        has succeeded; it takes over the `tags` that it does not have, and keeps to its own wishes. The cost does not
        depend on `runs`. `documents` are the keys of those that it uses as they are. An experiment of another owner,
        or with other runs to share, is never returned.

        Raises:
            DocumentGone: one of them is not there.
            TooManyTags: it would have more than `MOST_TAGS`.
        """
        ...

    def edit(  # noqa: PLR0913 - what may be edited, all named
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        expected: Labels | None = None,
        shared: bool | None = None,
    ) -> Experiment:
        """Give an experiment another name, other tags or other notes, or share it; None leaves what is there.

        Of the tags, those given or there, some are removed and then others added. Who answered for its spec under the
        name of before does so under the new one, unless somebody does already.

        Raises:
            ExperimentNotFound: there is none of that id.
            EditedMeanwhile: it is neither as `expected` nor as it is to be; the edit is not made.
            TooManyTags: it would have more than `MOST_TAGS` by those that are added.
        """
        ...

    def notes(self, experiment_id: str) -> str:
        """What was noted of the experiment; nothing if nothing was, or if it is damaged."""
        ...

    def in_full(self, experiment_ids: Sequence[str]) -> Mapping[str, tuple[Experiment, str]]:
        """The records of those experiments that are there, each with its notes, read together."""
        ...

    def ids(self, prefix: str, *, most: int, owner: str | None = None) -> Sequence[str]:
        """The ids of experiments that begin so, in order, so many at most; of one owner, or of all."""
        ...

    def places(self, experiment_id: str) -> Sequence[Place]:
        """Where the experiment waits for a turn; it may wait in both queues, or in none.

        Those ahead are of its own priority: of its owner those that have been served less, and of each other owner
        those whose turn comes before that owner has been served as much as its own will have been then, as if all its
        jobs weighed what its next one does. The work ahead is that of the first `MOST_AHEAD` of each kind, and of as
        many more like them.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def experiment(self, experiment_id: str) -> Experiment:
        """The experiment's record.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def records(self, experiment_ids: Sequence[str]) -> Mapping[str, Experiment]:
        """The records of several experiments at once, by their ids; those that cannot be told are left out."""
        ...

    def spec(self, experiment_id: str) -> bytes:
        """The canonical JSON of the spec, as submitted.

        Raises:
            ExperimentNotFound: there is none of that id.
            BrokenSeal: it is damaged.
        """
        ...

    def experiments(self, filters: Filters = ALL, *, limit: int = 50, cursor: str | None = None) -> Page:
        """Experiments, newest first. With rare filters a page may be shorter than `limit` and yet have a cursor.

        Raises:
            InvalidCursor: `cursor` is not one that this store gave out.
        """
        ...

    def cancel(self, experiment_id: str, *, expected: Known | None = None) -> Experiment:
        """Set the cancel flag: waiting jobs are cancelled by it, and running ones taken from their workers.

        It is cancelled on return. What has been stored stays, and nothing is added: a worker that does not know yet is
        told `LeaseLost`, whatever it writes. An experiment that is finished stays as it is, and progress where it was.
        The cost does not depend on the number of its jobs.

        Raises:
            ExperimentNotFound: there is none of that id.
            EditedMeanwhile: it is neither as `expected` nor cancelled.
        """
        ...

    def retry(self, experiment_id: str, *, is_incomplete: bool = False, expected: Known | None = None) -> Experiment:
        """Queue the dead jobs again with fresh attempts; where results are missing instead, plan anew.

        One that has succeeded is planned anew if it `is_incomplete`: documents that belong to it are gone.
        Many jobs are queued some at a time: where the caller dies in between, the rest is for another retry.

        Raises:
            ExperimentNotFound: there is none of that id.
            NotFailed: the experiment has not failed.
            EditedMeanwhile: it is not as `expected`; nothing is queued.
        """
        ...

    def delete(self, experiment_id: str, *, expected: Known | None = None) -> None:
        """Forget a finished experiment.

        Its runs and documents are removed as its garbage is cleared, if no other experiment uses them by then. The
        cost of the call does not depend on the number of its runs. A call that is sent again, because its reply was
        lost, finds the experiment gone.

        Raises:
            ExperimentNotFound: there is none of that id.
            StillActive: it is not finished; cancel it first.
            EditedMeanwhile: it is not as `expected`, and stays.
        """
        ...


class JobStore(Protocol):
    """Jobs, as workers know them."""

    def claim(self, queue: Queue, *, worker: str) -> Claim | None:
        """QUEUED → RUNNING with a new fencing token and a lease on the store's clock; None if nothing waits.

        Only experiments of the store's numerics version are claimed. They take turns in each queue by virtual time, the
        work of which they were given claims (start-time fair queueing, Goyal, Vin and Cheng 1996, with experiments as
        flows and turns as packets, in the order in which these end): owners first, and the experiments of each among
        themselves. A turn is of the work that waits, `turn_seconds` at most, and of one job at least. The turn is that
        of the owner whose turn ends first, which is that of its first experiment; of its experiments of the one whose
        turn ends first, the older one where two end together; and within it that of the job of the lowest rank that was
        recorded first. Nobody is an owner like others. Who begins to wait, owner or experiment, starts from max(its own
        virtual time, that of the line: when a whole turn began that ends with the last one); an experiment for which
        others asked again k times k/(k + 1) of a turn before that. Work counts at each claim and is not given back when
        the attempt ends early: virtual time never runs backwards, and an experiment whose jobs fail over and over does
        not take the turns of the others.

        Experiments of batch priority take turns among themselves: while others wait as well, one of them as soon as
        `BACKGROUND_CHARGE` times its work has been claimed of these.
        """
        ...

    def heartbeat(self, claim: Claim, *, fraction: float) -> None:
        """Renew the lease and report the fraction of the job that is done.

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

    def checkpoint(self, job: Job) -> bytes | None:
        """The job's last checkpoint, until the job is complete; None if it is damaged."""
        ...

    def add_jobs(self, claim: Claim, jobs: Sequence[NewJob]) -> None:
        """Record training jobs of the claimed job's experiment; those already recorded stay as they are.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def use_documents(self, claim: Claim, documents: Sequence[str]) -> None:
        """Have these documents kept for as long as the claimed job's experiment is; to be said before they are made.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        """Record the run keys of indices `start` and following; return the indices whose results are not stored yet.

        From then on the experiment uses these runs: they are kept for as long as it is there.
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
            NotPlanned: a run was planned under another key; nothing is stored.
            StoreFull: nothing is stored, for want of room.
        """
        ...

    def complete(self, claim: Claim, runs: Sequence[FinishedRun] = ()) -> None:
        """RUNNING → SUCCEEDED, and its last runs are stored and counted in the same write; drops the checkpoint.

        Raises:
            LeaseLost, NotPlanned, StoreFull: as `commit_runs`; the job is still running.
        """
        ...

    def fail(self, claim: Claim, error: str, *, is_hopeless: bool = False) -> None:
        """An attempt ended in an error: QUEUED again, or DEAD after the last attempt, or at once if it is hopeless.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Give the job back, QUEUED without counting an attempt: the worker stops, or it is another experiment's turn.

        Raises:
            LeaseLost: the token is no longer current.
        """
        ...

    def job(self, job_id: str) -> Job | None:
        """The job's record, or None."""
        ...

    def jobs(self, experiment_id: str, start: int = 0, stop: int | None = None) -> Sequence[Job]:
        """The jobs of an experiment, or those at start ≤ place < stop, the planning job first.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...


class Upkeep(Protocol):
    """What the janitors ask for."""

    def tidy(self, caller: str, *, period: float, last: float | None, elapsed: float) -> Round:
        """One round: jobs whose lease has run out become QUEUED, or DEAD after the last attempt.

        One caller at a time is the janitor, for three periods after its last round; for the others nothing happens.
        A lease is a duration: time in which nobody could renew it, because the store was away or its clock was set, is
        added to it, if it is more than a third of a lease: heartbeats may be as late as that.

        Args:
            caller: who asks.
            period: seconds between its rounds.
            last: the store's time at the caller's last round, None at its first.
            elapsed: seconds that the caller has spent since then while the store was not away.
        """
        ...

    def clear_garbage(self, *, most: int) -> int:
        """Clear away what deleted experiments and outdated plans have left, so many pieces at most; how many it were.

        A run that is in no plan any more, and a document that no experiment uses, is removed; an upload is not.
        """
        ...

    def sweep(self, *, most: int, grace: float) -> Sequence[str]:
        """Look at about so many stored values, in turn; remove those that nothing refers to, and return their names.

        Such are left where a process was killed between two steps, or wrote for an experiment that had just been
        deleted. Nothing is removed that was written or read within `grace` seconds.
        """
        ...

    def audit(self, *, most: int) -> None:
        """Look whether what is counted of experiments is true: so many in turn, and as many that are at work.

        One that is not what was written, or does not agree with what lies beside it, is planned anew: what it has
        stored is used again. So is one whose record, or a job's, is found damaged by whoever reads it.
        """
        ...

    def finished_before(self, *, seconds: float, most: int) -> Sequence[str]:
        """The ids of experiments that have been finished for longer than so many seconds, the first finished first."""
        ...

    def plan_anew(self, numerics: str, *, most: int) -> Sequence[str]:
        """Plan unfinished experiments of this other version anew, for the store's own; their ids, so many at most."""
        ...

    def register(self, worker: LiveWorker, *, queues: Iterable[Queue], seconds: float) -> None:
        """A worker lives, for so long."""
        ...

    def look_around(self, queue: Queue) -> Surroundings:
        """What waits in the queue, for workers of which numerics version, and who serves it: all of them."""
        ...

    def work_waiting(self, queue: Queue, *, most: int) -> int:
        """How many jobs of the store's numerics version wait in the queue, counted up to `most`.

        In the interactive queue figures that were asked for count as well. What this costs depends on `most` alone.
        """
        ...

    def damaged(self) -> Sequence[str]:
        """The names of stored values that were found damaged in the last week."""
        ...

    def require_writable(self) -> None:
        """Return if the store takes writes at this moment.

        Raises:
            StoreUnavailable: it does not answer them, or refuses them.
        """
        ...

    def room(self, *, reserve: float = 0.0) -> str | None:
        """Why there is no room for new results, beyond this part of what there may be; None where there is some."""
        ...

    def gauges(self) -> Gauges:
        """What there is to measure; costs nothing that grows with what is stored."""
        ...


class ResultStore(Protocol):
    """Stored runs, analyses and figures."""

    def summaries(self, experiment_id: str, start: int, stop: int) -> Sequence[bytes | None]:
        """The summaries of the runs with start ≤ index < stop; None where a run is not stored (yet).

        A run that was counted and is missing or damaged is not counted any more, so that the experiment says it failed.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def first_missing(self, experiment_id: str) -> int:
        """The least index of a run that is not counted as stored; the number of runs where all are.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def run(self, experiment_id: str, index: int) -> StoredRun | None:
        """One run with its arrays; None if it is not stored (yet). Damage is treated as `summaries` does.

        Raises:
            ExperimentNotFound: there is none of that id.
        """
        ...

    def contents(self, experiment_id: str) -> str:
        """A digest of which runs of the experiment are stored, and of what they are."""
        ...

    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        """Keep a document under the hash of what it was made from (analyses, figures), for so long or for good.

        The first is kept: two that were made of the same may differ in their last bits, and readers must agree.
        """
        ...

    def document(self, key: str) -> bytes | None:
        """The document kept under `key`, or None; a damaged one is removed."""
        ...

    def keep_document(self, experiment_id: str, key: str, document: bytes) -> None:
        """Keep a document for as long as the experiment is there and is not planned anew, in place of the one before.

        Raises:
            ExperimentNotFound: there is none of that id.
            StoreFull: there is no room for it.
        """
        ...

    def drop_documents(self, keys: Sequence[str], *, expected: Mapping[str, bytes] = NOTHING) -> None:
        """Remove documents, all or none; those that are not there are no obstacle.

        Args:
            keys: of which they are.
            expected: documents that must be there, and be these.

        Raises:
            InUse: an experiment uses one of them.
            EditedMeanwhile: one is not as `expected`; all stay.
        """
        ...

    def request_figure(self, request: FigureRequest, *, seconds: float) -> bool:
        """Ask for a figure, unless it was asked for in the last `seconds`; whether it was now.

        Two that ask at the same moment may both be told that they did.
        """
        ...

    def next_figure(self) -> FigureRequest | None:
        """The figure whose turn it is, which is taken away; two that ask at the same moment may both get it.

        Owners take turns, and of each the figure is next that was asked for first.
        """
        ...


class UploadStore(Protocol):
    """Uploaded data sets: two documents each, `dataset_key` and `dataset_description_key`, listed and counted.

    The id of one that belongs to somebody begins with the name of its owner and a slash.
    """

    def keep_upload(self, dataset_id: str, *, arrays: bytes, description: bytes) -> bool:
        """Keep an upload in one durable write; whether it is new.

        The arrays that are there stay: the id is a hash of them. The description is the last one.
        """
        ...

    def uploads(self, *, limit: int, cursor: str | None = None, owner: str = "") -> Sequence[UploadEntry]:
        """Uploads of one owner, or those of nobody, newest first.

        Raises:
            InvalidCursor: `cursor` is not one that this store gave out.
        """
        ...

    def is_upload(self, dataset_id: str) -> bool:
        """Whether there is such an upload, though its description may have been found damaged."""
        ...

    def upload_users(self, dataset_id: str, *, most: int) -> Sequence[str]:
        """The ids of experiments whose specs name the upload, so many at most."""
        ...


class AnswerStore(Protocol):
    """What requests were answered, under keys that their senders chose."""

    def keep_answer(self, key: str, answer: bytes, *, seconds: float, is_first: bool) -> bytes:
        """Keep an answer for so long, if `is_first` only where none is kept; what is kept from now on.

        It is possible where the store is full.
        """
        ...

    def drop_answer(self, key: str) -> None:
        """Keep it no longer."""
        ...


class EventStore(Protocol):
    """What becomes of experiments, told as it happens. Of each that is there the last thousand events are kept."""

    def events(self, experiment_id: str, *, after: int = 0) -> Sequence[ExperimentEvent]:
        """The events of greater numbers, in order; none of an experiment that is not there.

        Where some that were told are not kept any more, or were found damaged, their numbers are missing.
        """
        ...

    def last_events(self, experiment_ids: Sequence[str]) -> Mapping[str, int]:
        """The number of the last event of each experiment, 0 where there is none."""
        ...


class KeyStore(Protocol):
    """Keys of the HTTP interface. Every process that asks the store knows them."""

    def keep_key(self, kept: ApiKey) -> None:
        """Let the key be known from now on."""
        ...

    def key(self, key_id: str) -> ApiKey | None:
        """The key of that id; None if there is none, or it is damaged."""
        ...

    def keys(self) -> Sequence[ApiKey]:
        """All of them, the oldest first."""
        ...

    def drop_key(self, key_id: str) -> bool:
        """Let the key be known no more; whether it was."""
        ...

    def take_request(self, owner: str, *, per_minute: int) -> Allowance:
        """Take one of the requests that an owner has for a minute, which begins with the first of them."""
        ...


class WebhookStore(Protocol):
    """Ends of experiments that are to be told to an address: noted in the write in which they end."""

    def due_webhooks(self, *, most: int, seconds: float) -> Sequence[Delivery]:
        """Take ends that are to be told now; each comes again after `seconds`, unless what came of it is noted.

        Owners take turns, whoever had the last one longest ago first, and of each the end is next that was due first.
        What was taken `MOST_ATTEMPTS` times is given up instead.
        """
        ...

    def note_webhook(
        self, delivery: Delivery, state: WebhookState, *, status: int | None, seconds: float = 0.0
    ) -> None:
        """What came of an attempt; where it is pending, there is another in so many seconds.

        Nothing where a later attempt has begun, or the experiment has gone on or is gone.
        """
        ...

    def untold(self, *, most: int) -> Sequence[str]:
        """The experiments whose ends are to be told, now or later: of each owner those that are due first."""
        ...

    def webhook(self, experiment_id: str) -> Webhook:
        """What became of telling the end of an experiment that has an address for it."""
        ...


class Store(
    ExperimentStore,
    JobStore,
    Upkeep,
    ResultStore,
    UploadStore,
    AnswerStore,
    EventStore,
    KeyStore,
    WebhookStore,
    Protocol,
):
    """The whole store.

    One that was written in another form refuses with `ForeignStore` whatever would change it.
    """

    def adopt(self) -> None:
        """Take the store into use, if it is empty or of the form that is read here.

        Raises:
            ForeignStore: it is not.
        """
        ...

    def ping(self) -> bool:
        """Whether the store answers."""
        ...


class Doorbell(Protocol):
    """Tells workers that there is work."""

    def ring(self, queue: Queue, times: int = 1) -> None:
        """Wake so many of the queue's workers. A ring may be lost, doubled or late without harm."""
        ...

    def unanswered(self, queue: Queue) -> int:
        """How many rings nobody has taken yet.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        ...

    def trouble(self) -> str | None:
        """Why nobody can be rung for now, in words; None where they can be, by all that is known."""
        ...

    def hang_up(self) -> None:
        """The connection may have died unnoticed: leave it, and ring on a new one."""
        ...
