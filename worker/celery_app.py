"""The Celery worker: one task, one context per pool process, and a janitor beside them."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from celery.worker.state import active_requests, total_count

from jobs.celery_doorbell import TASK_NAME, CeleryDoorbell, make_celery_app, queue_name
from jobs.connection import connect, open_ahead
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from worker.context import WorkerContext, end_process
from worker.janitor import Janitor
from worker.lean_memory import give_back_and_keep_still
from worker.lifeline import tie_to_parent
from worker.memory_limit import limit_memory
from worker.niceness import step_back
from worker.perform import work_off
from worker.shared_flag import SharedFlag

if TYPE_CHECKING:
    from worker.webhooks import Messenger

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 25.0
"""A worker that ends itself has so long to write the checkpoints of what it is training."""

NICENESS: Final = 5
"""Of processes that compute, above that of others: who asks is answered first, where both want the same core."""

SESSIONS: Final[Mapping[Queue, int]] = MappingProxyType({Queue.INTERACTIVE: 2, Queue.BATCH: NICENESS})
"""The niceness of whole sessions, where these share processors first; for what some of them do somebody waits."""

settings: Final = Settings()
app: Final[Celery] = make_celery_app(settings)

# Made before the pool forks, so that the pool's processes see what the main process is told.
_STOPPING: Final = SharedFlag()


class _Process:
    """What this process made for itself after the fork; connections must not be shared across one."""

    context: WorkerContext | None = None
    janitor: Janitor | None = None
    messenger: "Messenger | None" = None
    concurrency: int = 1
    connections: int = 0
    queue: Queue = Queue.INTERACTIVE


def context() -> WorkerContext:
    """The worker context of this process."""
    if _Process.context is None:
        _Process.context = make_context(settings, connections=_Process.connections)
    return _Process.context


def make_context(settings: Settings, *, connections: int = 0) -> WorkerContext:
    """A context of its own connections. A worker waits for a silent store longer than a person would.

    Args:
        settings: those of the worker.
        connections: that are opened at once, before any is needed.

    Raises:
        ValueError: `STEPBIAS_REDIS_URL` is not set.
    """
    if settings.redis_url is None:
        raise ValueError("STEPBIAS_REDIS_URL is not set")
    client = connect(settings.redis_url.get_secret_value(), patience=settings.store_patience_seconds)
    open_ahead(client, connections)
    return WorkerContext(
        store=RedisStore(client, settings),
        settings=settings,
        name=f"{socket.gethostname()}:{os.getpid()}",
        stopping=_STOPPING,
        ring=CeleryDoorbell(app).ring,
    )


@app.task(name=TASK_NAME, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def answer(queue: str) -> None:
    """Somebody rang: work off the queue."""
    work_off(Queue(queue), context())


def leave_logging_alone() -> None:
    """Let Celery log where everybody does: what has a receiver here, Celery does not set up."""
    setup_logging.connect(_set_up_nothing)


def _set_up_nothing(**_: Any) -> None: ...


def work(queue: Queue, concurrency: int) -> int:
    """Do the jobs of the queue, so many at a time, until a signal ends it; the exit code."""
    _Process.concurrency, _Process.queue = concurrency, queue
    worker = app.Worker(
        hostname=f"{queue}@{socket.gethostname()}",
        queues=[queue_name(queue)],
        concurrency=concurrency,
        loglevel="WARNING",
        quiet=True,
        # Workers need not know of each other: the store knows them all, and asking around at the start takes a second.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    give_back_and_keep_still()
    worker.start()
    return int(worker.exitcode or 0)


class CeleryPool:
    """The pool of this worker, as its main process sees it."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency

    def idle(self) -> int:
        """Processes without a task."""
        return max(self._concurrency - len(active_requests), 0)

    def processes(self) -> int:
        """As many as were asked for: one that ends has a successor."""
        return self._concurrency

    def taken(self) -> int:
        """Tasks that processes have accepted."""
        return sum(total_count.values())


def _stop_worker(reason: str) -> None:
    if not active_requests:
        # A soft shutdown would wait for a process that was given a task and does not take it.
        end_process(reason)
    log.error("this worker ends itself: %s", reason)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Timer(STOP_SECONDS, lambda: os._exit(70)).start()


@worker_process_init.connect  # type: ignore[untyped-decorator]  # as above
def _enter_pool_process(**_: Any) -> None:
    tie_to_parent()
    # Ctrl-C in a terminal reaches every process of the group; the main process decides what becomes of the jobs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back(NICENESS, of_session=SESSIONS[_Process.queue])
    limit_memory(settings.process_memory_bytes, processes=_Process.concurrency)
    # That of the job, and that of its heart.
    _Process.context, _Process.connections = None, 2


@worker_ready.connect  # type: ignore[untyped-decorator]  # as above
def _start_janitor(sender: Any, **_: Any) -> None:
    queues = tuple(queue for queue in Queue if queue_name(queue) in sender.app.amqp.queues.consume_from)
    pool = CeleryPool(sender.pool.num_processes)
    # The main process has no job to put down: where others have, it is asked to stop, and waits for them.
    main = replace(context(), end_process=_stop_worker)
    _Process.janitor = Janitor(main, queues, pool=pool, bell=CeleryDoorbell(app))
    _Process.janitor.start()
    if settings.webhook_hosts:
        from worker.webhooks import Messenger  # noqa: PLC0415 - its client of HTTP is of no use elsewhere

        _Process.messenger = Messenger(main)
        _Process.messenger.start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # as above
def _ask_jobs_to_stop(**_: Any) -> None:
    """Jobs see this at their next check, write a checkpoint and go back to the queue."""
    _STOPPING.set()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # as above
def _stop_janitor(**_: Any) -> None:
    if _Process.messenger is not None:
        _Process.messenger.stop()
    if _Process.janitor is not None:
        _Process.janitor.stop()
