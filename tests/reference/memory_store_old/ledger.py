"""The entries behind the memory store, and how a job's move changes what its experiment counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jobs.memory.turns import Turns
from jobs.progress import Effort
from jobs.records import Experiment, Job, JobKind, Message, Queue
from jobs.states import FINAL, ExperimentStatus, JobState
from jobs.transitions import move_experiment, move_job


class Ending(StrEnum):
    """The call that ended an attempt. Made again with the same token, its reply lost perhaps, it does no harm."""

    COMPLETE = "complete"
    FAIL = "fail"
    HAND_BACK = "hand_back"


@dataclass(kw_only=True, slots=True)
class ExperimentEntry:
    """An experiment, with running totals: nothing here is found by going through its jobs or runs."""

    id: str
    number: int
    name: str
    tags: tuple[str, ...]
    content_hash: str
    spec: bytes
    created_at: float
    runs_total: int
    turns: Mapping[Queue, Turns]
    status: ExperimentStatus = ExperimentStatus.PLANNING
    finished_at: float | None = None
    is_cancelled: bool = False
    plan_state: JobState = JobState.QUEUED
    has_started: bool = False
    error: str | None = None
    job_ids: list[str] = field(default_factory=list)
    job_states: Counter[JobState] = field(default_factory=Counter)
    keys: dict[int, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    reused: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    work_total: float = 0.0
    work_done: float = 0.0
    work_running: float = 0.0
    work_at_start: float = 0.0
    started_at: float | None = None

    def count_run(self, index: int, outcome: str) -> bool:
        """Count a stored run, unless it is counted already; whether it was new."""
        if index in self.done:
            return False
        self.done.add(index)
        self.outcomes[outcome] += 1
        self.has_started = True
        return True

    def settle(self, now: float) -> None:
        """Move to the status that the counts imply. A final status stays until somebody asks for another."""
        if self.status not in FINAL and (wanted := self._implied_status()) is not self.status:
            self.enter(wanted, now)

    def enter(self, status: ExperimentStatus, now: float) -> None:
        """Move to `status`.

        Raises:
            IllegalMove: the table does not list the move.
        """
        before = self.status
        self.status = move_experiment(before, status)
        self.finished_at = now if status in FINAL else None
        for turns in self.turns.values():
            if status is ExperimentStatus.FAILED:
                turns.hold_back(self.number)
            elif before is ExperimentStatus.FAILED:
                turns.let_in(self.number)

    def drop_lines(self) -> None:
        """Let none of the queued jobs take a turn any more."""
        for turns in self.turns.values():
            turns.drop(self.number)

    def reopen(self, now: float) -> None:
        """Leave the status FAILED, once the dead jobs are queued again; the pace is measured afresh."""
        self.error = None
        self.started_at = None
        self.has_started = self.job_states[JobState.RUNNING] > 0
        planned = self.plan_state is JobState.SUCCEEDED
        self.enter(ExperimentStatus.QUEUED if planned else ExperimentStatus.PLANNING, now)

    def _implied_status(self) -> ExperimentStatus:
        running = self.job_states[JobState.RUNNING]
        if self.is_cancelled:
            return ExperimentStatus.CANCELLING if running else ExperimentStatus.CANCELLED
        if self.plan_state is JobState.DEAD:
            return ExperimentStatus.FAILED
        if not running and not self.job_states[JobState.QUEUED]:
            return ExperimentStatus.FAILED if self.job_states[JobState.DEAD] else ExperimentStatus.SUCCEEDED
        if self.plan_state is not JobState.SUCCEEDED:
            return ExperimentStatus.PLANNING
        return ExperimentStatus.RUNNING if self.has_started else ExperimentStatus.QUEUED

    def record(self, now: float) -> Experiment:
        """The experiment as its users see it."""
        effort = Effort(
            planned=self.plan_state is JobState.SUCCEEDED,
            runs_total=self.runs_total,
            runs_reused=self.reused,
            work_total=self.work_total,
            work_spent=self.work_done + self.work_running,
            work_at_start=self.work_at_start,
            started_at=self.started_at,
        )
        return Experiment(
            id=self.id,
            name=self.name,
            tags=self.tags,
            content_hash=self.content_hash,
            status=self.status,
            created_at=self.created_at,
            finished_at=self.finished_at,
            runs_total=self.runs_total,
            runs_done=len(self.done),
            runs_reused=self.reused,
            jobs_total=self.job_states.total(),
            jobs_done=self.job_states[JobState.SUCCEEDED],
            jobs_running=self.job_states[JobState.RUNNING],
            jobs_dead=self.job_states[JobState.DEAD],
            outcomes=dict(self.outcomes),
            progress=effort.progress(self.status),
            eta_seconds=effort.eta_seconds(self.status, now),
            error=self.error if self.status is ExperimentStatus.FAILED else None,
        )

    def matches(self, status: ExperimentStatus | None, name: str | None, tag: str | None) -> bool:
        """Whether the experiment passes a list's filters."""
        return (
            (status is None or self.status is status)
            and (name is None or self.name == name)
            and (tag is None or tag in self.tags)
        )


