"""Whether the service can take work: the store answers, and every queue has a live worker."""

from collections.abc import Iterator

from api.request_errors import NotReady
from jobs.errors import StoreUnavailable
from jobs.ports import Store
from jobs.records import Queue


def require_ready(store: Store) -> None:
    """Return if an experiment that is submitted now would be run.

    Raises:
        NotReady: something is missing; named.
    """
    missing = tuple(_missing(store))
    if missing:
        raise NotReady(f"Missing: {', '.join(missing)}.", headers={"Retry-After": "2"})


def _missing(store: Store) -> Iterator[str]:
    try:
        if not store.ping():
            yield "the store"
            return
        for queue in Queue:
            if not store.live_workers(queue):
                yield f"a live worker for the {queue} queue"
    except StoreUnavailable:
        yield "the store"
