"""Celery as the carrier of hints: the app's settings, and the sender. Nothing that Celery keeps is ever relied on."""

import logging
import ssl
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.connection import vendor_errors
from jobs.errors import StoreUnavailable
from jobs.ports import Sender
from jobs.records import Message, Queue
from jobs.settings import Settings

logger = logging.getLogger(__name__)

TASK_NAME: Final = "stepbias.perform"
"""The one task: `perform(job_id)`."""

KEY_PREFIX: Final = "stepbias:celery:"
"""In front of Celery's own keys: a list called `batch` might be somebody else's on a shared server."""

_ATTEMPTS: Final = 2
_BATCH: Final = 1000


def make_celery_app(settings: Settings) -> Celery:
    """The Celery app of workers and senders.

    What has no setting is a flag of the worker's command: `--without-gossip --without-mingle --without-heartbeat`.

    Raises:
        ValueError: `settings.redis_url` is not set.
    """
    if settings.redis_url is None:
        raise ValueError("Celery needs a server: STEPBIAS_REDIS_URL is not set")
    url = settings.redis_url.get_secret_value()
    app = Celery("stepbias", broker=url, backend=None, set_as_current=False)
    app.conf.update(_broker_settings(url), **_task_settings(), **_worker_settings())
    return app


def _broker_settings(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    # Without this Celery takes any certificate for a rediss:// address; the store's own client never does.
    needs_certificate = parts.scheme == "rediss" and "ssl_cert_reqs" not in parts.query
    return {
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if needs_certificate else None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # workers wait for the server for ever
        "broker_connection_timeout": 2.0,
        "broker_transport_options": {
            "global_keyprefix": KEY_PREFIX,
            # A message is acknowledged as it is taken: this bounds only how long one may be stuck in between.
            "visibility_timeout": 3600,
            # For senders, who must not wait for the server for ever.
            "max_retries": 1,
            "interval_start": 0.1,
            "interval_step": 0.1,
            "interval_max": 0.2,
            "socket_timeout": 10.0,
            "socket_connect_timeout": 2.0,
            "socket_keepalive": True,
        },
    }


def _task_settings() -> dict[str, Any]:
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_queues": {queue.value: {"routing_key": queue.value} for queue in Queue},
        "task_default_queue": Queue.BATCH.value,
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        # The store counts attempts and knows lost workers; a second mechanism would only run tasks twice.
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        "task_publish_retry": False,
        "task_track_started": False,
        "task_send_sent_event": False,
    }


def _worker_settings() -> dict[str, Any]:
    return {
        "worker_prefetch_multiplier": 1,
        # A message fetched before there is a free child would wait behind a long task, out of the others' reach.
        "worker_disable_prefetch": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # A reconnecting worker would count running tasks against the prefetch of 1 and stop fetching.
        "worker_enable_prefetch_count_reduction": False,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_soft_shutdown_timeout": 10.0,
        "worker_enable_soft_shutdown_on_idle": False,
    }


class CelerySender(Sender):
    """Announces jobs as Celery messages that carry the job's id and nothing else."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    @override
    def send(self, messages: Iterable[Message]) -> None:
        """Send the messages in one pipeline.

        A message that cannot be sent is lost with a warning: the job is recorded, and the janitor announces it again.
        """
        waiting = list(messages)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._publish(waiting)
            except (KombuError, RedisError, OSError) as error:
                if attempt == _ATTEMPTS:
                    logger.warning("%d jobs are recorded but not announced: %s", len(waiting), error)
            else:
                return

    @override
    def waiting(self, queue: Queue) -> int:
        """The length of the broker's list.

        Raises:
            StoreUnavailable: the broker does not answer.
        """
        try:
            with vendor_errors(), self._app.pool.acquire(block=True) as connection:
                return int(connection.default_channel.client.llen(queue.value))
        except (KombuError, OSError) as error:
            raise StoreUnavailable(f"the broker is not available: {error}") from error

    def _publish(self, messages: Iterable[Message]) -> None:
        with self._app.producer_pool.acquire(block=True) as producer, producer.batch(max_size=_BATCH):
            for message in messages:
                self._app.send_task(
                    TASK_NAME,
                    args=[message.job_id],
                    queue=message.queue.value,
                    producer=producer,
                    ignore_result=True,
                )