@dataclass(kw_only=True, slots=True)
class JobEntry:
    """A job and the attempt at it. `experiment` is None for a job that no experiment counts (a figure).

    `number` is the job's place among those of its experiment.
    """

    record: Job
    experiment: ExperimentEntry | None
    announced_at: float
    number: int = 0
    token: int = 0
    ended_by: Ending | None = None
    fraction: float = 0.0
    lease_until: float = 0.0
    checkpoint: bytes | None = None

    @property
    def is_weighed(self) -> bool:
        """Whether the job's work is part of its experiment's progress."""
        return self.experiment is not None and self.record.kind is not JobKind.PLAN

    @property
    def takes_turns(self) -> bool:
        """Whether the job is claimed when its turn has come, and not by its own id."""
        return self.experiment is not None and self.record.kind is JobKind.TRAIN

    @property
    def is_held_back(self) -> bool:
        """Whether the experiment that counts the job has failed: what is left of it waits for a retry."""
        return self.experiment is not None and self.experiment.status is ExperimentStatus.FAILED

    @property
    def is_cancelled(self) -> bool:
        """Whether the experiment that counts the job has its cancel flag set."""
        return self.experiment is not None and self.experiment.is_cancelled

    @property
    def message(self) -> Message | None:
        """What announces the job, if it is queued."""
        return Message(job_id=self.record.id, queue=self.record.queue) if self.record.state is JobState.QUEUED else None

    def enter(self, state: JobState, now: float) -> None:
        """Move to `state`, and let the experiment count it.

        Raises:
            IllegalMove: the table does not list the move.
        """
        before = self.record.state
        self.record = replace(self.record, state=move_job(before, state))
        if before is JobState.QUEUED and state is JobState.RUNNING:
            self._take_turn()
        if state is JobState.QUEUED:
            self.announced_at = now
            self.line_up()
        if state in {JobState.SUCCEEDED, JobState.CANCELLED}:
            self.checkpoint = None
        if before is JobState.RUNNING:
            self.report(0.0)
        if self.experiment is not None:
            self._count(self.experiment, before, state, now)

    def line_up(self) -> None:
        """Wait for the job's turn, if it is one that takes turns."""
        if self.takes_turns and self.experiment is not None:
            self.experiment.turns[self.record.queue].line_up(self.experiment.number, self.number, self.record.id)

    def _take_turn(self) -> None:
        if self.takes_turns and self.experiment is not None:
            self.experiment.turns[self.record.queue].take(self.record.work)

    def _count(self, experiment: ExperimentEntry, before: JobState, state: JobState, now: float) -> None:
        experiment.job_states[before] -= 1
        experiment.job_states[state] += 1
        if self.record.kind is JobKind.PLAN:
            experiment.plan_state = state
        elif state is JobState.SUCCEEDED:
            experiment.work_done += self.record.work
        elif state is JobState.RUNNING:
            experiment.has_started = True
            if experiment.started_at is None:
                experiment.started_at = now
                experiment.work_at_start = experiment.work_done + experiment.work_running
        if state is JobState.DEAD and experiment.error is None:
            experiment.error = self.record.error
        experiment.settle(now)

    def report(self, fraction: float) -> None:
        """Take note of the fraction of the job that is done."""
        if self.is_weighed and self.experiment is not None:
            self.experiment.work_running += (fraction - self.fraction) * self.record.work
        self.fraction = fraction

    def refresh(self) -> None:
        """Forget the attempts so far; the token goes on, so that none of them can still write."""
        self.record = replace(self.record, attempt=0, failures=0, losses=0, error=None)


def newest_first(entries: Sequence[ExperimentEntry], before: int | None) -> list[ExperimentEntry]:
    """Entries in the order of a list, from the newest that is older than experiment `before`."""
    older = (entry for entry in entries if before is None or entry.number < before)
    return sorted(older, key=lambda entry: entry.number, reverse=True)


def announce(jobs: Sequence[JobEntry], now: float) -> list[Message]:
    """The messages of those of the jobs that are queued, which count as announced from now on."""
    messages = []
    for job in jobs:
        if (message := job.message) is not None:
            job.announced_at = now
            messages.append(message)
    return messages
