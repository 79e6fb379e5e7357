"""What API and workers read at their start, read by one process for all of them."""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from jobs.redis_store.scripts import Script, source
from stepbias.launcher.one_thread import ONE_THREAD

OF_BOTH: Final = (
    "celery.app.amqp",
    "encodings.idna",
    "jobs.celery_doorbell",
    "kombu.transport.redis",
    "stepbias.launcher.commands.serve",
)

OF_API: Final = (
    "anyio._backends._asyncio",
    "api.app",
    "importlib.resources.readers",
    "stepbias.launcher.http_protocol",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
)

OF_WORKERS: Final = (
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "celery.app.control",
    "celery.app.log",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.prefork",
    "celery.events",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "kombu.mixins",
    "worker.janitor",
    "worker.memory_limit",
    "worker.perform",
    "worker.shared_flag",
)
"""By name, since some are for their adapters alone to use."""


def read_ahead(modules: Sequence[str] = OF_API + OF_WORKERS) -> None:
    """Import what these processes of the service do before they are told where the store is."""
    os.environ.update(ONE_THREAD)
    for module in (*OF_BOTH, *modules):
        import_module(module)
    for script in Script:
        source(script)
