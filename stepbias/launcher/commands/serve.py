"""`stepbias serve`: one process of the service, which is this one."""

import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from core.errors import InvalidChoice
from jobs.connection import connect
from jobs.errors import ForeignStore, StoreRefused, StoreUnavailable
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.redis_store.lasting import forgetting, of_a_cluster
from jobs.settings import Settings
from stepbias.cli.failure import explained
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.checks.reach import require_meant
from stepbias.launcher.checks.store_door import events_refused, other_language
from stepbias.launcher.one_thread import ONE_THREAD
from stepbias.launcher.processes.command_line import run_command
from stepbias.launcher.processes.fork_server import forking
from stepbias.launcher.processes.log_lines import CELERY_LOGGING, log_lines
from stepbias.launcher.processes.managed import ManagedProcess
from stepbias.launcher.processes.read_ahead import OF_API, OF_WORKERS, read_ahead
from stepbias.launcher.processes.served import REQUEST_PATIENCE, api_process, worker_process
from stepbias.launcher.processes.watchdog import run_watched
from stepbias.launcher.startup_error import StartupError
from stepbias.variables import unread
from worker.lean_memory import keep_few_heaps

log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS: Final = 1.0
_OTHER_FILES: Final = 200

_SWITCH_SECONDS: Final = 0.0005
"""A poll changes threads three times; each waits so long for one that writes results, five milliseconds by default."""


def api(*, host: str, port: int, watch: bool) -> int:
    """Answer HTTP until told to stop; under watch, in a child that is killed when it does not answer any more."""
    settings, url = _usable_settings()
    with explained(StartupError):
        require_meant(host, settings)
    if watch:
        return _watched(lambda: api_process(host=host, port=port, environment=dict(os.environ)), OF_API)
    keep_few_heaps()
    sys.setswitchinterval(_SWITCH_SECONDS)
    _prepare(settings)
    _warn_if_it_forgets(url)
    import uvicorn  # noqa: PLC0415 - a worker has no use for it

    from api.asgi import app  # noqa: PLC0415 - connects to the store that the environment names
    from stepbias.launcher.http_protocol import HttpProtocol  # noqa: PLC0415 - a worker has no use for it

    app.state.hosts.add(host.lower())
    HttpProtocol.most_connections, HttpProtocol.let_go = settings.max_connections, app.state.hub.close
    _allow_files(settings.max_connections)
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=HttpProtocol,
        ws="none",
        proxy_headers=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=REQUEST_PATIENCE,
    )
    return 0


def worker(*, queue: str, concurrency: int, watch: bool) -> int:
    """Do the jobs of a queue, so many at a time, until told to stop; under watch, in a child, as `api` does."""
    settings, url = _usable_settings()
    with explained(StartupError):
        if (refusal := events_refused(settings)) is not None:
            raise StartupError(refusal)
    if watch:
        from stepbias.launcher.checks.worker_probe import worker_probe  # noqa: PLC0415 - the work itself has no use for it

        make = partial(worker_process, queue=queue, concurrency=concurrency, environment=dict(os.environ))
        return _watched(lambda: make(missing=worker_probe(url, settings)), OF_WORKERS)
    _prepare(settings)
    _warn_if_it_forgets(url)
    with explained(StartupError):
        _require_kernel(settings.kernel)
    from worker.celery_app import app, leave_logging_alone, work  # noqa: PLC0415 - imports the numerics, and reads the settings

    _await_writable(url, settings)
    app.conf.update(CELERY_LOGGING)
    if settings.log_format == "json":
        leave_logging_alone()
    # Where Celery takes its leave, past the log.
    sys.__stdout__ = None  # type: ignore[misc]  # it may be missing
    return work(Queue(queue), concurrency)


def _allow_files(connections: int) -> None:
    """Let this process have so many connections open, as far as the machine lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def _require_kernel(name: str) -> None:
    """Return if this machine has the kernel: without it a worker would live, and fail every job.

    Raises:
        StartupError: it has not.
    """
    from core.descent.kernel import chosen  # noqa: PLC0415 - imports the numerics

    try:
        chosen(name)
    except InvalidChoice as error:
        raise StartupError(f"STEPBIAS_KERNEL: {error.message}") from None


def _await_writable(url: str, settings: Settings) -> None:
    """Return once the store takes writes: Celery gives up at the first that is refused, and does not say of what."""
    told = ""
    with connect(url, patience=0.0) as client:
        while True:
            try:
                return RedisStore(client, settings).require_writable()
            except StoreUnavailable as error:
                if str(error) != told:
                    told = str(error)
                    log.warning("the worker waits: %s", told)
            time.sleep(_LOOK_AGAIN_SECONDS)


def _warn_if_it_forgets(url: str) -> None:
    """Nobody else would hear of it before something is lost."""
    with suppress(StoreUnavailable), connect(url, patience=0.0) as client:
        if (lack := forgetting(client)) is not None:
            log.warning("the server at STEPBIAS_REDIS_URL %s. %s", *lack)


def _watched(make: Callable[[], ManagedProcess], modules: Sequence[str]) -> int:
    """Run the process, forked of this one where that can be: the two share what they have imported."""
    with explained(StartupError), forking(partial(read_ahead, modules), run_command) as fork_server:
        return run_watched(replace(make(), fork_server=fork_server))


def _prepare(settings: Settings) -> None:
    """What must be so before the work begins, of this process and of its children."""
    os.environ.update(ONE_THREAD)
    log_lines(settings.log_format)
    for sentence in unread(os.environ):
        log.warning(sentence)


def _usable_settings() -> tuple[Settings, str]:
    """The settings, and the address of the store that they name."""
    settings = checked_settings()
    with explained(StartupError):
        if not settings.store_url:
            raise StartupError(
                "STEPBIAS_REDIS_URL is not set; `stepbias up` starts the whole service, with its own server"
            )
        url = settings.store_url
        _require_own_store(url, settings)
        return settings, url


def _require_own_store(url: str, settings: Settings) -> None:
    """Return if the store can be worked with; one that is away may come.

    Raises:
        StartupError: it was written by another version, does not let this process in, or is a node of a cluster.
    """
    try:
        with connect(url, patience=0.0) as client:
            # Before anything is asked of it: a cluster's refusals look like an outage, for which everybody would wait.
            if (lack := of_a_cluster(client)) is not None:
                raise StartupError("the server at STEPBIAS_REDIS_URL {}. {}".format(*lack))
            RedisStore(client, settings).adopt()
    except (ForeignStore, StoreRefused) as error:
        raise StartupError(str(error)) from error
    except StoreUnavailable as error:
        if (reason := other_language(url)) is not None:
            raise StartupError(reason) from error
