"""`stepbias serve`: one process of the service, which is this one."""

import os
from contextlib import suppress
from typing import Final

from jobs.connection import connect
from jobs.errors import ForeignStore, StoreUnavailable
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.cli.failure import explained
from stepbias.launcher.startup_error import StartupError

REQUEST_PATIENCE: Final = 3
"""A request may wait for its figure longer than anybody wants to wait for the end; this many seconds it may take."""

# Batches run side by side, one core each: BLAS threads would compete for the same cores, and change bits.
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def api(*, host: str, port: int) -> int:
    """Answer HTTP until told to stop."""
    _prepare()
    import uvicorn  # noqa: PLC0415 - a worker has no use for it

    from api.asgi import app  # noqa: PLC0415 - connects to the store that the environment names

    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=REQUEST_PATIENCE
    )
    return 0


def worker(*, queue: str, concurrency: int) -> int:
    """Do the jobs of a queue, so many at a time, until told to stop."""
    _prepare()
    from worker.celery_app import work  # noqa: PLC0415 - imports the numerics, and reads the settings

    return work(Queue(queue), concurrency)


def _prepare() -> None:
    """What must be so before the numerics are imported."""
    os.environ.update(_ONE_THREAD)
    with explained(StartupError):
        _require_store()


def _require_store() -> None:
    """Return if the settings name a store that can be worked with; one that is away may come.

    Raises:
        StartupError: they do not, or cannot be read, or the store was written by another version.
    """
    try:
        settings = Settings()
    except ValueError as error:
        raise StartupError(str(error)) from error
    if settings.redis_url is None:
        raise StartupError("STEPBIAS_REDIS_URL is not set; `stepbias up` starts the whole service, with its own server")
    try:
        with suppress(StoreUnavailable), connect(settings.redis_url.get_secret_value(), patience=0.0) as client:
            RedisStore(client, settings).adopt()
    except ForeignStore as error:
        raise StartupError(str(error)) from error
