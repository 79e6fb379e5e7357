"""Celery as a doorbell: its settings, and what arrives on a real server."""

import base64
import json
import logging
import socket
import ssl
from collections.abc import Iterator

import celery
import pytest
import redis
from celery.app.defaults import NAMESPACES, flatten

from core.identity import NUMERICS_VERSION
from jobs.celery_doorbell import KEY_PREFIX, RINGS, SILENT_SECONDS, Broker, CeleryDoorbell, make_celery_app, queue_name
from jobs.errors import BrokerUnavailable
from jobs.records import Queue
from jobs.settings import Settings, WrongSettings, settings_of_environment


def app_at(url: str) -> celery.Celery:
    """The app of a deployment with that server."""
    return make_celery_app(Settings.model_validate({"redis_url": url}))


@pytest.fixture
def bell(empty_valkey_url: str) -> Iterator[CeleryDoorbell]:
    """A doorbell on the empty server."""
    with app_at(empty_valkey_url) as app:
        yield CeleryDoorbell(app)


@pytest.fixture
def absent() -> str:
    """The address of a server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://:secret-word@127.0.0.1:{probe.getsockname()[1]}/0"


def test_every_setting_is_one_that_celery_knows() -> None:
    """A misspelt setting would be ignored in silence."""
    known = {name for name, _ in flatten(NAMESPACES)}
    chosen = set(app_at("redis://localhost").conf.changes) - {"deprecated_settings"}
    assert len(chosen) > 20
    assert chosen <= known


def test_celery_keeps_nothing_and_repeats_nothing() -> None:
    """No results, early acknowledgement, one message at a time, nothing but JSON."""
    conf = app_at("redis://localhost").conf
    assert conf.result_backend is None
    assert not conf.task_acks_late
    assert not conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.worker_disable_prefetch
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss
    assert not conf.worker_enable_remote_control
    assert conf.broker_connection_retry_on_startup
    assert conf.broker_connection_max_retries is None
    assert conf.accept_content == ["json"]
    assert set(conf.task_queues) == {queue_name(queue) for queue in Queue}


@pytest.mark.parametrize(
    ("url", "certificate"),
    [
        ("redis://host:1/2", None),
        ("rediss://host:1/2", ssl.CERT_REQUIRED),
    ],
)
def test_the_broker_shows_its_certificate(url: str, certificate: ssl.VerifyMode | None) -> None:
    """As to the store's own client."""
    connection = app_at(url).connection_for_write()
    assert (connection.hostname, connection.port, connection.virtual_host) == ("host", 1, "2")
    assert (connection.ssl or {}).get("ssl_cert_reqs") == certificate


@pytest.mark.parametrize("scheme", ["http", "memory", "sqs", "redis+socket", ""])
def test_a_broker_that_nobody_has_tried_is_refused(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that are understood; of the address, which has a password, not a word."""
    monkeypatch.setenv("STEPBIAS_BROKER_URL", f"{scheme}://:secret-word@host")
    with pytest.raises(WrongSettings, match="redis, rediss, amqp, amqps") as raised:
        settings_of_environment()
    assert "secret-word" not in str(raised.value)


def test_the_broker_may_be_another_than_the_store() -> None:
    """Whose certificate and name are verified where the address says that it has one."""
    settings = {"redis_url": "redis://store", "broker_url": "amqps://somebody:word@rabbit.lab:5671/stepbias"}
    app = make_celery_app(Settings.model_validate(settings))
    connection = app.connection_for_write()
    assert (connection.hostname, connection.virtual_host) == ("rabbit.lab", "stepbias")
    assert connection.ssl == {"server_hostname": "rabbit.lab", "context": {"cadata": None, "check_hostname": True}}
    assert connection.transport_options["read_timeout"] < 5


def test_a_queue_is_chosen_by_its_name_without_a_version() -> None:
    """So that an upgrade leaves the units of a service manager as they are."""
    app = app_at("redis://localhost")
    app.amqp.queues.select(["batch"])
    assert set(app.amqp.queues.consume_from) == {queue_name(Queue.BATCH)}


def test_remote_control_is_open_where_a_setting_says_so() -> None:
    """And nowhere else."""
    asked = Settings.model_validate({"redis_url": "redis://localhost", "celery_events": True})
    assert make_celery_app(asked).conf.worker_enable_remote_control


def test_who_rings_does_not_wait_again_for_a_broker_that_was_away(
    absent: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only after a while is it asked again; that it is away is said once."""
    now = 1000.0
    monkeypatch.setattr("jobs.celery_doorbell.time.monotonic", lambda: now)
    asked = []

    def ask() -> int:
        asked.append(now)
        raise OSError("nobody")

    broker = Broker(app_at(absent))
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            broker.ask(ask)
    assert len(asked) == 2, "once, and once on a new connection"
    now += SILENT_SECONDS + 1
    with pytest.raises(BrokerUnavailable):
        broker.ask(ask)
    assert len(asked) == 4
    now += SILENT_SECONDS + 1
    assert broker.ask(lambda: 7) == 7
    assert broker.trouble is None
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "the broker does not answer",
        "the broker answers again",
    ]


