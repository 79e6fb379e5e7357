"""Celery as a doorbell and a pool of processes: its settings, and the bell. What it keeps is never relied on."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self, TypeVar
from urllib.parse import urlsplit

from amqp.exceptions import NotFound
from celery import Celery
from celery.app.amqp import AMQP, Queues
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.transport.redis import Channel, Transport
from kombu.utils.collections import HashedSeq
from redis.exceptions import RedisError
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.identity import NUMERICS_VERSION
from jobs.connection import ANSWER_SECONDS, KEEPALIVE, LONGEST_PAUSE
from jobs.credentials import PasswordNow, of_secrets, without_credentials
from jobs.errors import BrokerUnavailable
from jobs.ports import Doorbell
from jobs.records import Queue
from jobs.settings import Settings

log = logging.getLogger(__name__)

RINGS: Final[Mapping[Queue, str]] = MappingProxyType({queue: f"stepbias.ring.{queue}" for queue in Queue})
"""The tasks: each is a ring, and says so. What is done because of it has names of its own, `worker.present_work`."""

KEY_PREFIX: Final = "stepbias:celery:"
"""In front of Celery's own keys: a list called `batch` might be somebody else's on a shared server."""

SILENT_SECONDS: Final = 5.0
"""A broker that did not answer is left alone for so long: nobody who submits waits for it again and again."""

PATIENT_SECONDS: Final = 1.0
"""Who has waited for the broker for so long in vain does not try again."""

APART_SECONDS: Final = 2.0
"""How long a broker beside the store is waited for: a worker whose janitor waits for longer is taken for dead."""

RABBITMQ_ANSWER_SECONDS: Final = 1.0
"""The same of RabbitMQ, for which py-amqp waits three times: for the answer, and twice as it closes the connection."""

RING_SECONDS: Final = 60
"""A ring that nobody heard for so long is dropped, where the broker can: they do not pile up while no worker lives."""

AMQP_HEARTBEAT_SECONDS: Final = 10
"""A worker whose connection to RabbitMQ is dead without a word notices after two of them."""

_TROUBLES: Final = (KombuError, RedisError, OSError)

_Answer = TypeVar("_Answer")


class _SilentChannel(Channel):
    """As `jobs.connection.connect` it does not say which library it is."""

    @override
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        return options | {"driver_info": None}


class SilentTransport(Transport):
    """The transport of a broker on the store: what a user of the server may do is enough for it."""

    Channel = _SilentChannel


class BrokerConnection(Connection):
    """A connection whose pauses between attempts stay short: Celery's own grow to half a minute, whatever is set.

    User and password follow the files of secrets, as those of the store do.
    """

    def __init__(self, hostname: str = "localhost", *args: Any, **options: Any) -> None:
        # A copy is made of what the original says of itself, which has them already.
        credentials = of_secrets(hostname)
        is_amqp = hostname.startswith("amqp")
        if credentials is not None and not is_amqp:
            hostname, options = without_credentials(hostname), options | {"credential_provider": credentials}
        super().__init__(hostname, *args, **options)  # type: ignore[no-untyped-call]
        if credentials is not None and is_amqp:
            self.password = PasswordNow(credentials.of_whom, credentials)

    def __eqhash__(self) -> HashedSeq:
        """Under which pools are kept: kombu leaves out who provides the credentials."""
        whom = () if self.credential_provider is None else self.credential_provider.of_whom
        return HashedSeq(super().__eqhash__(), *whom)  # type: ignore[no-untyped-call]

    meanwhile: ClassVar[list[Callable[[], object]]] = []
    """What a worker's main process, which tries for ever, does between two attempts: its event loop stands still."""

    @override
    def ensure_connection(self, errback: Any = None, max_retries: Any = None, **options: Any) -> Self:
        half = LONGEST_PAUSE / 2
        pauses = {"interval_start": half, "interval_step": half, "interval_max": LONGEST_PAUSE}
        super().ensure_connection(  # type: ignore[no-untyped-call]
            errback and self._noticing(errback), max_retries, **pauses | options
        )
        return self

    def _noticing(self, errback: Callable[..., object]) -> Callable[..., object]:
        def failed(*args: Any) -> object:
            for each in self.meanwhile if threading.current_thread() is threading.main_thread() else ():
                each()
            return errback(*args)

        return failed


