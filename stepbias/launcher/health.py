# ruff: noqa: PLC0415 - asked every few seconds, on a core that trains: what asks the API loads nothing of the store
"""`stepbias serve health`: whether the part of the service that runs in this container, or on this machine, works."""

import socket

import typer

from stepbias.launcher.http_probe import answers


def health(part: str, *, port: int) -> int:
    """0 if it works: the API if it answers at the port, a worker if the store has heard of it and it takes what waits.

    The API is not asked for its store: that a store is gone is no fault of the API, and ends when the store is back.
    """
    missing = answers(f"http://127.0.0.1:{port}/healthz")() if part == "api" else missing_worker(socket.gethostname())
    if missing is not None:
        typer.echo(f"stepbias: {missing}", err=True)
    return int(missing is not None)


def missing_worker(host: str) -> str | None:
    """Why it is not known that a worker works on the host; None if it is, whichever queue the worker serves."""
    from api.readiness import lack_of
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
            found = {queue: store.look_around(queue) for queue in Queue}
    except StoreUnavailable as error:
        return str(error)
    # A worker is called `host:pid`.
    here = {
        queue: around for queue, around in found.items() if any(_is_on(worker.name, host) for worker in around.workers)
    }
    if not here:
        return f"the store has not heard of a worker on {host} lately"
    return next(filter(None, (lack_of(queue, around) for queue, around in here.items())), None)


def _is_on(worker: str, host: str) -> bool:
    return worker.rpartition(":")[0] == host
