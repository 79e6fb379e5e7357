"""A store in memory, written from `jobs.ports` alone: the slow twin of the Redis store, and company for other tests.

Where the Redis store keeps running totals and indices, this one counts what is there each time it is asked.
"""

import math
import secrets
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import count
from operator import attrgetter
from typing import Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from core.identity import NUMERICS_VERSION
from jobs.api_keys import ApiKey
from jobs.cursor import decode_cursor, encode_cursor
from jobs.errors import (
    BrokerUnavailable,
    DocumentGone,
    EditedMeanwhile,
    ExperimentNotFound,
    InUse,
    LeaseLost,
    NotFailed,
    NotPlanned,
    StillActive,
    TooManyTags,
)
from jobs.ports import ALL, BACKGROUND_CHARGE, MOST_AHEAD, MOST_TAGS, NO_WISHES, NOBODYS, NOTHING, Doorbell, Store
from jobs.progress import Effort
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
    JobKind,
    Known,
    Labels,
    LiveWorker,
    LostAttempt,
    NewJob,
    Ownership,
    Page,
    Place,
    Priority,
    Queue,
    Round,
    StoredRun,
    Submission,
    Surroundings,
    UploadEntry,
    Waiting,
    Webhook,
    WebhookState,
    Wishes,
)
from jobs.run_keys import packed
from jobs.settings import Settings
from jobs.states import ENDS, JOB_MOVES, ExperimentStatus, JobState
from jobs.status import Counts, loss_error, missing_error
from jobs.webhooks import MOST_ATTEMPTS

LONGEST_REGISTRATION = 61.0
"""Seconds; a registration that lasts for longer was made before the clock was set back."""


@dataclass(kw_only=True)
class _Job:
    record: Job
    number: int
    rank: int = 0
    token: int = 0
    is_heard: bool = False
    fraction: float = 0.0
    lease_until: float = math.inf

    @property
    def place(self) -> tuple[int, int]:
        """In the line of its experiment."""
        return self.rank, self.number


_RECORD: Final = attrgetter("record")
_QUEUED: Final = JobState.QUEUED
_OPEN: Final = frozenset({JobState.QUEUED, JobState.RUNNING})


@dataclass(kw_only=True)
class _Experiment:
    id: str
    number: int
    name: str
    tags: tuple[str, ...]
    content_hash: str
    numerics: str
    spec: bytes
    created_at: float
    runs_total: int
    wishes: Wishes
    ownership: Ownership = NOBODYS
    notes: str = ""
    generation: int = 0
    is_cancelled: bool = False
    jobs: list[_Job] = field(default_factory=list)
    keys: dict[int, str] = field(default_factory=dict)
    former: dict[int, str] = field(default_factory=dict)
    former_outcomes: dict[int, str] | None = None
    has_counted: bool = False
    are_outcomes_known: bool = True
    inputs: set[str] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)
    outcomes: dict[int, str] = field(default_factory=dict)
    reused: int = 0
    checkpoints: dict[str, bytes] = field(default_factory=dict)
    served: dict[Queue, float] = field(default_factory=dict)
    flows: dict[Queue, float] = field(default_factory=dict)
    first_death: Job | None = None
    has_started: bool = False
    started_at: float | None = None
    work_at_start: float = 0.0
    finished_at: float | None = None
    webhook: Webhook = field(default_factory=Webhook)
    tells_at: float | None = None
    asked_again: int = 0
    told: list[ExperimentEvent] = field(default_factory=list)
    counted: set[int] = field(default_factory=set)
    looked: list[object] = field(default_factory=list)

    def tell(self) -> None:
        """Tell what has changed since the last time."""
        looks = [self.is_cancelled, self.has_started, self.runs_total, *self.outcomes, *map(_RECORD, self.jobs)]
        if looks == self.looked:
            return
        self.looked = looks
        new, self.counted = sorted(self.outcomes.keys() - self.counted), set(self.outcomes)
        status = self.counts.status
        if new or not self.told or self.told[-1].status is not status:
            event = ExperimentEvent(
                number=self.told[-1].number + 1 if self.told else 1,
                status=status,
                runs=tuple(new),
                runs_done=len(self.outcomes),
                outcomes=self.told_outcomes,
            )
            self.told = [*self.told, event][-1000:]

    @property
    def told_outcomes(self) -> dict[str, int]:
        return dict(Counter(self.outcomes.values())) if self.are_outcomes_known else {}

    def count(self, state: JobState) -> int:
        return [job.record.state for job in self.jobs].count(state)

    @property
    def counts(self) -> Counts:
        states = [job.record.state for job in self.jobs]
        return Counts(
            is_cancelled=self.is_cancelled,
            plan=states[0],
            has_started=self.has_started,
            queued=states.count(JobState.QUEUED),
            running=states.count(JobState.RUNNING),
            dead=states.count(JobState.DEAD),
            runs_total=self.runs_total,
            runs_done=len(self.outcomes),
        )

    @property
    def is_finished(self) -> bool:
        return self.is_cancelled or not any(job.record.state in _OPEN for job in self.jobs)

    @property
    def work_spent(self) -> float:
        training = [job for job in self.jobs if job.record.kind is JobKind.TRAIN]
        return sum(
            job.record.work * (1.0 if job.record.state is JobState.SUCCEEDED else job.fraction) for job in training
        )

    @property
    def is_background(self) -> bool:
        return self.wishes.priority is Priority.BATCH

    def turn(self, queue: Queue) -> tuple[float, int]:
        """The experiment whose turn ends first takes the next one."""
        return self.flows[queue], self.number

    def left(self, queue: Queue) -> float:
        """The work of its turn that it was not given yet."""
        return self.flows[queue] - self.served[queue]

    def backlog(self, queue: Queue) -> list[_Job]:
        return sorted(self.waiting(queue), key=lambda job: job.place)

    def waiting(self, queue: Queue) -> list[_Job]:
        return [job for job in self.jobs if (own := job.record).state is _QUEUED and own.queue is queue]

    def may_flow(self, queue: Queue) -> bool:
        """Whether it takes turns in the queue."""
        return bool(self.waiting(queue)) and not self.is_finished

    def error(self, status: ExperimentStatus) -> str | None:
        dead = self.first_death
        is_stopped = status is ExperimentStatus.CANCELLED and self.wishes.stop_at_first_failure and dead is not None
        if status is not ExperimentStatus.FAILED and not is_stopped:
            return None
        if dead is None:
            return missing_error(self.runs_total, len(self.outcomes))
        return loss_error(dead.losses, dead.failures, dead.error or "")

    def record(self, now: float) -> Experiment:
        training = [job.record for job in self.jobs if job.record.kind is JobKind.TRAIN]
        counts = self.counts
        status = counts.status
        effort = Effort(
            planned=counts.plan is JobState.SUCCEEDED,
            runs_total=self.runs_total,
            runs_reused=self.reused,
            work_total=sum(job.work for job in training),
            work_spent=self.work_spent,
            work_at_start=self.work_at_start,
            started_at=self.started_at,
        )
        return Experiment(
            id=self.id,
            name=self.name,
            tags=self.tags,
            content_hash=self.content_hash,
            numerics=self.numerics,
            status=status,
            created_at=self.created_at,
            finished_at=self.finished_at,
            runs_total=self.runs_total,
            runs_done=len(self.outcomes),
            runs_reused=self.reused,
            jobs_total=len(self.jobs),
            jobs_done=self.count(JobState.SUCCEEDED),
            jobs_running=counts.running,
            jobs_dead=counts.dead,
            outcomes=self.told_outcomes,
            progress=effort.progress(status),
            eta_seconds=effort.eta_seconds(status, now),
            error=self.error(status),
            wishes=self.wishes,
            ownership=self.ownership,
        )

    @property
    def answers_for(self) -> tuple[str, str, str, Ownership]:
        return self.content_hash, self.numerics, self.name, replace(self.ownership, is_shared=False)


