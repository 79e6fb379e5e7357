"""The Celery worker: one task, one context per pool process, and a janitor beside them."""

import os
import signal
import socket
from typing import Any, Final

from celery import Celery
from celery.signals import worker_process_init, worker_ready, worker_shutdown, worker_shutting_down

from jobs.celery_sender import TASK_NAME, CelerySender, make_celery_app
from jobs.connection import connect
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from worker.context import WorkerContext
from worker.janitor import Janitor
from worker.lifeline import tie_to_parent
from worker.perform import perform
from worker.shared_flag import SharedFlag

settings: Final = Settings()
app: Final[Celery] = make_celery_app(settings)

# Made before the pool forks, so that the pool's processes see what the main process is told.
_STOPPING: Final = SharedFlag()


class _Process:
    """What this process made for itself after the fork; connections must not be shared across one."""

    context: WorkerContext | None = None
    janitor: Janitor | None = None


def context() -> WorkerContext:
    """The worker context of this process."""
    if _Process.context is None:
        _Process.context = make_context(settings)
    return _Process.context


def make_context(settings: Settings) -> WorkerContext:
    """A context of its own connections. A worker waits for a silent store longer than a person would.

    Raises:
        ValueError: `STEPBIAS_REDIS_URL` is not set.
    """
    if settings.redis_url is None:
        raise ValueError("STEPBIAS_REDIS_URL is not set")
    client = connect(settings.redis_url.get_secret_value(), patience=settings.store_patience_seconds)
    return WorkerContext(
        store=RedisStore(client, settings),
        sender=CelerySender(app),
        settings=settings,
        name=f"{socket.gethostname()}:{os.getpid()}",
        stopping=_STOPPING,
    )


@app.task(name=TASK_NAME, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def perform_job(job_id: str) -> None:
    """Do one job."""
    perform(job_id, context())


def work(queue: Queue, concurrency: int) -> int:
    """Do the jobs of the queue, so many at a time, until a signal ends it; the exit code."""
    worker = app.Worker(
        hostname=f"{queue}@{socket.gethostname()}",
        queues=[queue.value],
        concurrency=concurrency,
        loglevel="WARNING",
        # Workers need not know of each other: the store knows them all, and asking around at the start takes a second.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


@worker_process_init.connect  # type: ignore[untyped-decorator]  # as above
def _enter_pool_process(**_: Any) -> None:
    tie_to_parent()
    # Ctrl-C in a terminal reaches every process of the group; the main process decides what becomes of the jobs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Process.context = None


@worker_ready.connect  # type: ignore[untyped-decorator]  # as above
def _start_janitor(sender: Any, **_: Any) -> None:
    queues = tuple(Queue(name) for name in sender.app.amqp.queues.consume_from)
    _Process.janitor = Janitor(context(), queues)
    _Process.janitor.start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # as above
def _ask_jobs_to_stop(**_: Any) -> None:
    """Jobs see this at their next check, write a checkpoint and go back to the queue."""
    _STOPPING.set()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # as above
def _stop_janitor(**_: Any) -> None:
    if _Process.janitor is not None:
        _Process.janitor.stop()