class _QueuesByName(Queues):  # type: ignore[misc]  # Celery has no types
    """Queues that a worker may be given by their names without a version: `-Q batch`, in a unit that upgrades keep."""

    @override
    def select(self, include: Iterable[str]) -> None:
        whole = {str(queue): queue_name(queue) for queue in Queue}
        super().select([whole.get(name, name) for name in include] if include else include)


class _Amqp(AMQP):  # type: ignore[misc]  # as above
    queues_cls = _QueuesByName


def queue_name(queue: Queue) -> str:
    """What Celery calls a queue: a ring is for workers of this numerics version, who may take what waits."""
    return f"{queue}.{NUMERICS_VERSION}"


def make_celery_app(settings: Settings) -> Celery:
    """The Celery app of workers, and of those who ring for them.

    Raises:
        ValueError: neither `settings.broker_url` nor `settings.redis_url` is set.
    """
    address = settings.broker_url or settings.redis_url
    if address is None:
        raise ValueError("Celery needs a server: STEPBIAS_REDIS_URL is not set")
    url = address.get_secret_value()
    app = Celery("stepbias", broker=url, backend=None, set_as_current=False, amqp=_Amqp)
    app.amqp.Connection = BrokerConnection
    ca = settings.redis_ca
    if urlsplit(url).scheme in {"amqp", "amqps"}:
        broker = _rabbitmq_settings(url, ca)
    else:
        patience = ANSWER_SECONDS if settings.broker_url is None else APART_SECONDS
        broker = _redis_settings(url, ca, patience=patience)
    app.conf.update(broker, **_task_settings(), **_worker_settings(is_open=settings.celery_events))
    return app


_PATIENCE: Final = MappingProxyType(
    {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1, "interval_max": 0.2}
)
"""Of those who ring, and must not wait for the server for ever."""


def _rabbitmq_settings(url: str, ca: str) -> dict[str, Any]:
    parts = urlsplit(url)
    # Without this py-amqp takes any certificate for an amqps:// address.
    trust = {"server_hostname": parts.hostname, "context": {"cadata": ca or None, "check_hostname": True}}
    return {
        "broker_use_ssl": trust if parts.scheme == "amqps" else None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # workers wait for the broker for ever
        "broker_connection_timeout": 2.0,
        "broker_heartbeat": AMQP_HEARTBEAT_SECONDS,
        # RabbitMQ closes a channel on which a ring waits for half an hour behind a process that trains.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            **_PATIENCE,
            "read_timeout": RABBITMQ_ANSWER_SECONDS,
            "write_timeout": RABBITMQ_ANSWER_SECONDS,
        },
        "worker_disable_prefetch": False,  # it can only be done with Redis
    }


def _redis_settings(url: str, ca: str, *, patience: float) -> dict[str, Any]:
    # Without this Celery takes any certificate for a rediss:// address; the store's own client never does.
    verified = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True} | ({"ssl_ca_data": ca} if ca else {})
    return {
        "broker_transport": f"{SilentTransport.__module__}:{SilentTransport.__name__}",
        "broker_use_ssl": verified if urlsplit(url).scheme == "rediss" else None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # workers wait for the server for ever
        "broker_connection_timeout": 2.0,
        "broker_transport_options": {
            "global_keyprefix": KEY_PREFIX,
            # A message is acknowledged as it is taken: this bounds only how long one may be stuck in between.
            "visibility_timeout": 3600,
            **_PATIENCE,
            "socket_timeout": patience,
            "socket_connect_timeout": 2.0,
            "socket_keepalive": True,
            "socket_keepalive_options": dict(KEEPALIVE),
            # A worker that waits for a ring on a connection that is dead without a word notices in 11 s.
            "health_check_interval": 5,
        },
        # A message fetched before there is a free child would wait behind a long task, out of the others' reach.
        "worker_disable_prefetch": True,
    }


