"""Records: the life of an experiment and of a job, frozen as they are read from the store."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from jobs.states import ExperimentStatus, JobState


class JobKind(StrEnum):
    """What a job does: expand and analyse an experiment, or train a batch of its runs."""

    PLAN = "plan"
    TRAIN = "train"


class Queue(StrEnum):
    """The two queues: short work somebody is waiting for, and everything else."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class Order(StrEnum):
    """In which order the runs of an experiment are trained: as the grid has them, or a tenth of all after another."""

    GRID = "grid"
    SHUFFLED = "shuffled"


class Priority(StrEnum):
    """Whether somebody waits for an experiment; those for which nobody does get a fifth of what they compete for."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """What of an experiment may be edited."""

    name: str
    tags: tuple[str, ...]
    notes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """An experiment as somebody has seen it: how it is called, where it stands, and when it has ended."""

    labels: Labels
    status: ExperimentStatus
    finished_at: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How an experiment is to be worked off. No number depends on it, so it is no part of any identity.

    `stop_at_first_failure`: it is cancelled by a job that used up its attempts, if others still wait or run.
    `webhook` is the address that is told of its end, "" for none. `traceparent` is the span that the work on it
    belongs to, "" for none.
    """

    order: Order = Order.GRID
    stop_at_first_failure: bool = False
    priority: Priority = Priority.INTERACTIVE
    webhook: str = ""
    traceparent: str = ""


