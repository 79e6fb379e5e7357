"""Celery as a doorbell and a pool of processes: its settings, and the bell. What it keeps is never relied on."""

import logging
import ssl
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from celery import Celery
from kombu.connection import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.identity import NUMERICS_VERSION
from jobs.connection import ANSWER_SECONDS, KEEPALIVE, LONGEST_PAUSE
from jobs.credentials import of_secrets, without_credentials
from jobs.errors import StoreUnavailable
from jobs.ports import Doorbell
from jobs.records import Queue
from jobs.settings import Settings

log = logging.getLogger(__name__)

TASK_NAME: Final = "stepbias.work_off"
"""The one task: `work_off(queue)`."""

KEY_PREFIX: Final = "stepbias:celery:"
"""In front of Celery's own keys: a list called `batch` might be somebody else's on a shared server."""

_TROUBLES: Final = (KombuError, RedisError, OSError)

_Answer = TypeVar("_Answer")


class BrokerConnection(Connection):
    """A connection whose pauses between attempts stay short: Celery's own grow to half a minute, whatever is set.

    User and password follow the file of secrets, as those of the store do.
    """

    def __init__(self, hostname: str = "localhost", *args: Any, **options: Any) -> None:
        # A copy is made of what the original says of itself, which has them already.
        if (credentials := of_secrets(hostname)) is not None:
            hostname, options = without_credentials(hostname), options | {"credential_provider": credentials}
        super().__init__(hostname, *args, **options)  # type: ignore[no-untyped-call]

    @override
    def ensure_connection(self, *args: Any, **options: Any) -> Self:
        half = LONGEST_PAUSE / 2
        pauses = {"interval_start": half, "interval_step": half, "interval_max": LONGEST_PAUSE}
        super().ensure_connection(*args, **pauses | options)  # type: ignore[no-untyped-call]
        return self


def queue_name(queue: Queue) -> str:
    """What Celery calls a queue: a ring is for workers of this numerics version, who may take what waits."""
    return f"{queue}.{NUMERICS_VERSION}"


def make_celery_app(settings: Settings) -> Celery:
    """The Celery app of workers, and of those who ring for them.

    What has no setting is a flag of the worker's command: `--without-gossip --without-mingle --without-heartbeat`.

    Raises:
        ValueError: `settings.redis_url` is not set.
    """
    if settings.redis_url is None:
        raise ValueError("Celery needs a server: STEPBIAS_REDIS_URL is not set")
    url = settings.redis_url.get_secret_value()
    app = Celery("stepbias", broker=url, backend=None, set_as_current=False)
    app.amqp.Connection = BrokerConnection
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
            # For those who ring, and must not wait for the server for ever.
            "max_retries": 1,
            "interval_start": 0.1,
            "interval_step": 0.1,
            "interval_max": 0.2,
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": 2.0,
            "socket_keepalive": True,
            "socket_keepalive_options": dict(KEEPALIVE),
            # A worker that waits for a ring on a connection that is dead without a word notices in 11 s.
            "health_check_interval": 5,
        },
    }


def _task_settings() -> dict[str, Any]:
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_queues": {queue_name(queue): {"routing_key": queue_name(queue)} for queue in Queue},
        "task_default_queue": queue_name(Queue.BATCH),
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


class CeleryDoorbell(Doorbell):
    """Rings by Celery messages that name a queue and nothing else."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        """Send so many messages in one pipeline.

        What cannot be sent is lost with a warning: the work is on record, and the janitor rings again.
        """
        try:
            _again_if_it_fails(lambda: self._publish(queue, times))
        except _TROUBLES as error:
            log.warning("the %s queue was not rung for: %s", queue, error)

    @override
    def unanswered(self, queue: Queue) -> int:
        try:
            return _again_if_it_fails(lambda: self._length(queue))
        except _TROUBLES as error:
            raise StoreUnavailable(f"the broker is not available: {error}") from error

    @override
    def hang_up(self) -> None:
        with self._app.pool.acquire(block=True) as connection:
            connection.collect()

    def _length(self, queue: Queue) -> int:
        with self._app.pool.acquire(block=True) as connection:
            return int(connection.default_channel.client.llen(queue_name(queue)))

    def _publish(self, queue: Queue, times: int) -> None:
        with self._app.producer_pool.acquire(block=True) as producer, producer.batch(max_size=times):
            for _ in range(times):
                self._app.send_task(
                    TASK_NAME, args=[queue.value], queue=queue_name(queue), producer=producer, ignore_result=True
                )


def _again_if_it_fails(ask: Callable[[], _Answer]) -> _Answer:
    """A connection that died unnoticed fails once; the next one is new."""
    try:
        return ask()
    except _TROUBLES:
        return ask()
