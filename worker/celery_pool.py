"""The pool of a Celery worker, however it was started: what our main process makes of it before there are processes."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import billiard
from celery import Celery, bootsteps
from celery.concurrency.prefork import TaskPool
from celery.exceptions import ImproperlyConfigured
from celery.worker.control import inspect_command

from jobs.records import Queue
from worker.inner_bell import InnerBell
from worker.pool_table import PoolTable, TableRow

log = logging.getLogger(__name__)

UNWANTED: Final[Mapping[str, str]] = {
    "time_limit": "--time-limit",
    "soft_time_limit": "--soft-time-limit",
}
"""What would end work in its midst: a ring is answered for as long as there is work."""


MOST_GROWN: Final = 256
"""Processes that a pool may have grown to, and still be told apart: the memory of their rows is there before them."""


class CeleryPool:
    """The pool of this worker, as its main process sees it; it may grow and shrink."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        # Both are made before there are processes, which inherit them.
        self.bell = InnerBell()
        self._table = PoolTable(max(self._most(), MOST_GROWN))

    def row(self) -> TableRow:
        """The row of this process, which is one of the pool."""
        return self._table.row(billiard.current_process().index)

    def idle(self) -> int:
        """Processes without work, and those that the pool would grow by."""
        here = self._here()
        # Where the worker has no broker, its event loop stands still, and nothing grows.
        most = self._most() if getattr(self._worker.consumer, "connection", None) is not None else len(here)
        return max(most - self._table.busy(here), 0)

    def at_work(self) -> int:
        """Processes with work."""
        return self._table.busy(self._here())

    def processes(self) -> int:
        """As many as there may be: one that ends has a successor."""
        return self._most()

    def taken(self) -> int:
        """Rings that processes have answered."""
        return self._table.begun()

    def ring(self, queue: Queue, times: int) -> None:
        """Have so many processes look at the queue."""
        self.bell.ring(queue, times)

    def maintain(self) -> None:
        """Replace processes that have ended; what Celery does only while it has a broker."""
        self._worker.pool.maintain_pool()

    def present_work(self) -> Iterator[Mapping[str, Any]]:
        """What its processes are doing, as they tell it."""
        return self._table.texts(self._here())

    def _most(self) -> int:
        """By the pool itself, which whoever may give orders has grown or shrunk, or by the range that it scales in."""
        if self._worker.autoscaler is not None:
            return int(self._worker.autoscaler.max_concurrency)
        pool = self._worker.pool and self._worker.pool._pool  # noqa: SLF001 - Celery's own count of them has no name
        return int(pool._processes if pool else self._worker.max_concurrency or self._worker.concurrency)  # noqa: SLF001 - as above

    def _here(self) -> set[int]:
        return {process.pid for process in list(self._worker.pool._pool._pool) if _is_alive(process.pid)}  # noqa: SLF001 - Celery's own list of them has no name


def _is_alive(pid: int) -> bool:
    """Whether a child lives; one that has ended is left for the pool to find."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def install(
    app: Celery, *, prepare: Callable[[Any, CeleryPool], None], start: Callable[[Any, CeleryPool], None]
) -> None:
    """Have every worker of the app prepared before its processes are forked, and started after.

    Not by the signal of a ready worker: that is one which has reached its broker.
    """

    class Upkeep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
        """Between the pool and the connection to the broker."""

        requires = ("celery.worker.components:Pool", "celery.worker.autoscale:WorkerComponent")

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            require_processes(worker)

        def create(self, worker: Any) -> None:
            """All of the pool's settings are known now, and none of its processes is there."""
            worker.present = CeleryPool(worker)
            prepare(worker, worker.present)

        def start(self, worker: Any) -> None:
            """Its processes are there."""
            start(worker, worker.present)

        def stop(self, worker: Any) -> None:
            """What was started is needed until the last process has ended."""

    app.steps["worker"].add(Upkeep)


def set_flags(worker: Any, *, is_open: bool) -> None:
    """Whatever the command says: workers need not know of each other, and heartbeats are for those who watch."""
    worker.options.update(without_gossip=True, without_mingle=True, without_heartbeat=not is_open)
    worker.unwanted = [flag for name, flag in UNWANTED.items() if getattr(worker, name, None)]
    for name in UNWANTED:
        setattr(worker, name, None)


def require_processes(worker: Any) -> None:
    """Return if the worker has a pool of processes.

    Raises:
        ImproperlyConfigured: it has not.
    """
    if not issubclass(worker.pool_cls, TaskPool):
        raise ImproperlyConfigured(
            "stepbias needs a pool of processes (--pool prefork, Celery's default): work ends with its process"
        )
    for flag in getattr(worker, "unwanted", ()):
        log.warning("%s is left out of account: a ring is answered for as long as work waits", flag)


@inspect_command(alias="dump_active")  # type: ignore[untyped-decorator]  # as above
def active(state: Any, **_: Any) -> list[dict[str, Any]]:
    """What is being worked on, as Celery tells of tasks; in place of its own answer, the rings that are answered."""
    controller = state.consumer.controller
    return [
        {
            "id": work["id"],
            "name": work["name"],
            "args": [],
            "kwargs": work["ids"],
            "type": work["name"],
            "hostname": controller.hostname,
            "time_start": work["since"],
            "acknowledged": True,
            "delivery_info": {},
            "worker_pid": work["pid"],
        }
        for work in controller.present.present_work()
    ]
