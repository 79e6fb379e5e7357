"""Whether the service can take work: the store answers and has room, and workers take what waits in each queue."""

from collections.abc import Iterator
from typing import Final

from api.request_errors import NotReady
from core.identity import NUMERICS_VERSION
from jobs.errors import StoreUnavailable
from jobs.ports import Store
from jobs.records import Queue, Surroundings

UNTAKEN_SECONDS: Final = 15.0
"""Work that has waited for so long although a worker has nothing to do is work that nobody takes."""


def require_ready(store: Store) -> None:
    """Return if an experiment that is submitted now would be run.

    Raises:
        NotReady: something is missing; named.
    """
    missing = tuple(_missing(store))
    if missing:
        raise NotReady(f"Missing: {', '.join(missing)}.", headers={"Retry-After": "2"})


def lack_of(queue: Queue, found: Surroundings) -> str | None:
    """What a queue lacks, as a noun phrase; None where it has a worker that takes what waits."""
    workers = [worker for worker in found.workers if worker.numerics == NUMERICS_VERSION]
    if not workers:
        return f"a live worker for the {queue} queue"
    untaken = max((each.untaken_seconds for each in found.waiting if each.numerics == NUMERICS_VERSION), default=0.0)
    if any(worker.idle for worker in workers) and untaken > UNTAKEN_SECONDS:
        return f"a worker that takes what waits in the {queue} queue"
    return None


def _missing(store: Store) -> Iterator[str]:
    try:
        if not store.ping():
            yield "the store"
            return
        if (obstacle := store.room()) is not None:
            yield f"room ({obstacle})"
        for queue in Queue:
            if (lack := lack_of(queue, store.look_around(queue))) is not None:
                yield lack
    except StoreUnavailable:
        yield "the store"