class _Telling:
    """A lock that tells what has become of experiments whenever it is let go; `reading` is the same lock, silent.

    `touched` are those that may have changed since: the others have nothing to tell.
    """

    def __init__(self) -> None:
        self.reading, self._depth = threading.RLock(), 0
        self.touched: dict[str, _Experiment] = {}

    def __enter__(self) -> None:
        self.reading.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            while self.touched:
                self.touched.popitem()[1].tell()
        self.reading.release()


class MemoryStore(Store):
    """Dictionaries behind one lock; `clock` stands for the server's."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.time, numerics: str = NUMERICS_VERSION
    ) -> None:
        self._settings, self._clock, self.numerics = settings, clock, numerics
        self._made_up_for: float | None = None
        self._experiments: dict[str, _Experiment] = {}
        self._lock = _Telling()
        self._runs: dict[str, StoredRun] = {}
        self._documents: dict[str, tuple[bytes, float]] = {}
        self._uploads: dict[str, int] = {}
        self._touched: dict[str, float] = {}
        self._numbers = count(1)
        self._garbage: list[_Experiment] = []
        self._workers: dict[str, LiveWorker] = {}
        self._served_until: dict[tuple[Queue, str], float] = {}
        self._virtual_now: dict[tuple[Queue, str, bool, str], float] = {}
        self._owners_now: dict[tuple[Queue, str, bool], float] = {}
        self._owners_served: dict[tuple[Queue, str, bool, str], float] = {}
        self._owed: dict[tuple[Queue, str], float] = {}
        self._waits_since: dict[tuple[Queue, str], float] = {}
        self._current: dict[tuple[str, str, str, Ownership], str] = {}
        self._janitor: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._answers: dict[str, tuple[bytes, float]] = {}
        self._keys: dict[str, ApiKey] = {}
        self._requests: dict[str, tuple[float, int]] = {}
        self._ended: Counter[JobState] = Counter()
        self._figures: defaultdict[str, dict[str, deque[FigureRequest]]] = defaultdict(dict)
        self._webhook_turns: dict[str, float] = {}

    @override
    def ping(self) -> bool:
        return True

    @override
    def adopt(self) -> None:
        pass

    def of_version(self, numerics: str) -> "MemoryStore":
        """The same store, asked by a process of another numerics version."""
        other = copy(self)
        other.numerics = numerics
        return other

    # Experiments

    @override
    def submit(
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
        with self._lock:
            known = self._experiments.get(self._current.get((content_hash, self.numerics, name, ownership), ""))
            if known and not known.is_cancelled and known.counts.status is not ExperimentStatus.FAILED:
                added = tuple(tag for tag in dict.fromkeys(tags) if tag not in known.tags)
                if added and len(known.tags) + len(added) > MOST_TAGS:
                    raise TooManyTags(f"an experiment has no more tags than {MOST_TAGS}")
                known.tags += added
                if not known.is_finished:
                    self._ask_again(known)
                return Submission(experiment=known.record(self._clock()), is_new=False, tags_added=added)
            for document in documents:
                if document not in self._documents:
                    raise DocumentGone(f"{document} is not there any more")
            new = _Experiment(
                id=secrets.token_hex(16),
                number=next(self._numbers),
                name=name,
                tags=tuple(tags),
                content_hash=content_hash,
                numerics=self.numerics,
                spec=spec,
                created_at=self._clock(),
                runs_total=runs,
                inputs=set(documents),
                wishes=wishes,
                ownership=ownership,
            )
            self._experiments[new.id] = new
            self._current[new.answers_for] = new.id
            self._record(new, NewJob(id=f"{new.id}.plan", queue=Queue.INTERACTIVE, payload={}), JobKind.PLAN)
            return Submission(experiment=new.record(self._clock()), is_new=True)

    @override
    def experiment(self, experiment_id: str) -> Experiment:
        with self._lock.reading:
            return self._experiment(experiment_id).record(self._clock())

    @override
    def records(self, experiment_ids: Sequence[str]) -> Mapping[str, Experiment]:
        with self._lock.reading:
            return {each: self.experiment(each) for each in experiment_ids if each in self._experiments}

    @override
    def spec(self, experiment_id: str) -> bytes:
        return self._experiment(experiment_id).spec

    @override
    def edit(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        notes: str | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        shared: bool | None = None,
        expected: Labels | None = None,
    ) -> Experiment:
        with self._lock:
            experiment = self._experiment(experiment_id)
            own = Labels(name=experiment.name, tags=experiment.tags, notes=experiment.notes)
            kept = [tag for tag in (experiment.tags if tags is None else tags) if tag not in remove_tags]
            kept += [tag for tag in dict.fromkeys(add_tags) if tag not in kept]
            new = Labels(
                name=own.name if name is None else name, tags=tuple(kept), notes=own.notes if notes is None else notes
            )
            is_done = new == own and shared in {None, experiment.ownership.is_shared}
            if expected not in {None, own} and not is_done:
                raise EditedMeanwhile("somebody has edited it meanwhile")
            if add_tags and len(kept) > MOST_TAGS:
                raise TooManyTags(f"an experiment has no more tags than {MOST_TAGS}")
            if name is not None:
                answered = self._step_down(experiment)
                experiment.name = name
                if answered:
                    self._current.setdefault(experiment.answers_for, experiment_id)
            if shared is not None:
                experiment.ownership = replace(experiment.ownership, is_shared=shared)
            experiment.tags, experiment.notes = new.tags, new.notes
            return experiment.record(self._clock())

    @override
    def notes(self, experiment_id: str) -> str:
        experiment = self._experiments.get(experiment_id)
        return experiment.notes if experiment else ""

    @override
    def in_full(self, experiment_ids: Sequence[str]) -> Mapping[str, tuple[Experiment, str]]:
        return {each: (record, self.notes(each)) for each, record in self.records(experiment_ids).items()}

    @override
    def ids(self, prefix: str, *, most: int, owner: str | None = None) -> Sequence[str]:
        found = (each.id for each in self._experiments.values() if owner in {None, each.ownership.owner})
        return sorted(each for each in found if each.startswith(prefix))[:most]

    @override
    def places(self, experiment_id: str) -> Sequence[Place]:
        with self._lock.reading:
            experiment = self._experiment(experiment_id)
            return [self._place(experiment, queue) for queue in Queue if queue in experiment.flows]

    @override
    def experiments(self, filters: Filters = ALL, *, limit: int = 50, cursor: str | None = None) -> Page:
        before = math.inf if cursor is None else decode_cursor(cursor)
        with self._lock.reading:
            found = [
                (each.number, record)
                for each in reversed(self._experiments.values())
                if each.number < before and filters.let_pass(record := each.record(self._clock()))
            ]
            return Page(
                experiments=tuple(record for _, record in found[:limit]),
                next_cursor=encode_cursor(found[limit - 1][0]) if len(found) > limit else None,
            )

    @override
    def cancel(self, experiment_id: str, *, expected: Known | None = None) -> Experiment:
        with self._lock:
            experiment = self._experiment(experiment_id)
            if not experiment.is_cancelled:
                self._require_as_known(experiment, expected)
            self._cancel(experiment)
            return experiment.record(self._clock())

    @override
    def retry(self, experiment_id: str, *, is_incomplete: bool = False, expected: Known | None = None) -> Experiment:
        with self._lock:
            experiment = self._experiment(experiment_id)
            self._require_as_known(experiment, expected)
            may = {ExperimentStatus.FAILED, *([ExperimentStatus.SUCCEEDED] if is_incomplete else [])}
            if experiment.counts.status not in may:
                raise NotFailed(experiment.counts.status)
            dead = [job for job in experiment.jobs if job.record.state is JobState.DEAD]
            if not dead:
                self._plan_anew(experiment)
            experiment.first_death = experiment.started_at = None
            experiment.has_started = experiment.count(JobState.RUNNING) > 0
            for job in dead:
                job.record = replace(job.record, attempt=0, failures=0, losses=0, error=None)
                self._enter(experiment, job, JobState.QUEUED)
            return experiment.record(self._clock())

    @override
    def delete(self, experiment_id: str, *, expected: Known | None = None) -> None:
        with self._lock:
            experiment = self._experiment(experiment_id)
            self._require_as_known(experiment, expected)
            if not experiment.is_finished:
                raise StillActive(experiment.counts.status)
            self._step_down(experiment)
            self._garbage.append(self._experiments.pop(experiment_id))
            for document in experiment.inputs:
                self._drop_document(document)

    # Jobs

    @override
    def claim(self, queue: Queue, *, worker: str) -> Claim | None:
        with self._lock:
            flows = self._flowing(queue, self.numerics)
            if not flows:
                self._owed.pop((queue, self.numerics), None)
                return None
            experiment = self._in_turn(queue, flows)
            job = experiment.backlog(queue)[0]
            line = queue, experiment.numerics, experiment.is_background
            its = *line, experiment.ownership.owner
            turn = self._settings.turn_seconds
            owner_ends, ends = self._owner_turn(experiment, queue)[0], experiment.flows[queue]
            self._owners_now[line] = max(self._owners_now.get(line, 0.0), owner_ends - turn)
            self._virtual_now[its] = max(self._virtual_now.get(its, 0.0), ends - turn)
            self._owners_served[its] += job.record.work
            experiment.served[queue] += job.record.work
            if experiment.served[queue] >= ends:
                experiment.flows[queue] = experiment.served[queue] + self._next_turn(experiment.backlog(queue)[1:])
            self._waits_since[queue, self.numerics] = self._clock()
            job.token += 1
            job.is_heard = False
            job.lease_until = self._clock() + self._settings.lease_seconds
            job.record = replace(job.record, attempt=job.record.attempt + 1)
            self._enter(experiment, job, JobState.RUNNING)
            return Claim(job=job.record, token=job.token)

    @override
    def heartbeat(self, claim: Claim, *, fraction: float) -> None:
        with self._held(claim) as (_, job):
            job.fraction = min(max(fraction, 0.0), 1.0)

    @override
    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        with self._held(claim) as (experiment, job):
            experiment.checkpoints[job.record.id] = checkpoint
            job.record = replace(job.record, losses=0)

    @override
    def checkpoint(self, job: Job) -> bytes | None:
        experiment = self._experiments.get(job.experiment_id)
        return experiment.checkpoints.get(job.id) if experiment else None

    @override
    def add_jobs(self, claim: Claim, jobs: Sequence[NewJob]) -> None:
        with self._held(claim) as (experiment, _):
            known = {job.record.id for job in experiment.jobs}
            for job in jobs:
                if job.id not in known:
                    self._record(experiment, job, JobKind.TRAIN)

    @override
    def use_documents(self, claim: Claim, documents: Sequence[str]) -> None:
        with self._held(claim) as (experiment, _):
            experiment.documents.update(documents)

    @override
    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        packed(keys)
        with self._held(claim) as (experiment, _):
            replaced = [experiment.keys.get(index, "") for index, _ in enumerate(keys, start)]
            experiment.keys.update(enumerate(keys, start))
            self._drop_unused(replaced)
            for index, key in enumerate(keys, start):
                if key in self._runs and index not in experiment.outcomes:
                    experiment.outcomes[index] = self._runs[key].outcome
                    experiment.has_counted = True
                    experiment.reused += 1
            return [index for index, key in enumerate(keys, start) if key not in self._runs]

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        packed(each.run.key for each in runs)
        with self._held(claim) as (experiment, _):
            return self._count(experiment, runs)

    def _count(self, experiment: _Experiment, runs: Sequence[FinishedRun]) -> int:
        for each in runs:
            if experiment.keys.get(each.index) != each.run.key:
                raise NotPlanned(f"run {each.index} was planned under another key")
        new = {each.index for each in runs} - set(experiment.outcomes)
        for each in runs:
            kept = self._runs.setdefault(each.run.key, each.run)
            experiment.outcomes.setdefault(each.index, kept.outcome)
            experiment.has_counted = True
        return len(new)

    @override
    def complete(self, claim: Claim, runs: Sequence[FinishedRun] = ()) -> None:
        packed(each.run.key for each in runs)
        with self._held(claim) as (experiment, job):
            self._count(experiment, runs)
            self._enter(experiment, job, JobState.SUCCEEDED)

    @override
    def fail(self, claim: Claim, error: str, *, is_hopeless: bool = False) -> None:
        with self._held(claim) as (experiment, job):
            job.record = replace(job.record, failures=job.record.failures + 1, error=error)
            self._after_attempt(experiment, job, is_hopeless=is_hopeless)

    @override
    def release(self, claim: Claim) -> None:
        with self._held(claim) as (experiment, job):
            job.record = replace(job.record, attempt=job.record.attempt - 1)
            self._enter(experiment, job, JobState.QUEUED)

    @override
    def job(self, job_id: str) -> Job | None:
        with self._lock.reading:
            found = (job for each in self._experiments.values() for job in self.jobs(each.id) if job.id == job_id)
            return next(found, None)

    @override
    def jobs(self, experiment_id: str, start: int = 0, stop: int | None = None) -> Sequence[Job]:
        with self._lock.reading:
            experiment = self._experiment(experiment_id)
            jobs = experiment.jobs[start:stop]
            return [_told(job.record, is_cancelled=experiment.is_cancelled) for job in jobs]

    # Upkeep

    @override
    def tidy(self, caller: str, *, period: float, last: float | None, elapsed: float) -> Round:
        with self._lock:
            now = self._clock()
            others = [until for holder, until in self._janitor.items() if holder != caller]
            if any(now < until <= now + 3 * period for until in others):
                return Round(is_janitor=False, at=now)
            is_new = caller not in self._janitor
            self._janitor.clear()
            self._janitor[caller] = now + 3 * period
            if last is None and is_new:
                return Round(is_janitor=True, at=now)
            jump = 0.0 if last is None else now - last - elapsed
            jump = jump if abs(jump) > self._settings.lease_seconds / 3 and last != self._made_up_for else 0.0
            self._made_up_for = last if jump else self._made_up_for
            for line in self._waits_since:
                self._waits_since[line] += jump
            lost = []
            for experiment in self._experiments.values():
                for job in experiment.jobs:
                    if job.record.state is JobState.RUNNING:
                        job.lease_until += jump
                        if job.lease_until > now + self._settings.lease_seconds + 1:
                            job.lease_until = now + self._settings.lease_seconds
                        if job.lease_until <= now:
                            lost.append((job.lease_until, job.record.id, experiment, job))
            found = tuple(
                self._lose(experiment, job) for _, _, experiment, job in sorted(lost, key=lambda each: each[:2])
            )
            return Round(is_janitor=True, at=now, jump=jump, lost=found)

    @override
    def clear_garbage(self, *, most: int) -> int:
        with self._lock:
            garbage, self._garbage[:] = list(self._garbage), []
            for each in garbage:
                self._drop_unused([*each.keys.values(), *each.former.values()])
                for document in each.documents:
                    self._drop_document(document)
            return len(garbage)

    @override
    def sweep(self, *, most: int, grace: float) -> Sequence[str]:
        with self._lock:
            now = self._clock()
            orphans = [
                key
                for key, (_, until) in self._documents.items()
                if until == math.inf
                and not self._is_used(key)
                and not self._is_upload(key)
                and now - self._touched[key] >= grace
            ]
            for key in orphans:
                del self._documents[key]
            return [f"document:{key}" for key in orphans]

    @override
    def audit(self, *, most: int) -> None:
        """What lies in this process does not change by itself."""

    @override
    def finished_before(self, *, seconds: float, most: int) -> Sequence[str]:
        with self._lock.reading:
            ended = [(each.finished_at, each.id) for each in self._experiments.values() if each.finished_at is not None]
            return [each for at, each in sorted(ended) if at <= self._clock() - seconds][:most]

    @override
    def plan_anew(self, numerics: str, *, most: int) -> Sequence[str]:
        with self._lock:
            old = [each for each in self._experiments.values() if each.numerics == numerics]
            open_ones = [each for each in old if not each.is_finished][:most]
            for each in open_ones:
                self._plan_anew(each)
            return [each.id for each in open_ones]

    @override
    def register(self, worker: LiveWorker, *, queues: Iterable[Queue], seconds: float) -> None:
        with self._lock.reading:
            self._workers[worker.name] = worker
            self._served_until.update({(queue, worker.name): self._clock() + seconds for queue in queues})

    @override
    def look_around(self, queue: Queue) -> Surroundings:
        with self._lock.reading:
            now = self._clock()
            names = [
                name
                for (served, name), until in self._served_until.items()
                if served is queue and now < until <= now + LONGEST_REGISTRATION
            ]
            alive = [self._workers[name] for name in names]
            versions = sorted({each.numerics for each in self._experiments.values()})
            waiting = []
            for version in versions:
                flows = self._flowing(queue, version)
                if flows:
                    jobs = sum(len(each.waiting(queue)) for each in flows)
                    since = self._waits_since[queue, version]
                    waiting.append(
                        Waiting(
                            numerics=version, experiments=len(flows), jobs=jobs, untaken_seconds=max(now - since, 0.0)
                        )
                    )
            return Surroundings(workers=tuple(alive), waiting=tuple(waiting))

    @override
    def work_waiting(self, queue: Queue, *, most: int) -> int:
        with self._lock.reading:
            jobs = sum(len(each.waiting(queue)) for each in self._flowing(queue, self.numerics))
            figures = sum(map(len, self._figures[self.numerics].values())) if queue is Queue.INTERACTIVE else 0
            return min(jobs + figures, most)

    @override
    def damaged(self) -> Sequence[str]:
        return []

    @override
    def require_writable(self) -> None:
        pass

    @override
    def room(self, *, reserve: float = 0.0) -> str | None:
        return None

    @override
    def gauges(self) -> Gauges:
        with self._lock.reading:
            return Gauges(
                memory=0,
                memory_limit=0,
                experiments=len(self._experiments),
                unfinished=sum(not each.is_finished for each in self._experiments.values()),
                jobs_ended={state: self._ended[state] for state in ENDS},
            )

    # Webhooks

    @override
    def due_webhooks(self, *, most: int, seconds: float) -> Sequence[Delivery]:
        with self._lock:
            now = self._clock()
            told = [each for each in self._experiments.values() if each.tells_at is not None]
            turns = {each: self._webhook_turns[each] for each in {experiment.ownership.owner for experiment in told}}
            rounds = []
            for owner, last in turns.items():
                its = [each for each in told if each.ownership.owner == owner and (each.tells_at or 0.0) <= now]
                its.sort(key=lambda each: (each.tells_at, each.id))
                rounds += [(place, last, owner, each) for place, each in enumerate(its)]
            first = [each for *_, each in sorted(rounds, key=lambda turn: turn[:3])[:most]]
            self._webhook_turns.clear()
            self._webhook_turns.update(turns | {each.ownership.owner: now for each in first})
            taken = []
            for each in first:
                if each.webhook.attempts >= MOST_ATTEMPTS:
                    each.tells_at, each.webhook = None, replace(each.webhook, state=WebhookState.GIVEN_UP)
                    continue
                taken.append(each)
                each.tells_at = now + seconds
                each.webhook = replace(each.webhook, attempts=each.webhook.attempts + 1)
            return [
                Delivery(
                    experiment_id=each.id,
                    url=each.wishes.webhook,
                    finished_at=each.finished_at or 0.0,
                    attempt=each.webhook.attempts,
                )
                for each in taken
            ]

    @override
    def note_webhook(
        self, delivery: Delivery, state: WebhookState, *, status: int | None, seconds: float = 0.0
    ) -> None:
        with self._lock:
            known = self._experiments.get(delivery.experiment_id)
            if known is None or (known.finished_at, known.webhook.attempts) != (
                delivery.finished_at,
                delivery.attempt,
            ):
                return
            known.webhook = replace(known.webhook, state=state, last_status=status)
            known.tells_at = self._clock() + seconds if state is WebhookState.PENDING else None
            self._webhook_turns.setdefault(known.ownership.owner, self._clock())

    @override
    def untold(self, *, most: int) -> Sequence[str]:
        with self._lock.reading:
            lines: dict[str, list[tuple[float, str]]] = defaultdict(list)
            for each in self._experiments.values():
                if each.tells_at is not None:
                    lines[each.ownership.owner].append((each.tells_at, each.id))
            return [each for line in lines.values() for _, each in sorted(line)[:most]]

    @override
    def webhook(self, experiment_id: str) -> Webhook:
        with self._lock:
            known = self._experiments.get(experiment_id)
            return known.webhook if known else Webhook()

    # Results

    @override
    def summaries(self, experiment_id: str, start: int, stop: int) -> Sequence[bytes | None]:
        with self._lock.reading:
            experiment = self._experiment(experiment_id)
            runs = [self._run(experiment, index) for index in range(start, min(stop, experiment.runs_total))]
            experiment.tell()
            return [run.summary if run else None for run in runs]

    @override
    def first_missing(self, experiment_id: str) -> int:
        with self._lock:
            experiment = self._experiment(experiment_id)
            return next(
                (index for index in range(experiment.runs_total) if index not in experiment.outcomes),
                experiment.runs_total,
            )

    @override
    def run(self, experiment_id: str, index: int) -> StoredRun | None:
        with self._lock:
            return self._run(self._experiment(experiment_id), index)

    @override
    def contents(self, experiment_id: str) -> str:
        with self._lock:
            experiment = self._experiments.get(experiment_id)
            return repr((sorted(experiment.keys.items()), sorted(experiment.outcomes))) if experiment else ""

    @override
    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        with self._lock:
            if self.document(key) is None:
                self._documents[key] = document, math.inf if seconds is None else self._clock() + seconds
            self._touched[key] = self._clock()

    @override
    def document(self, key: str) -> bytes | None:
        with self._lock.reading:
            self._touched[key] = self._clock()
            document, until = self._documents.get(key, (None, 0.0))
            return document if until > self._clock() else None

    @override
    def keep_document(self, experiment_id: str, key: str, document: bytes) -> None:
        with self._lock:
            self._experiment(experiment_id).documents.add(key)
            self._documents[key] = document, math.inf
            self._touched[key] = self._clock()

    @override
    def drop_documents(self, keys: Sequence[str], *, expected: Mapping[str, bytes] = NOTHING) -> None:
        with self._lock:
            if any(self.document(key) != document for key, document in expected.items()):
                raise EditedMeanwhile("somebody has edited it meanwhile")
            if any(self._is_used(key) for key in keys):
                raise InUse("an experiment uses it")
            for key in keys:
                self._documents.pop(key, None)
                self._uploads.pop(key.removeprefix("dataset-description:"), None)

    @override
    def keep_upload(self, dataset_id: str, *, arrays: bytes, description: bytes) -> bool:
        with self._lock:
            about = f"dataset-description:{dataset_id}"
            is_new = about not in self._documents
            self.put_document(f"dataset:{dataset_id}", arrays)
            self._documents[about] = description, math.inf
            self._touched[about] = self._clock()
            self._uploads.setdefault(dataset_id, next(self._numbers))
            return is_new

    @override
    def uploads(self, *, limit: int, cursor: str | None = None, owner: str = "") -> Sequence[UploadEntry]:
        with self._lock.reading:
            before = math.inf if cursor is None else decode_cursor(cursor)
            theirs = {each: number for each, number in self._uploads.items() if each.rpartition("/")[0] == owner}
            newest = sorted(((number, each) for each, number in theirs.items() if number < before), reverse=True)
            return [
                UploadEntry(description=self._documents[f"dataset-description:{each}"][0], cursor=encode_cursor(number))
                for number, each in newest[:limit]
            ]

    @override
    def is_upload(self, dataset_id: str) -> bool:
        with self._lock.reading:
            return dataset_id in self._uploads

    @override
    def upload_users(self, dataset_id: str, *, most: int) -> Sequence[str]:
        with self._lock.reading:
            users = [each.id for each in self._experiments.values() if f"dataset:{dataset_id}" in each.inputs]
            return sorted(users)[:most]

    @override
    def keep_answer(self, key: str, answer: bytes, *, seconds: float, is_first: bool) -> bytes:
        with self._lock:
            kept, until = self._answers.get(key, (b"", 0.0))
            if is_first and until > self._clock():
                return kept
            self._answers[key] = answer, self._clock() + seconds
            return answer

    @override
    def drop_answer(self, key: str) -> None:
        self._answers.pop(key, None)

    @override
    def keep_key(self, kept: ApiKey) -> None:
        self._keys[kept.id] = kept

    @override
    def key(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    @override
    def keys(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda each: (each.created_at, each.id))

    @override
    def drop_key(self, key_id: str) -> bool:
        return self._keys.pop(key_id, None) is not None

    @override
    def take_request(self, owner: str, *, per_minute: int) -> Allowance:
        with self._lock:
            now = self._clock()
            until, taken = self._requests.get(owner, (now, 0))
            if until <= now:
                until, taken = now + 60.0, 0
            is_taken = taken < per_minute
            self._requests[owner] = until, taken + is_taken
            return Allowance(is_taken=is_taken, left=per_minute - taken - is_taken, seconds=until - now)

    @override
    def events(self, experiment_id: str, *, after: int = 0) -> Sequence[ExperimentEvent]:
        with self._lock.reading:
            known = self._experiments.get(experiment_id)
            return [event for event in known.told if event.number > after] if known else []

    @override
    def last_events(self, experiment_ids: Sequence[str]) -> Mapping[str, int]:
        with self._lock.reading:
            found = {each: self.events(each) for each in experiment_ids}
            return {each: events[-1].number if events else 0 for each, events in found.items()}

    @override
    def request_figure(self, request: FigureRequest, *, seconds: float) -> bool:
        with self._lock:
            if self._asked.get(request.key, -math.inf) > self._clock():
                return False
            self._asked[request.key] = self._clock() + seconds
            # The first of those that take turns is next: who comes, and who has had a turn, goes to the end.
            self._figures[self.numerics].setdefault(request.owner, deque()).append(request)
            return True

    @override
    def next_figure(self) -> FigureRequest | None:
        with self._lock.reading:
            lines = self._figures[self.numerics]
            for owner, line in list(lines.items())[:1]:
                del lines[owner]
                request = line.popleft()
                if line:
                    lines[owner] = line
                return request
            return None

    def looks(self, experiment_id: str) -> list[object]:
        """What its status and its counts follow from: another list as soon as any of it has changed."""
        return self._experiment(experiment_id).looked

    def expire(self, job_id: str) -> None:
        """Put the end of the job's lease into the past."""
        for experiment in self._experiments.values():
            for job in experiment.jobs:
                if job.record.id == job_id:
                    job.lease_until = 0.0

    def _experiment(self, experiment_id: str) -> _Experiment:
        if experiment_id not in self._experiments:
            raise ExperimentNotFound(experiment_id)
        return self._experiments[experiment_id]

    @staticmethod
    def _require_as_known(experiment: _Experiment, expected: Known | None) -> None:
        labels = Labels(name=experiment.name, tags=experiment.tags, notes=experiment.notes)
        own = Known(labels=labels, status=experiment.counts.status, finished_at=experiment.finished_at)
        if expected not in {None, own}:
            raise EditedMeanwhile("somebody has edited it meanwhile")

    def _run(self, experiment: _Experiment, index: int) -> StoredRun | None:
        run = self._runs.get(experiment.keys.get(index, ""))
        if run is None and index in experiment.outcomes:
            del experiment.outcomes[index]
            self._touch(experiment)
        return run

    def _touch(self, experiment: _Experiment) -> None:
        self._lock.touched[experiment.id] = experiment

    def _step_down(self, experiment: _Experiment) -> bool:
        """It no longer answers for its spec; whether it did."""
        answered = self._current.get(experiment.answers_for) == experiment.id
        if answered:
            del self._current[experiment.answers_for]
        return answered

    def _is_used(self, document: str) -> bool:
        """By an experiment that is there, or of which not everything is cleared away."""
        is_named = any(document in each.inputs for each in self._experiments.values())
        return is_named or any(document in each.documents for each in (*self._experiments.values(), *self._garbage))

    def _is_upload(self, document: str) -> bool:
        """There for its own sake: a description, or a data set that is described."""
        kind, _, id_ = document.partition(":")
        return kind == "dataset-description" or (kind == "dataset" and f"dataset-description:{id_}" in self._documents)

    def _drop_document(self, document: str) -> None:
        if not self._is_used(document) and not self._is_upload(document):
            self._documents.pop(document, None)

    def _drop_unused(self, keys: Iterable[str]) -> None:
        """Those of the runs that stand in no plan any more."""
        plans = (plan for each in (*self._experiments.values(), *self._garbage) for plan in (each.keys, each.former))
        for key in set(keys).intersection(self._runs).difference(*(plan.values() for plan in plans)):
            del self._runs[key]

    def _flowing(self, queue: Queue, numerics: str) -> list[_Experiment]:
        """Those of a version that take turns in the queue."""
        return [each for each in self._experiments.values() if queue in each.flows and each.numerics == numerics]

    @contextmanager
    def _held(self, claim: Claim) -> Iterator[tuple[_Experiment, _Job]]:
        with self._lock:
            experiment = self._experiments.get(claim.job.experiment_id)
            jobs = experiment.jobs if experiment else []
            job = next((each for each in jobs if each.record.id == claim.job.id), None)
            if (
                experiment is None
                or job is None
                or job.record.state is not JobState.RUNNING
                or job.token != claim.token
            ):
                raise LeaseLost("the job is no longer this worker's")
            job.lease_until, job.is_heard = self._clock() + self._settings.lease_seconds, True
            self._touch(experiment)
            yield experiment, job

    def _record(self, experiment: _Experiment, job: NewJob, kind: JobKind) -> None:
        record = Job(
            id=job.id,
            kind=kind,
            queue=job.queue,
            experiment_id=experiment.id,
            state=JobState.QUEUED,
            payload=dict(job.payload),
            work=job.work,
        )
        experiment.jobs.append(_Job(record=record, number=len(experiment.jobs) + 1, rank=job.rank))
        self._touch(experiment)
        self._begin_to_flow(experiment, job.queue, job.work)

    def _next_turn(self, waiting: Sequence[_Job]) -> float:
        """The work of a turn of these jobs: of all, a whole turn at most."""
        work = 0.0
        for job in waiting[:64]:
            if work < self._settings.turn_seconds:
                work += job.record.work
        return min(work, self._settings.turn_seconds)

    def _sooner_by(self, experiment: _Experiment) -> float:
        """A half of a turn, two thirds, three quarters, …: by how many have asked for it after the first."""
        return self._settings.turn_seconds * experiment.asked_again / (experiment.asked_again + 1)

    def _ask_again(self, experiment: _Experiment) -> None:
        before = self._sooner_by(experiment)
        experiment.asked_again += 1
        shift = before - self._sooner_by(experiment)
        for queue in experiment.flows:
            experiment.served[queue] += shift
            experiment.flows[queue] += shift

    def _begin_to_flow(self, experiment: _Experiment, queue: Queue, work: float) -> None:
        """What begins to wait starts from max(its own virtual time, that of its line); what waits wants more."""
        turn = self._settings.turn_seconds
        if queue in experiment.flows and experiment.may_flow(queue):
            ends = experiment.flows[queue]
            experiment.flows[queue] = max(ends, min(ends + work, experiment.served[queue] + turn))
        elif experiment.may_flow(queue):
            line = queue, experiment.numerics, experiment.is_background
            its = *line, experiment.ownership.owner
            waiting = self._flowing(queue, experiment.numerics)
            if not waiting:
                self._waits_since[line[:2]] = self._clock()
            if its not in {(*line[:2], each.is_background, each.ownership.owner) for each in waiting}:
                self._owners_served[its] = max(self._owners_served.get(its, 0.0), self._owners_now.get(line, 0.0))
            now = self._virtual_now.get(its, 0.0) - self._sooner_by(experiment)
            experiment.served[queue] = max(experiment.served.get(queue, -math.inf), now)
            experiment.flows[queue] = experiment.served[queue] + min(work, turn)

    def _enter(self, experiment: _Experiment, job: _Job, state: JobState) -> None:
        assert state in JOB_MOVES[job.record.state]
        if job.record.state is JobState.RUNNING:
            job.fraction = job.fraction if state is JobState.CANCELLED else 0.0
            job.lease_until = math.inf
        job.record = replace(job.record, state=state)
        self._ended[state] += 1
        if job.record.kind is JobKind.PLAN and state is JobState.SUCCEEDED and experiment.former:
            self._garbage.append(replace(experiment, keys=experiment.former, former={}, documents=set()))
            experiment.former = {}
        if job.record.kind is JobKind.PLAN and state is JobState.SUCCEEDED:
            experiment.former_outcomes = None
        if state is JobState.RUNNING and job.record.kind is JobKind.TRAIN and experiment.started_at is None:
            experiment.has_started, experiment.started_at = True, self._clock()
            experiment.work_at_start = experiment.work_spent
        if state in {JobState.SUCCEEDED, JobState.CANCELLED}:
            experiment.checkpoints.pop(job.record.id, None)
        if state is JobState.DEAD and experiment.first_death is None:
            experiment.first_death = job.record
        self._settle(experiment)
        if state is JobState.QUEUED:
            self._begin_to_flow(experiment, job.record.queue, job.record.work)

    def _settle(self, experiment: _Experiment) -> None:
        self._touch(experiment)
        if not experiment.is_finished:
            experiment.finished_at = experiment.tells_at = None
            experiment.webhook = Webhook()
        elif experiment.finished_at is None:
            experiment.finished_at = self._clock()
            experiment.tells_at = experiment.finished_at if experiment.wishes.webhook else None
            if experiment.tells_at is not None:
                self._webhook_turns.setdefault(experiment.ownership.owner, experiment.tells_at)
            if experiment.counts.status is not ExperimentStatus.FAILED:
                experiment.checkpoints.clear()
        for queue in Queue:
            if queue in experiment.flows and not experiment.may_flow(queue):
                del experiment.flows[queue]

    def _after_attempt(self, experiment: _Experiment, job: _Job, *, is_hopeless: bool = False) -> None:
        spent = is_hopeless or job.record.failures + job.record.losses >= self._settings.max_attempts
        self._enter(experiment, job, JobState.DEAD if spent else JobState.QUEUED)
        if spent and experiment.wishes.stop_at_first_failure:
            self._cancel(experiment)

    def _cancel(self, experiment: _Experiment) -> None:
        if not experiment.is_finished:
            experiment.is_cancelled = True
            for job in experiment.jobs:
                if job.record.state is JobState.RUNNING:
                    self._enter(experiment, job, JobState.CANCELLED)
            self._show_what_was_stored_before(experiment)
            self._settle(experiment)

    def _in_turn(self, queue: Queue, flows: Sequence[_Experiment]) -> _Experiment:
        """Of those that wait: the first, or the first in the background if enough is owed to them."""
        first, background = (
            min(
                (each for each in flows if each.is_background == kind),
                key=lambda each: (*self._owner_turn(each, queue), *each.turn(queue)),
                default=None,
            )
            for kind in (False, True)
        )
        line = queue, self.numerics
        if first is None or background is None:
            self._owed.pop(line, None)
            return first or background  # type: ignore[return-value]  # there is one
        owed, charge = self._owed.get(line, 0.0), BACKGROUND_CHARGE * background.backlog(queue)[0].record.work
        is_due = owed >= charge
        self._owed[line] = owed - charge if is_due else owed + first.backlog(queue)[0].record.work
        return background if is_due else first

    def _owner_turn(self, experiment: _Experiment, queue: Queue) -> tuple[float, str]:
        """The owner whose turn ends first takes the next one: the turn of the first of the experiments."""
        owner, line = experiment.ownership, (queue, experiment.numerics, experiment.is_background)
        its = [
            each
            for each in self._flowing(queue, experiment.numerics)
            if each.is_background == experiment.is_background and each.ownership.owner == owner.owner
        ]
        first = min(its, key=lambda each: each.turn(queue))
        return self._owners_served[*line, owner.owner] + first.left(queue), owner.owner

    def _place(self, experiment: _Experiment, queue: Queue) -> Place:
        lines: dict[tuple[float, str], list[_Experiment]] = defaultdict(list)
        for each in self._flowing(queue, experiment.numerics):
            if each.is_background == experiment.is_background:
                lines[self._owner_turn(each, queue)].append(each)
        for line in lines.values():
            line.sort(key=lambda each: each.turn(queue))
        owner_ends, owner = self._owner_turn(experiment, queue)
        own = lines.pop((owner_ends, owner))
        before = own[: own.index(experiment)]
        given = [self._given_to(each, queue, experiment) for each in before[:MOST_AHEAD]]
        work = sum(given) / len(given) * len(before) if given else 0.0
        served = self._owners_served[queue, experiment.numerics, experiment.is_background, owner]
        ends = served + work + experiment.left(queue)
        turns = [self._taken_by(line, queue, each[0], ends, is_first=each[1] < owner) for each, line in lines.items()]
        return Place(
            queue=queue,
            experiments_ahead=len(before) + sum(count for count, _ in turns),
            work_ahead=work + sum(work for _, work in turns),
        )

    def _given_to(self, other: _Experiment, queue: Queue, experiment: _Experiment) -> float:
        """The work of the turns that another one takes before the experiment."""
        jobs = other.backlog(queue)
        (ends, number), (until, mine) = other.turn(queue), experiment.turn(queue)
        work, turn = jobs[0].record.work, self._settings.turn_seconds
        first = _Turn(ends=ends, left=other.left(queue), whole=turn)
        return _turns(first, work, len(jobs) * work, until, is_first=number < mine)

    def _taken_by(
        self, line: Sequence[_Experiment], queue: Queue, ends: float, until: float, *, is_first: bool
    ) -> tuple[int, float]:
        """How many of another owner's experiments have a turn before its ends so late, and what all are given."""
        waiting = [len(each.backlog(queue)) * each.backlog(queue)[0].record.work for each in line]
        work, turn = line[0].backlog(queue)[0].record.work, min(self._settings.turn_seconds, waiting[0])
        first = _Turn(ends=ends, left=line[0].left(queue), whole=turn)
        given = _turns(first, work, sum(waiting), until, is_first=is_first)
        firsts = [sum(self._given_to(other, queue, each) for other in line[:place]) for place, each in enumerate(line)]
        return sum(before < given - 1e-9 for before in firsts), given

    def _lose(self, experiment: _Experiment, job: _Job) -> LostAttempt:
        if job.is_heard:
            job.record = replace(job.record, losses=job.record.losses + 1)
        self._after_attempt(experiment, job)
        return LostAttempt(
            job_id=job.record.id,
            experiment_id=experiment.id,
            attempt=job.record.attempt,
            losses=job.record.losses,
            state=job.record.state,
        )

    def _show_what_was_stored_before(self, experiment: _Experiment) -> None:
        if experiment.former_outcomes is not None:
            self._garbage.append(replace(experiment, former={}, documents=set()))
            experiment.keys, experiment.former = experiment.former, {}
            experiment.outcomes, experiment.former_outcomes = experiment.former_outcomes, None
            experiment.are_outcomes_known, experiment.counted = False, set(experiment.outcomes)

    def _plan_anew(self, experiment: _Experiment) -> None:
        is_same = experiment.numerics == self.numerics
        experiment.generation += 1
        self._step_down(experiment)
        experiment.numerics = self.numerics
        self._current[experiment.answers_for] = experiment.id
        if experiment.former:
            self._garbage.append(replace(experiment, former={}, documents=set()))
        elif experiment.keys:
            experiment.former = experiment.keys
            experiment.former_outcomes = experiment.outcomes if experiment.has_counted else None
        if not is_same:
            experiment.former_outcomes, experiment.served = None, {}
        experiment.has_counted = False
        experiment.jobs, experiment.keys, experiment.outcomes, experiment.reused = [], {}, {}, 0
        experiment.checkpoints, experiment.flows = {}, {}
        experiment.first_death = experiment.started_at = experiment.finished_at = experiment.tells_at = None
        experiment.webhook = Webhook()
        experiment.has_started, experiment.work_at_start = False, 0.0
        plan = NewJob(id=f"{experiment.id}.{experiment.generation}.plan", queue=Queue.INTERACTIVE, payload={})
        self._record(experiment, plan, JobKind.PLAN)


