"""Results in memory."""

import math
import time
from collections.abc import Callable, Sequence

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.memory.ledger import ExperimentEntry
from jobs.memory.tables import MemoryTables
from jobs.ports import ResultStore
from jobs.records import Message, NewJob, StoredRun
from jobs.settings import Settings
from jobs.states import JobState


class MemoryResults(MemoryTables, ResultStore):
    """The results of the memory store."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, clock)
        self._documents: dict[str, tuple[bytes, float]] = {}

    @override
    def summaries(self, experiment_id: str, start: int, stop: int) -> Sequence[bytes | None]:
        with self._lock:
            entry = self._entry(experiment_id)
            runs = [self._run(entry, index) for index in range(start, min(stop, entry.runs_total))]
            return [run.summary if run else None for run in runs]

    @override
    def run(self, experiment_id: str, index: int) -> StoredRun | None:
        with self._lock:
            return self._run(self._entry(experiment_id), index)

    @override
    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        with self._lock:
            if self.document(key) is None:
                self._documents[key] = document, math.inf if seconds is None else self._clock() + seconds

    @override
    def document(self, key: str) -> bytes | None:
        with self._lock:
            document, until = self._documents.get(key, (None, 0.0))
            return document if until > self._clock() else None

    @override
    def request(self, job: NewJob, *, experiment_id: str) -> Message | None:
        with self._lock:
            known = self._jobs.get(job.id)
            if known and known.record.state in {JobState.QUEUED, JobState.RUNNING}:
                return None
            # The token goes on: a worker of the job's earlier life must not be able to write in this one.
            self._record_uncounted(job, experiment_id, token=known.token if known else 0)
            return Message(job_id=job.id, queue=job.queue)

    def _run(self, entry: ExperimentEntry, index: int) -> StoredRun | None:
        return self._runs.get(entry.keys.get(index, ""))
