# ruff: noqa: PLC0415 - asked every few seconds, on a core that trains: what asks the API loads nothing of the store
"""`stepbias serve health`: whether the part of the service that runs in this container, or on this machine, works."""

import socket

from stepbias.cli.output import remark
from stepbias.launcher.checks.http_probe import answers, local_url


def health(part: str, *, host: str, port: int) -> int:
    """0 if it works: the API if it answers at the address, a worker if the store has heard of it and it takes jobs.

    The API is not asked for its store: that a store is gone is no fault of the API, and ends when the store is back.
    """
    missing = answers(f"{local_url(host, port)}/healthz")() if part == "api" else missing_worker(socket.gethostname())
    if missing is not None:
        remark(f"stepbias: {missing}")
    return int(missing is not None)


def missing_worker(host: str) -> str | None:
    """Why it is not known that a worker works on the host; None if it is, whichever queue the worker serves."""
    from jobs.connection import connect
    from jobs.errors import StoreUnavailable
    from jobs.redis_store import RedisStore
    from stepbias.launcher.checked_settings import checked_settings
    from stepbias.launcher.checks.worker_probe import PATIENCE_SECONDS, lack_of_workers

    settings = checked_settings()
    if not settings.store_url:
        return "STEPBIAS_REDIS_URL is not set"
    try:
        with connect(settings.store_url, patience=PATIENCE_SECONDS) as client:
            # A worker is called `host:pid`.
            return lack_of_workers(
                RedisStore(client, settings), f"a worker on {host}", lambda name: name.rpartition(":")[0] == host
            )
    except StoreUnavailable as error:
        return str(error)
