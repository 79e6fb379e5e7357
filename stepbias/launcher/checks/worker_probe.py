"""Whether a worker works, as the store knows it."""

import socket
from collections.abc import Callable, Iterator
from typing import Final

from api.readiness import UNTAKEN_SECONDS
from core.identity import NUMERICS_VERSION
from jobs.connection import connect
from jobs.errors import StoreUnavailable
from jobs.ports import Store
from jobs.records import LiveWorker, Queue, Surroundings
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.processes.managed import ProcessProbe, Undecided

PATIENCE_SECONDS: Final = 1.0
"""How long a probe waits for a silent store: it is asked again soon."""


def worker_probe(url: str, settings: Settings) -> ProcessProbe:
    """The probe of the workers of this machine that use the store at the address; one for all of them."""
    store = RedisStore(connect(url, patience=PATIENCE_SECONDS), settings)
    host = socket.gethostname()

    def missing(pid: int) -> str | None:
        try:
            lack = lack_of_workers(store, f"worker {host}:{pid}", lambda worker: worker == f"{host}:{pid}")
            if lack is not None:
                # A store that keeps writers waiting, as during a backup, or refuses them, hears of nobody.
                store.require_writable()
        except StoreUnavailable as error:
            raise Undecided(str(error)) from error
        return lack

    return missing


def lack_of_workers(store: Store, name: str, is_meant: Callable[[str], bool]) -> str | None:
    """Why it is not known of the workers that are meant by their names that they work; None if they do.

    Raises:
        StoreUnavailable: nothing is known of any worker.
    """
    heard_of = list(_workers(store, is_meant))
    if not heard_of:
        return f"the store has not heard of {name} lately"
    deaf = (
        queue
        for queue, worker, around in heard_of
        if worker.idle and around.untaken_seconds(NUMERICS_VERSION) > UNTAKEN_SECONDS
    )
    return next((f"{name} does not take what waits in the {queue} queue" for queue in deaf), None)


def _workers(store: Store, is_meant: Callable[[str], bool]) -> Iterator[tuple[Queue, LiveWorker, Surroundings]]:
    for queue in Queue:
        around = store.look_around(queue)
        for worker in around.workers:
            if is_meant(worker.name):
                yield queue, worker, around
