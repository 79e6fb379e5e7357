"""What API and workers read at their start, read by one process for all of them."""

import os
from importlib import import_module
from typing import Final

from jobs.redis_store.scripts import Script, source
from stepbias.launcher.one_thread import ONE_THREAD

MODULES: Final = (
    "anyio._backends._asyncio",
    "api.app",
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "celery.app.amqp",
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
    "encodings.idna",
    "importlib.resources.readers",
    "jobs.celery_doorbell",
    "kombu.mixins",
    "kombu.transport.redis",
    "stepbias.launcher.commands.serve",
    "stepbias.launcher.http_protocol",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "worker.janitor",
    "worker.memory_limit",
    "worker.perform",
    "worker.shared_flag",
)
"""By name, since some are for their adapters alone to use."""


def read_ahead() -> None:
    """Import all that the processes of the service do before they are told where the store is."""
    os.environ.update(ONE_THREAD)
    for module in MODULES:
        import_module(module)
    for script in Script:
        source(script)
