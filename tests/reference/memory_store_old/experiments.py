"""Experiments in memory."""

import secrets
import time
from collections.abc import Callable, Sequence

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.cursor import decode_cursor, encode_cursor
from jobs.errors import IllegalMove
from jobs.memory.ledger import ExperimentEntry, announce, newest_first
from jobs.memory.tables import MemoryTables
from jobs.ports import ExperimentStore
from jobs.records import Experiment, JobKind, Message, NewJob, Page, Queue, Submission, plan_job_id
from jobs.settings import Settings
from jobs.states import FINAL, RENEWED, ExperimentStatus, JobState


class MemoryExperiments(MemoryTables, ExperimentStore):
    """The experiments of the memory store."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, clock)
        self._current: dict[tuple[str, str], ExperimentEntry] = {}

    @override
    def submit(self, *, spec: bytes, content_hash: str, name: str, tags: Sequence[str], runs: int) -> Submission:
        with self._lock:
            known = self._current.get((content_hash, name))
            if known and known.status not in RENEWED:
                return Submission(experiment=known.record(self._clock()), is_new=False)
            entry = ExperimentEntry(
                id=secrets.token_hex(16),
                number=len(self._experiments) + 1,
                name=name,
                tags=tuple(tags),
                content_hash=content_hash,
                spec=spec,
                created_at=self._clock(),
                runs_total=runs,
                turns=self._turns,
            )
            self._experiments[entry.id] = self._current[content_hash, name] = entry
            plan = NewJob(id=plan_job_id(entry.id), kind=JobKind.PLAN, queue=Queue.INTERACTIVE, payload={})
            self._record_counted(plan, entry)
            return Submission(experiment=entry.record(self._clock()), is_new=True)

    @override
    def experiment(self, experiment_id: str) -> Experiment:
        with self._lock:
            return self._entry(experiment_id).record(self._clock())

    @override
    def spec(self, experiment_id: str) -> bytes:
        with self._lock:
            return self._entry(experiment_id).spec

    @override
    def experiments(
        self,
        *,
        status: ExperimentStatus | None = None,
        name: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        before = None if cursor is None else decode_cursor(cursor)
        with self._lock:
            entries = newest_first(list(self._experiments.values()), before)
            found = [entry for entry in entries if entry.matches(status, name, tag)]
            return Page(
                experiments=tuple(entry.record(self._clock()) for entry in found[:limit]),
                next_cursor=encode_cursor(found[limit - 1].number) if len(found) > limit else None,
            )

    @override
    def cancel(self, experiment_id: str) -> Experiment:
        with self._lock:
            entry, now = self._entry(experiment_id), self._clock()
            if entry.status not in FINAL:
                entry.is_cancelled = True
                for job in self._jobs_of(entry):
                    if job.record.state is JobState.QUEUED:
                        job.enter(JobState.CANCELLED, now)
                entry.drop_lines()
                entry.settle(now)
            return entry.record(now)

    @override
    def retry(self, experiment_id: str) -> Sequence[Message]:
        with self._lock:
            entry, now = self._entry(experiment_id), self._clock()
            if entry.status is not ExperimentStatus.FAILED:
                raise IllegalMove(entry.status, ExperimentStatus.QUEUED)
            for job in self._jobs_of(entry):
                if job.record.state is JobState.DEAD:
                    job.refresh()
                    job.enter(JobState.QUEUED, now)
            entry.reopen(now)
            return announce(self._jobs_of(entry), now)
