"""Records as they lie in the server's hashes, read back into `jobs.records`."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from jobs.progress import Effort
from jobs.records import Claim, Experiment, Job, JobKind, Message, Queue
from jobs.states import ExperimentStatus, JobState

Fields = Mapping[bytes, bytes]

_OUTCOME: Final = b"outcome:"


def paired(flat: Sequence[bytes]) -> Fields:
    """The fields of a hash as a script answers them: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def job_record(job_id: str, fields: Fields) -> Job:
    """The job that a job's hash describes."""
    error = fields.get(b"error")
    return Job(
        id=job_id,
        kind=JobKind(fields[b"kind"].decode()),
        queue=Queue(fields[b"queue"].decode()),
        experiment_id=fields[b"experiment"].decode(),
        state=JobState(fields[b"state"].decode()),
        payload=json.loads(fields[b"payload"]),
        work=float(fields[b"work"]),
        attempt=int(fields[b"attempt"]),
        failures=int(fields[b"failures"]),
        losses=int(fields[b"losses"]),
        error=None if error is None else error.decode(),
    )


def experiment_record(experiment_id: str, fields: Fields, now: float) -> Experiment:
    """The experiment that an experiment's hash describes, with its pace up to `now`."""
    status = ExperimentStatus(fields[b"status"].decode())
    effort = _effort(fields)
    jobs = {state: int(fields[state.encode()]) for state in JobState}
    error = fields.get(b"error")
    return Experiment(
        id=experiment_id,
        name=fields[b"name"].decode(),
        tags=tuple(json.loads(fields[b"tags"])),
        content_hash=fields[b"content_hash"].decode(),
        status=status,
        created_at=float(fields[b"created_at"]),
        finished_at=_time(fields, b"finished_at"),
        runs_total=effort.runs_total,
        runs_done=int(fields[b"runs_done"]),
        runs_reused=effort.runs_reused,
        jobs_total=sum(jobs.values()),
        jobs_done=jobs[JobState.SUCCEEDED],
        jobs_running=jobs[JobState.RUNNING],
        jobs_dead=jobs[JobState.DEAD],
        outcomes={
            name.removeprefix(_OUTCOME).decode(): int(count)
            for name, count in fields.items()
            if name.startswith(_OUTCOME)
        },
        progress=effort.progress(status),
        eta_seconds=effort.eta_seconds(status, now),
        error=error.decode() if error is not None and status is ExperimentStatus.FAILED else None,
    )


def messages(flat: Sequence[bytes]) -> list[Message]:
    """The messages as a script answers them: job ids and queues in turn."""
    return [
        Message(job_id=job_id.decode(), queue=Queue(queue.decode()))
        for job_id, queue in zip(flat[::2], flat[1::2], strict=True)
    ]


def message_for(claim: Claim, queue: bytes | None) -> Message | None:
    """The message that sends a claimed job to `queue`, if a script answered one."""
    return None if queue is None else Message(job_id=claim.job.id, queue=Queue(queue.decode()))


def _effort(fields: Fields) -> Effort:
    return Effort(
        planned=fields[b"plan"] == JobState.SUCCEEDED.encode(),
        runs_total=int(fields[b"runs_total"]),
        runs_reused=int(fields[b"runs_reused"]),
        work_total=float(fields[b"work_total"]),
        work_spent=float(fields[b"work_done"]) + float(fields[b"work_running"]),
        work_at_start=float(fields[b"work_at_start"]),
        started_at=_time(fields, b"started_at"),
    )


def _time(fields: Fields, name: bytes) -> float | None:
    return float(fields[name]) if name in fields else None
