"""The application of a deployment, for `stepbias serve api`; its settings are in the environment (`STEPBIAS_…`)."""

import gc
from typing import Final

from fastapi import FastAPI

from api.app import create_app
from jobs.celery_doorbell import CeleryDoorbell, make_celery_app
from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings

STORE_PATIENCE_SECONDS: Final = 1.0
"""How long a request waits for a silent store before it is answered 503: a person, or a load balancer, is waiting."""


def from_environment() -> FastAPI:
    """The application that the environment describes. Nothing is sent to the server yet.

    Raises:
        ValueError: there is no `STEPBIAS_REDIS_URL`; `stepbias up` starts a server and sets it.
    """
    settings = Settings()
    if settings.store_url is None:
        raise ValueError(
            "STEPBIAS_REDIS_URL is not set; `stepbias up` starts the whole service with a server of its own"
        )
    client = connect(settings.store_url, patience=STORE_PATIENCE_SECONDS)
    application = create_app(settings, RedisStore(client, settings), CeleryDoorbell(make_celery_app(settings)))
    # A full collection would look at all that was imported, and nobody is answered meanwhile: 200 ms on a busy machine.
    gc.collect()
    gc.freeze()
    return application


app: Final = from_environment()