def test_without_a_server_there_is_no_app() -> None:
    """Celery's own default, a broker on this machine, is nobody's wish."""
    with pytest.raises(ValueError, match="STEPBIAS_REDIS_URL"):
        make_celery_app(Settings(redis_url=None))


def test_a_ring_names_the_queue_and_nothing_else(bell: CeleryDoorbell, empty_valkey_url: str) -> None:
    """As many messages as times, each to the queue it names."""
    bell.ring(Queue.BATCH, times=3)
    bell.ring(Queue.INTERACTIVE)
    assert (bell.unanswered(Queue.BATCH), bell.unanswered(Queue.INTERACTIVE)) == (3, 1)
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert all(key.startswith(KEY_PREFIX.encode()) for key in client.scan_iter())
        raw = client.lrange(f"{KEY_PREFIX}{queue_name(Queue.BATCH)}", 0, -1)
    messages = [json.loads(each) for each in raw]
    bodies = [json.loads(base64.b64decode(message["body"])) for message in messages]
    assert [body[:2] for body in bodies] == [[[], {}]] * 3
    assert {message["headers"]["task"] for message in messages} == {RINGS[Queue.BATCH]} == {"stepbias.ring.batch"}
    assert all(message["headers"]["ignore_result"] for message in messages)


def test_a_ring_is_for_workers_of_the_same_numerics_version() -> None:
    """Others could take nothing of what waits."""
    assert {queue_name(queue) for queue in Queue} == {f"interactive.{NUMERICS_VERSION}", f"batch.{NUMERICS_VERSION}"}


def test_many_rings_take_few_round_trips(bell: CeleryDoorbell, empty_valkey_url: str) -> None:
    """In one pipeline."""
    bell.ring(Queue.BATCH)
    with redis.Redis.from_url(empty_valkey_url) as client:
        before = client.info("stats")["total_reads_processed"]
        bell.ring(Queue.BATCH, times=500)
        reads = client.info("stats")["total_reads_processed"] - before
    assert bell.unanswered(Queue.BATCH) == 501
    # A pipeline of 500 messages is read in pieces of the size of a socket's buffer, never message by message.
    assert reads < 250


def test_a_ring_that_is_lost_is_a_warning(absent: str, caplog: pytest.LogCaptureFixture) -> None:
    """The work is on record, and the janitor rings again."""
    with app_at(absent) as app, caplog.at_level(logging.WARNING, logger="jobs.celery_doorbell"):
        CeleryDoorbell(app).ring(Queue.BATCH)
    assert "the broker does not answer, and workers look for work themselves" in caplog.text
    assert "secret-word" not in caplog.text


def test_an_unknown_number_of_rings_is_an_unavailable_broker(absent: str) -> None:
    """Not zero, which would have somebody ring again."""
    with app_at(absent) as app, pytest.raises(BrokerUnavailable):
        CeleryDoorbell(app).unanswered(Queue.BATCH)


def test_it_rings_on_after_the_server_dropped_its_connections(bell: CeleryDoorbell, empty_valkey_url: str) -> None:
    """As it does when it is restarted."""
    bell.ring(Queue.BATCH)
    with redis.Redis.from_url(empty_valkey_url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    bell.ring(Queue.BATCH)
    assert bell.unanswered(Queue.BATCH) == 2


def test_a_ring_after_hanging_up_is_on_a_new_connection(bell: CeleryDoorbell, empty_valkey_url: str) -> None:
    """The old one may be half-open: whoever waits on it waits long."""

    def connections() -> set[str]:
        with redis.Redis.from_url(empty_valkey_url) as client:
            return {each["id"] for each in client.client_list(_type="normal") if int(each["id"]) != client.client_id()}

    bell.ring(Queue.BATCH)
    assert bell.unanswered(Queue.BATCH) == 1
    before = connections()
    bell.hang_up()
    bell.ring(Queue.BATCH)
    assert bell.unanswered(Queue.BATCH) == 2
    assert not before & connections()