class MemoryDoorbell(Doorbell):
    """Rings that somebody may answer; none arrives while it is `away`."""

    def __init__(self) -> None:
        self.rings: Counter[Queue] = Counter()
        self.hang_ups = 0
        self.away: str | None = None

    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        self.rings[queue] += 0 if self.away else times

    @override
    def unanswered(self, queue: Queue) -> int:
        if self.away:
            raise BrokerUnavailable(self.away)
        return self.rings[queue]

    @override
    def trouble(self) -> str | None:
        return self.away

    @override
    def hang_up(self) -> None:
        self.hang_ups += 1


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """When it ends, what is left of it, and how long a whole one is."""

    ends: float
    left: float
    whole: float


def _turns(first: _Turn, job: float, waiting: float, until: float, *, is_first: bool) -> float:
    """The work of jobs given in turns, one after another, that end before another's, or with it."""
    given, served, ends = 0.0, first.ends - first.left, first.ends
    while given < waiting - 1e-9 and (ends < until - 1e-9 or (is_first and ends < until + 1e-9)):
        given += max(math.ceil((ends - served - given) / job - 1e-9), 1) * job
        ends = served + given + min(first.whole, max(waiting - given, 0.0))
    return min(given, waiting)


def _told(job: Job, *, is_cancelled: bool) -> Job:
    """As people are told of it: what waits for a cancelled experiment is cancelled, what is dead says why."""
    if job.state is JobState.QUEUED and is_cancelled:
        return replace(job, state=JobState.CANCELLED)
    if job.state is JobState.DEAD:
        return replace(job, error=loss_error(job.losses, job.failures, job.error or ""))
    return job