class WebhookState(StrEnum):
    """Whether the end of an experiment has been told to the address that wants it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """What became of telling an experiment's end; `last_status` is the HTTP status of the last answer, if any came."""

    state: WebhookState = WebhookState.PENDING
    attempts: int = 0
    last_status: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One attempt at telling an end, counted from 1. `finished_at` tells it from that of an end before a retry."""

    experiment_id: str
    url: str
    finished_at: float
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ownership:
    """Whose an experiment is; nobody's where `owner` is empty, as all are where no keys are required.

    `is_shared`: whoever has a key of the deployment and its id may read it. `is_pooled`: its runs and analyses are
    those of all who let theirs be pooled; others keep to those of their owner.
    """

    owner: str = ""
    is_shared: bool = False
    is_pooled: bool = False

    @property
    def runs_of(self) -> str:
        """Whose runs and analyses it shares; empty for those of all."""
        return "" if self.is_pooled else self.owner


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """Requests that an owner has: whether one was left and is taken, how many are left, and for how many seconds."""

    is_taken: bool
    left: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One piece of work.

    `attempt` counts claims that were not given back, `failures` those that ended in an error, `losses` those whose
    worker disappeared since the last checkpoint. `work` is the predicted effort in seconds of one core, the weight of
    the job in the progress of its experiment. `payload` is small JSON.
    """

    id: str
    kind: JobKind
    queue: Queue
    experiment_id: str
    state: JobState
    payload: Mapping[str, Any]
    work: float = 1.0
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """A training job to be recorded. `id` is derived from what it is, so recording it twice records it once.

    Of the jobs of an experiment those of the lowest `rank` are done first.
    """

    id: str
    queue: Queue
    payload: Mapping[str, Any]
    work: float = 1.0
    rank: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A worker's right to one attempt at a job. Every write carries `token`; an outdated one is refused."""

    job: Job
    token: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """The life of one experiment. Times are seconds since the epoch on the store's clock.

    `runs_done` counts stored runs, `runs_reused` those of them that an earlier experiment had computed. `outcomes`
    counts runs by how they ended. `progress` is 0 to 1, by predicted work. `error` says why a failed one failed.
    `numerics` is the version of the numbers that its runs are planned for: workers of another one leave it alone.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    content_hash: str
    numerics: str
    status: ExperimentStatus
    created_at: float
    finished_at: float | None
    runs_total: int
    runs_done: int
    runs_reused: int
    jobs_total: int
    jobs_done: int
    jobs_running: int
    jobs_dead: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    progress: float = 0.0
    eta_seconds: float | None = None
    error: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    ownership: Ownership = field(default_factory=Ownership)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentEvent:
    """A change of an experiment: its status since then, and the runs that were counted at once.

    `number` is one more than that of the event before. `runs_done` and `outcomes` are counts after it.
    """

    number: int
    status: ExperimentStatus
    runs: tuple[int, ...]
    runs_done: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """The answer to a submitted spec: the experiment, and whether it is a new one.

    `tags_added` are the tags that one which was there has taken over.
    """

    experiment: Experiment
    is_new: bool
    tags_added: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What the experiments of a list have: all that is given here; times are seconds since the epoch.

    `statuses`: one of them, if there are any. `name`: a part of theirs, in letters of either case. `tags`: all of
    them. `since` ≤ time of submission < `until`. `owner`: theirs alone, None for those of all.
    """

    statuses: tuple[ExperimentStatus, ...] = ()
    name: str = ""
    tags: tuple[str, ...] = ()
    since: float = -math.inf
    until: float = math.inf
    owner: str | None = None

    def let_pass(self, experiment: Experiment) -> bool:
        """Whether the experiment has all that is asked for."""
        return (
            (not self.statuses or experiment.status in self.statuses)
            and self.name.casefold() in experiment.name.casefold()
            and set(self.tags) <= set(experiment.tags)
            and self.since <= experiment.created_at < self.until
            and self.owner in {None, experiment.ownership.owner}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an experiment waits in a queue: how many have a turn before it, and what work these are given until then.

    `work_ahead`: predicted seconds of one core, a turn of planning counted as one.
    """

    queue: Queue
    experiments_ahead: int
    work_ahead: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some experiments, newest first, and the cursor of the next page (None at the end)."""

    experiments: tuple[Experiment, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadEntry:
    """The description of an upload in a list, and the cursor of what follows it there."""

    description: bytes
    cursor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run as stored: its scalars (`core.results.result`), and its state and curves (`core.array_block`), as bytes.

    `outcome` stands in the summary too; it is counted as the run is committed.
    """

    key: str
    outcome: str
    summary: bytes
    arrays: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedRun:
    """A stored run together with its place in the grid of the experiment that computed it."""

    index: int
    run: StoredRun


@dataclass(frozen=True, kw_only=True, slots=True)
class LostAttempt:
    """An attempt that ended because its lease ran out; `state` is where the job went."""

    job_id: str
    experiment_id: str
    attempt: int
    losses: int
    state: JobState


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What a round of the janitor found.

    `at` is the store's time, which the next round of the same caller is told. `jump` are the seconds by which leases
    were moved, because nobody could renew them or the server's clock was set.
    """

    is_janitor: bool
    at: float
    jump: float = 0.0
    lost: tuple[LostAttempt, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveWorker:
    """A worker that has registered lately, and how many of its processes have nothing to do.

    `tells` are the hosts that it may tell of ends, as `STEPBIAS_WEBHOOK_HOSTS` names them, "" where it tells none.
    `processes` is how many it has, None where it does not say: workers up to 0.2.0 do not. `kernel` is
    the id of what it trains with, "" where it does not say.
    """

    name: str
    numerics: str
    idle: int
    tells: str = ""
    processes: int | None = None
    kernel: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Work of one numerics version that waits in a queue; `jobs` counts those of the first hundred experiments.

    `untaken_seconds`: for so long work has waited there and none was claimed.
    """

    numerics: str
    experiments: int
    jobs: int
    untaken_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Gauges:
    """What the store holds and takes, in bytes; a `memory_limit` of 0 is none. `jobs_ended` counts since ever."""

    memory: int
    memory_limit: int
    experiments: int
    unfinished: int
    jobs_ended: Mapping[JobState, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What waits in a queue, and who serves it."""

    workers: tuple[LiveWorker, ...]
    waiting: tuple[Waiting, ...]

    def untaken_seconds(self, numerics: str) -> float:
        """For so long work of the version has waited and none was taken; 0 where none waits."""
        return max((each.untaken_seconds for each in self.waiting if each.numerics == numerics), default=0.0)

    def demand(self) -> int:
        """For how many processes there is work: as many as jobs wait, and those that are at work.

        By what waits alone, whoever scales workers would take the last jobs from those that do them. Of workers that do
        not say how many processes they have, none is counted as at work.
        """
        busy = sum(max(worker.processes - worker.idle, 0) for worker in self.workers if worker.processes is not None)
        return busy + sum(each.jobs for each in self.waiting)


DATA_ANALYSIS: Final = "data-analysis"
RESULTS_FILE: Final = "results-file"


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureRequest:
    """A figure that somebody waits for; `key` is where it will be kept, by the content it is drawn from.

    The figure `DATA_ANALYSIS` is no picture: what is known of the upload whose id stands in place of an experiment's,
    shifted by the `transform` of a spec, as JSON. `RESULTS_FILE` are all results of an experiment that has
    succeeded, in pieces. `options` are those of `core.figures.layouts.options`, as text. `owner` is who waits; owners
    take turns.
    """

    experiment_id: str
    figure: str
    format: str
    key: str
    transform: str = ""
    options: str = ""
    traceparent: str = ""
    owner: str = ""
