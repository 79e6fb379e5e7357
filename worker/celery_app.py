"""The Celery worker: a ring for each queue, one context per pool process, and a janitor beside them."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
    worker_shutting_down,
)

from core.descent.kernel import chosen
from jobs.celery_doorbell import (
    RINGS,
    BrokerConnection,
    CeleryDoorbell,
    make_celery_app,
    queue_name,
)
from jobs.connection import connect, open_ahead
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings, settings_of_environment
from worker.celery_events import CeleryEvents
from worker.celery_pool import CeleryPool, install, set_flags
from worker.context import Flag, WorkerContext, end_process
from worker.inner_bell import InnerBell
from worker.janitor import Janitor
from worker.lean_memory import give_back_and_keep_still
from worker.lifeline import tie_to_parent
from worker.memory_limit import limit_memory
from worker.niceness import step_back
from worker.perform import LIBRARIES, work_off
from worker.pool_table import TableRow
from worker.present_work import PresentWork, Watch
from worker.shared_flag import SharedFlag

if TYPE_CHECKING:
    from worker.webhooks import Messenger

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 25.0
"""A worker that ends itself has so long to write the checkpoints of what it is training."""

LEAVE_SECONDS: Final = 0.1

NICENESS: Final = 5
"""Of processes that compute, above that of others: who asks is answered first, where both want the same core."""

SESSIONS: Final[Mapping[Queue, int]] = MappingProxyType({Queue.INTERACTIVE: 2, Queue.BATCH: NICENESS})
"""The niceness of whole sessions, where these share processors first; for what some of them do somebody waits."""

settings: Final = settings_of_environment()
app: Final[Celery] = make_celery_app(settings)

# Made before the pool forks, so that the pool's processes see what the main process is told.
_STOPPING: Final = SharedFlag()


class _Process:
    """What this process made for itself after the fork; connections must not be shared across one."""

    context: WorkerContext | None = None
    janitor: Janitor | None = None
    messenger: "Messenger | None" = None
    pool: CeleryPool | None = None
    row: TableRow | None = None
    concurrency: int = 1
    connections: int = 0
    queue: Queue = Queue.INTERACTIVE
    node: str = ""
    leaving: threading.Event = threading.Event()
    one_at_a_time: threading.Lock = threading.Lock()


@dataclass(frozen=True)
class _Either:
    """A flag that is set where one of these is."""

    flags: tuple[Flag, ...]

    def is_set(self) -> bool:
        """Whether one has been set."""
        return any(flag.is_set() for flag in self.flags)


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
    if settings.store_url is None:
        raise ValueError("STEPBIAS_REDIS_URL is not set")
    client = connect(settings.store_url, patience=settings.store_patience_seconds)
    open_ahead(client, connections)
    return WorkerContext(
        store=RedisStore(client, settings),
        settings=settings,
        name=f"{socket.gethostname()}:{os.getpid()}",
        stopping=_Either((_STOPPING, _Process.leaving)),
        ring=CeleryDoorbell(app).ring,
        watch=_watching() if settings.celery_events else nullcontext,
    )


def _watching() -> Watch:
    """What tells of attempts: in the table of the pool, and as Celery's events."""
    events = CeleryEvents(app, node=_Process.node)

    @contextmanager
    def watched(work: PresentWork) -> Iterator[None]:
        if _Process.row is not None:
            _Process.row.say({"name": work.name, "id": work.id, "ids": dict(work.ids), "since": time.time()})
        try:
            with events.of(work):
                yield
        finally:
            if _Process.row is not None:
                _Process.row.say_nothing()

    return watched


for _queue in Queue:

    @app.task(name=RINGS[_queue], ignore_result=True, send_events=False)  # type: ignore[untyped-decorator]  # Celery has no types
    def answer(queue: Queue = _queue) -> None:
        """Somebody rang: work off the queue."""
        with _Process.one_at_a_time, _put_down_if_asked_to_leave():
            _work_off(queue)


def _work_off(queue: Queue) -> None:
    if _Process.row is None:
        work_off(queue, context())
        return
    _Process.row.begin()
    try:
        work_off(queue, context())
    finally:
        _Process.row.end()


def _listen(bell: InnerBell) -> None:
    """Answer the inner bell, whenever this process has nothing else to do; in a thread of its own."""
    while not _Process.leaving.is_set():
        bell.wait()
        with _Process.one_at_a_time:
            queue = bell.hear()
            if queue is not None and not _Process.leaving.is_set():
                try:
                    _work_off(queue)
                except Exception:
                    log.exception("an inner ring could not be answered")


