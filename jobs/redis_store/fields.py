"""Records as they lie in the server's hashes, read back into `jobs.records`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from jobs.progress import Effort
from jobs.records import Experiment, Job, JobKind, Order, Ownership, Priority, Queue, Wishes
from jobs.states import ExperimentStatus, JobState
from jobs.status import Counts, loss_error, missing_error

Fields = Mapping[bytes, bytes]

_OF_EXPERIMENT: Final = """
number name tags content_hash created_at numerics generation runs_total runs_done runs_reused outcomes plan
queued running succeeded dead cancelled work_total work_done work_running work_at_start started started_at finished_at
cancel retry error error_losses error_failures served:interactive served:batch
"""
_OF_EXPERIMENT_LATER: Final = "order stop priority owner pooled shared webhook traceparent asked_again"
_OF_JOB: Final = """
kind queue experiment generation number state payload work fraction attempt failures losses token worker is_heard error
"""
_OF_JOB_LATER: Final = "rank"
EXPERIMENT_FIELDS: Final = (*_OF_EXPERIMENT.split(), *_OF_EXPERIMENT_LATER.split())
JOB_FIELDS: Final = (*_OF_JOB.split(), *_OF_JOB_LATER.split())
"""The fields of a record, in the order in which they go into its seal. `lua/ledger.lua` seals what it writes."""

FIRST_FIELDS: Final = MappingProxyType(
    {EXPERIMENT_FIELDS: len(_OF_EXPERIMENT.split()), JOB_FIELDS: len(_OF_JOB.split())}
)
"""How many of the fields were there from the start: of those that came later, a record has what it was given."""


_NAMES: Final = MappingProxyType(
    {fields: tuple(name.encode() for name in fields) for fields in (EXPERIMENT_FIELDS, JOB_FIELDS)}
)
"""As the server has them."""


def checksum(text: bytes) -> bytes:
    """The first 64 bits of a SHA-1 digest, in hexadecimal: scripts on the server have no other hash."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()[:16].encode()


def generation_mark(fields: Fields) -> str:
    """What tells one generation of an experiment's jobs from another, whatever bytes stand there."""
    return checksum(fields.get(b"generation", b"")).decode()


def is_sound(name: str, fields: Fields, sealed: tuple[str, ...]) -> bool:
    """Whether the hash of that name has the seal of its fields."""
    values = [fields.get(each, b"") for each in _NAMES[sealed]]
    while len(values) > FIRST_FIELDS[sealed] and not values[-1]:
        values.pop()
    return checksum(b"\n".join((name.encode(), *values))) == fields.get(b"seal")


def paired(flat: Sequence[bytes]) -> Fields:
    """The fields of a hash as a script answers them: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def job_record(job_id: str, fields: Fields, *, is_cancelled: bool = False) -> Job:
    """The job that a job's hash describes; one that waits for a cancelled experiment is cancelled."""
    state = JobState(fields[b"state"].decode())
    failures, losses = int(fields[b"failures"]), int(fields[b"losses"])
    error = fields[b"error"].decode() if b"error" in fields else None
    if state is JobState.DEAD:
        error = loss_error(losses, failures, error or "")
    return Job(
        id=job_id,
        kind=JobKind(fields[b"kind"].decode()),
        queue=Queue(fields[b"queue"].decode()),
        experiment_id=fields[b"experiment"].decode(),
        state=JobState.CANCELLED if is_cancelled and state is JobState.QUEUED else state,
        payload=json.loads(fields[b"payload"]),
        work=float(fields[b"work"]),
        attempt=int(fields[b"attempt"]),
        failures=failures,
        losses=losses,
        error=error,
    )


def experiment_record(experiment_id: str, fields: Fields, now: float) -> Experiment:
    """The experiment that an experiment's hash describes, with its pace up to `now`."""
    counts, effort = _counts(fields), _effort(fields)
    jobs = {state: int(fields[state.encode()]) for state in JobState}
    return Experiment(
        id=experiment_id,
        name=fields[b"name"].decode(),
        tags=tuple(json.loads(fields[b"tags"])),
        content_hash=fields[b"content_hash"].decode(),
        numerics=fields[b"numerics"].decode(),
        status=counts.status,
        created_at=float(fields[b"created_at"]),
        finished_at=_time(fields, b"finished_at"),
        runs_total=counts.runs_total,
        runs_done=counts.runs_done,
        runs_reused=effort.runs_reused,
        jobs_total=sum(jobs.values()),
        jobs_done=jobs[JobState.SUCCEEDED],
        jobs_running=counts.running,
        jobs_dead=counts.dead,
        outcomes={outcome: count for outcome, count in json.loads(fields[b"outcomes"]).items() if count},
        progress=effort.progress(counts.status),
        eta_seconds=effort.eta_seconds(counts.status, now),
        error=_error(fields, counts),
        wishes=_wishes(fields),
        ownership=Ownership(
            owner=fields.get(b"owner", b"").decode(),
            is_shared=fields.get(b"shared") == b"1",
            is_pooled=fields.get(b"pooled") == b"1",
        ),
    )


def ownership_fields(ownership: Ownership) -> Mapping[str, str]:
    """Whose it is as fields of a record, where it is somebody's."""
    told = {"owner": ownership.owner, "pooled": "1" if ownership.is_pooled else ""}
    return {name: value for name, value in told.items() if value}


def wish_fields(wishes: Wishes) -> Mapping[str, str]:
    """The wishes as fields of a record, those that are not what everybody gets."""
    told = {
        "order": (wishes.order is Order.SHUFFLED, "shuffled"),
        "stop": (wishes.stop_at_first_failure, "1"),
        "priority": (wishes.priority is Priority.BATCH, "batch"),
        "webhook": (bool(wishes.webhook), wishes.webhook),
        "traceparent": (bool(wishes.traceparent), wishes.traceparent),
    }
    return {name: value for name, (is_wished, value) in told.items() if is_wished}


def _wishes(fields: Fields) -> Wishes:
    return Wishes(
        order=Order(fields.get(b"order", b"grid").decode()),
        stop_at_first_failure=fields.get(b"stop") == b"1",
        priority=Priority(fields.get(b"priority", b"interactive").decode()),
        webhook=fields.get(b"webhook", b"").decode(),
        traceparent=fields.get(b"traceparent", b"").decode(),
    )


def _error(fields: Fields, counts: Counts) -> str | None:
    is_stopped = counts.status is ExperimentStatus.CANCELLED and fields.get(b"stop") == b"1" and b"error" in fields
    if counts.status is not ExperimentStatus.FAILED and not is_stopped:
        return None
    if b"error" not in fields and counts.dead:
        return f"{counts.dead} of its jobs are dead; a retry that was not finished has forgotten why"
    if b"error" not in fields:
        return missing_error(counts.runs_total, counts.runs_done)
    losses, failures = int(fields[b"error_losses"]), int(fields[b"error_failures"])
    return loss_error(losses, failures, fields[b"error"].decode())


def _counts(fields: Fields) -> Counts:
    return Counts(
        is_cancelled=fields.get(b"cancel") == b"1",
        plan=JobState(fields[b"plan"].decode()),
        has_started=fields.get(b"started") == b"1",
        queued=int(fields[b"queued"]),
        running=int(fields[b"running"]),
        dead=int(fields[b"dead"]),
        runs_total=int(fields[b"runs_total"]),
        runs_done=int(fields[b"runs_done"]),
    )


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
