"""Whether the service can take work: the store answers and has room, and workers take what waits in each queue."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.problems.request_errors import NotReady
from core.identity import NUMERICS_VERSION
from jobs.errors import StoreFull, StoreUnavailable
from jobs.ports import Doorbell, Store
from jobs.records import Experiment, Queue, Surroundings
from jobs.states import ACTIVE, ExperimentStatus


class QueueDocument(BaseModel):
    """One queue: its workers, and its work."""

    model_config = ConfigDict(frozen=True)

    workers: int
    idle: int = Field(description="Processes of these workers that have nothing to do.")
    waiting_jobs: int = Field(description="Of the first hundred experiments that wait.")
    untaken_seconds: float = Field(description="For so long work has waited and none was taken.")
    demand: int = Field(
        description="For how many processes there is work: as many as jobs wait, and those that are at work."
    )


class ReadinessDocument(BaseModel):
    """The service is ready; what an operator wants to know besides."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ready"] = "ready"
    queues: Mapping[str, QueueDocument]
    untellable: int = Field(
        description="Ends that wait to be told to hosts that no living worker may tell; `stepbias doctor` names them."
    )
    broker: str = Field(description="Whether workers can be rung for; where not, work is begun a second later.")
    damaged: int = Field(description="Stored values that were found damaged; `stepbias doctor` names them.")


UNTAKEN_SECONDS: Final = 15.0
"""Work that has waited for so long although a worker has nothing to do is work that nobody takes."""


BROKER_ANSWERS: Final = "answers"

BROKER_AWAY: Final = "does not answer; workers look for work themselves, once a second"

RESERVE: Final = 0.1
"""The part of the store's memory that is kept for the results of work that was taken: new work is refused first."""


def require_reserve(store: Store) -> None:
    """Return if there is room for the results of new work.

    Raises:
        StoreFull: there is not; what was taken before can still end.
    """
    if (full := store.room(reserve=RESERVE)) is not None:
        raise StoreFull(full)


def require_ready(store: Store) -> None:
    """Return if an experiment that is submitted now would be run.

    Raises:
        NotReady: something is missing; named.
    """
    missing = tuple(_missing(store))
    if missing:
        raise NotReady(f"Missing: {', '.join(missing)}.", headers={"Retry-After": "2"})


def state_of_broker(bell: Doorbell) -> str:
    """In words; nothing is lost where it is away. Why it is stands in the log: a reason may name addresses."""
    return BROKER_ANSWERS if bell.trouble() is None else BROKER_AWAY


def lack_of(queue: Queue, found: Surroundings) -> str | None:
    """What a queue lacks, as a noun phrase; None where it has a worker that takes what waits."""
    workers = [worker for worker in found.workers if worker.numerics == NUMERICS_VERSION]
    if not workers:
        return f"a live worker for the {queue} queue"
    if any(worker.idle for worker in workers) and found.untaken_seconds(NUMERICS_VERSION) > UNTAKEN_SECONDS:
        return f"a worker that takes what waits in the {queue} queue"
    return None


def may_wait(experiment: Experiment) -> bool:
    """Whether the experiment is active and no job of it runs."""
    return experiment.status in ACTIVE and not experiment.jobs_running


def obstacle(experiment: Experiment, store: Store) -> str | None:
    """What an active experiment of which no job runs waits for; None where it is only its turn."""
    if not may_wait(experiment):
        return None
    if (full := store.room()) is not None:
        return full
    queues = [Queue.INTERACTIVE] if experiment.status is ExperimentStatus.PLANNING else list(Queue)
    found = {queue: store.look_around(queue).workers for queue in queues}
    for queue, workers in found.items():
        if not workers:
            return f"a live worker for the {queue} queue"
    if any(all(worker.numerics != experiment.numerics for worker in workers) for workers in found.values()):
        return f"a worker of numerics version {experiment.numerics}; where none comes, it is planned anew"
    return None


def state_of_queues(store: Store) -> dict[str, QueueDocument]:
    """Who serves each queue and what waits in it, of all numerics versions."""
    return {str(queue): _queue(store.look_around(queue)) for queue in Queue}


def _queue(found: Surroundings) -> QueueDocument:
    return QueueDocument(
        workers=len(found.workers),
        idle=sum(worker.idle for worker in found.workers),
        waiting_jobs=sum(each.jobs for each in found.waiting),
        untaken_seconds=round(max((each.untaken_seconds for each in found.waiting), default=0.0), 3),
        demand=found.demand(),
    )


def _missing(store: Store) -> Iterator[str]:
    try:
        if not store.ping():
            yield "the store"
            return
        if (obstacle := store.room(reserve=RESERVE)) is not None:
            yield f"room ({obstacle})"
        for queue in Queue:
            if (lack := lack_of(queue, store.look_around(queue))) is not None:
                yield lack
    except StoreUnavailable:
        yield "the store"