@contextmanager
def _put_down_if_asked_to_leave() -> Iterator[None]:
    """Have SIGTERM put down what this process is doing, with a checkpoint, before it ends.

    It comes where the pool shrinks, and where a service manager stops all processes of a worker at once.
    """
    former = signal.signal(signal.SIGTERM, lambda *_: _Process.leaving.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
        if _Process.leaving.is_set():
            # Once the main process has heard that the ring was answered.
            threading.Timer(LEAVE_SECONDS, os.kill, (os.getpid(), signal.SIGTERM)).start()


def leave_logging_alone() -> None:
    """Let Celery log where everybody does: what has a receiver here, Celery does not set up."""
    setup_logging.connect(_set_up_nothing)


def _set_up_nothing(**_: Any) -> None: ...


def work(queue: Queue, concurrency: int) -> int:
    """Do the jobs of the queue, so many at a time, until a signal ends it; the exit code."""
    worker = app.Worker(
        hostname=f"{queue}@{socket.gethostname()}",
        queues=[queue_name(queue)],
        concurrency=concurrency,
        loglevel="WARNING",
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _stop_worker(reason: str) -> None:
    if _Process.pool is None or not _Process.pool.at_work():
        # A soft shutdown would wait for a process that was given a task and does not take it.
        end_process(reason)
    log.error("this worker ends itself: %s", reason)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Timer(STOP_SECONDS, lambda: os._exit(70)).start()


@worker_init.connect  # type: ignore[untyped-decorator]  # as above
def _set_flags(sender: Any, **_: Any) -> None:
    set_flags(sender, is_open=settings.celery_events)


def _prepare(worker: Any, pool: CeleryPool) -> None:
    """Before there are processes: what all of them inherit.

    Raises:
        InvalidChoice: this machine has not the kernel that is set: a worker would live, and fail every job.
    """
    chosen(settings.kernel)
    queues = _queues(worker)
    _Process.pool, _Process.node, _Process.concurrency = pool, worker.hostname, pool.processes()
    _Process.queue = Queue.INTERACTIVE if Queue.INTERACTIVE in queues else Queue.BATCH
    give_back_and_keep_still()


def _start_janitor(worker: Any, pool: CeleryPool) -> None:
    # The main process has no job to put down: where others have, it is asked to stop, and waits for them.
    main = replace(context(), end_process=_stop_worker)
    BrokerConnection.meanwhile.append(pool.maintain)
    _Process.janitor = Janitor(main, _queues(worker), pool=pool, bell=CeleryDoorbell(app))
    _Process.janitor.start()
    if settings.webhook_hosts:
        from worker.webhooks import Messenger  # noqa: PLC0415 - its client of HTTP is of no use elsewhere

        _Process.messenger = Messenger(main)
        _Process.messenger.start()


def _queues(worker: Any) -> tuple[Queue, ...]:
    return tuple(queue for queue in Queue if queue_name(queue) in worker.app.amqp.queues.consume_from)


install(app, prepare=_prepare, start=_start_janitor)


@worker_process_init.connect  # type: ignore[untyped-decorator]  # as above
def _enter_pool_process(**_: Any) -> None:
    tie_to_parent()
    # Ctrl-C in a terminal reaches every process of the group; the main process decides what becomes of the jobs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back(NICENESS, of_session=SESSIONS[_Process.queue])
    # A pool may have grown since; those that were there before keep their share.
    there = _Process.concurrency if _Process.pool is None else max(_Process.concurrency, _Process.pool.processes())
    limit_memory(settings.process_memory_bytes, processes=there)
    # Batches run side by side, one core each; who starts a worker without `stepbias` need not know.
    LIBRARIES.limit(limits=1, user_api="blas")
    # That of the job, and that of its heart.
    _Process.context, _Process.connections = None, 2
    _Process.leaving, _Process.one_at_a_time = threading.Event(), threading.Lock()
    if _Process.pool is not None:
        _Process.row = _Process.pool.row()
        threading.Thread(target=_listen, args=(_Process.pool.bell,), name="inner bell", daemon=True).start()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]  # as above
def _leave_pool_process(**_: Any) -> None:
    """What was begun by an inner ring is put down first: Celery knows nothing of it."""
    _Process.leaving.set()
    _Process.one_at_a_time.acquire(timeout=STOP_SECONDS)


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
