# ruff: noqa: PLC0415 - asked every few seconds, on a core that trains: what asks the API loads nothing of the store
"""`stepbias serve health`: whether the part of the service that runs in this container, or on this machine, lives."""

import socket

import typer

from stepbias.launcher.http_probe import answers


def health(part: str, *, port: int) -> int:
    """0 if it lives: the API if it answers at the port, a worker if the store has heard of one on this host lately.

    The API is not asked for its store: that a store is gone is no fault of the API, and ends when the store is back.
    """
    missing = answers(f"http://127.0.0.1:{port}/healthz")() if part == "api" else missing_worker(socket.gethostname())
    if missing is not None:
        typer.echo(f"stepbias: {missing}", err=True)
    return int(missing is not None)


def missing_worker(host: str) -> str | None:
    """Why it is not known that a worker lives on the host; None if it is, whichever queue the worker serves."""
    from jobs.connection import connect
    from jobs.errors import StoreUnavailable
    from jobs.records import Queue
    from jobs.redis_store import RedisStore
    from jobs.settings import Settings

    settings = Settings()
    if settings.redis_url is None:
        return "STEPBIAS_REDIS_URL is not set"
    try:
        with connect(settings.redis_url.get_secret_value(), patience=1.0) as client:
            store = RedisStore(client, settings)
            workers = [worker for queue in Queue for worker in store.live_workers(queue)]
    except StoreUnavailable as error:
        return str(error)
    # A worker is called `host:pid`.
    if not any(worker.rpartition(":")[0] == host for worker in workers):
        return f"the store has not heard of a worker on {host} lately"
    return None