def _task_settings() -> dict[str, Any]:
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_queues": {queue_name(queue): {"routing_key": queue_name(queue)} for queue in Queue},
        "task_default_queue": queue_name(Queue.BATCH),
        "task_default_delivery_mode": "transient",  # no broker need write a ring to its disk
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        # The store counts attempts and knows lost workers; a second mechanism would only run tasks twice.
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        "task_publish_retry": False,
        "task_track_started": False,
        "task_send_sent_event": False,
    }


def _worker_settings(*, is_open: bool) -> dict[str, Any]:
    """`is_open`: whoever reaches the broker may ask what runs, and give orders."""
    return {
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # A reconnecting worker would count running tasks against the prefetch of 1 and stop fetching.
        "worker_enable_prefetch_count_reduction": False,
        "worker_enable_remote_control": is_open,
        "worker_send_task_events": False,
        "worker_soft_shutdown_timeout": 10.0,
        "worker_enable_soft_shutdown_on_idle": False,
    }


class Broker:
    """The broker, as one that need not be there: where it did not answer a moment ago, nobody waits for it again."""

    def __init__(self, app: Celery) -> None:
        self._troubles = (*_TROUBLES, *app.connection_for_write().connection_errors)
        self._silent_until = 0.0
        self.trouble: str | None = None

    def ask(self, call: Callable[[], _Answer]) -> _Answer:
        """What the call answers; that the broker goes away, and that it is back, is logged once.

        Raises:
            BrokerUnavailable: it does not answer, or did not a moment ago.
        """
        if self.trouble is not None and time.monotonic() < self._silent_until:
            raise BrokerUnavailable(self.trouble)
        try:
            answer = _again_if_it_fails(call, self._troubles)
        except self._troubles as error:
            raise self._lost(str(error) or type(error).__name__) from error
        if self.trouble is not None:
            log.warning("the broker answers again")
        self.trouble = None
        return answer

    def _lost(self, reason: str) -> BrokerUnavailable:
        if self.trouble is None:
            log.warning("the broker does not answer, and workers look for work themselves, once a second: %s", reason)
        self._silent_until, self.trouble = time.monotonic() + SILENT_SECONDS, reason
        return BrokerUnavailable(reason)


class CeleryDoorbell(Doorbell):
    """Rings by Celery messages that are named after a queue and say nothing else."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._broker = Broker(app)

    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        """Send so many messages in one pipeline.

        What cannot be sent is lost, with a warning: the work is on record, and workers look for it.
        """
        with suppress(BrokerUnavailable):
            self._broker.ask(lambda: self._publish(queue, times))

    @override
    def unanswered(self, queue: Queue) -> int:
        return self._broker.ask(lambda: self._length(queue))

    @override
    def trouble(self) -> str | None:
        with suppress(BrokerUnavailable):
            self._broker.ask(lambda: self._length(Queue.INTERACTIVE))
        return self._broker.trouble

    @override
    def hang_up(self) -> None:
        with self._app.pool.acquire(block=True) as connection:
            connection.collect()

    def _length(self, queue: Queue) -> int:
        """By a declaration, which every broker that Celery knows answers with how many wait; it is to make nothing.

        On Redis none makes anything, and kombu looks for the queue of a passive one past its own prefix of keys.
        """
        with self._app.pool.acquire(block=True) as connection:
            channel, is_amqp = connection.default_channel, connection.transport.driver_type == "amqp"
            try:
                return int(channel.queue_declare(queue_name(queue), passive=is_amqp).message_count)
            except NotFound:
                # No worker was ever there, and nobody has rung. The broker has closed the channel over the question.
                connection.collect()
                return 0

    def _publish(self, queue: Queue, times: int) -> None:
        with self._app.producer_pool.acquire(block=True) as producer, producer.batch(max_size=times):
            for _ in range(times):
                self._app.send_task(
                    RINGS[queue],
                    queue=queue_name(queue),
                    producer=producer,
                    ignore_result=True,
                    expiration=RING_SECONDS,
                )


def _again_if_it_fails(ask: Callable[[], _Answer], troubles: tuple[type[Exception], ...]) -> _Answer:
    """A connection that died unnoticed fails once; the next one is new. Who waited has waited enough."""
    began = time.monotonic()
    try:
        return ask()
    except troubles:
        if time.monotonic() - began > PATIENT_SECONDS:
            raise
        return ask()
