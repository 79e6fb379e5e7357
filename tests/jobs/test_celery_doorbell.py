"""The carrier of hints: its settings, and what arrives on a real server."""

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

from jobs.celery_sender import KEY_PREFIX, TASK_NAME, CelerySender, make_celery_app
from jobs.errors import StoreUnavailable
from jobs.records import Message, Queue
from jobs.settings import Settings


def app_at(url: str) -> celery.Celery:
    """The app of a deployment with that server."""
    return make_celery_app(Settings.model_validate({"redis_url": url}))


@pytest.fixture
def sender(empty_valkey_url: str) -> Iterator[CelerySender]:
    """A sender on the empty server."""
    with app_at(empty_valkey_url) as app:
        yield CelerySender(app)


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
    assert set(conf.task_queues) == {queue.value for queue in Queue}


@pytest.mark.parametrize(
    ("url", "certificate"),
    [
        ("redis://host:1/2", None),
        ("rediss://host:1/2", ssl.CERT_REQUIRED),
        ("rediss://host:1/2?ssl_cert_reqs=none", ssl.CERT_NONE),
    ],
)
def test_the_broker_shows_its_certificate_unless_the_address_says_otherwise(
    url: str, certificate: ssl.VerifyMode | None
) -> None:
    """As to the store's own client."""
    connection = app_at(url).connection_for_write()
    assert (connection.hostname, connection.port, connection.virtual_host) == ("host", 1, "2")
    assert (connection.ssl or {}).get("ssl_cert_reqs") == certificate


def test_without_a_server_there_is_no_app() -> None:
    """Celery's own default, a broker on this machine, is nobody's wish."""
    with pytest.raises(ValueError, match="STEPBIAS_REDIS_URL"):
        make_celery_app(Settings(redis_url=None))


def test_a_message_carries_the_id_of_its_job_and_nothing_else(sender: CelerySender, empty_valkey_url: str) -> None:
    """To the queue it names, in the order sent."""
    sender.send([Message(job_id=f"job {number}", queue=Queue.BATCH) for number in range(3)])
    sender.send([Message(job_id="figure", queue=Queue.INTERACTIVE)])
    assert (sender.waiting(Queue.BATCH), sender.waiting(Queue.INTERACTIVE)) == (3, 1)
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert all(key.startswith(KEY_PREFIX.encode()) for key in client.scan_iter())
        raw = client.lrange(f"{KEY_PREFIX}batch", 0, -1)
    messages = [json.loads(each) for each in reversed(raw)]
    bodies = [json.loads(base64.b64decode(message["body"])) for message in messages]
    assert [body[:2] for body in bodies] == [[[f"job {number}"], {}] for number in range(3)]
    assert {message["headers"]["task"] for message in messages} == {TASK_NAME}
    assert all(message["headers"]["ignore_result"] for message in messages)


def test_many_messages_take_few_round_trips(sender: CelerySender, empty_valkey_url: str) -> None:
    """A thousand at a time."""
    sender.send([Message(job_id="warm-up", queue=Queue.BATCH)])
    with redis.Redis.from_url(empty_valkey_url) as client:
        before = client.info("stats")["total_reads_processed"]
        sender.send([Message(job_id=str(number), queue=Queue.BATCH) for number in range(500)])
        reads = client.info("stats")["total_reads_processed"] - before
    assert sender.waiting(Queue.BATCH) == 501
    # A pipeline of 500 messages is read in pieces of the size of a socket's buffer, never message by message.
    assert reads < 250


def test_sending_nothing_sends_nothing(sender: CelerySender) -> None:
    """And needs no server."""
    sender.send([])
    assert sender.waiting(Queue.BATCH) == 0


def test_messages_lost_on_the_way_are_a_warning(absent: str, caplog: pytest.LogCaptureFixture) -> None:
    """The jobs are recorded, and the janitor announces them again."""
    with app_at(absent) as app, caplog.at_level(logging.WARNING, logger="jobs.celery_sender"):
        CelerySender(app).send([Message(job_id="a", queue=Queue.BATCH), Message(job_id="b", queue=Queue.BATCH)])
    assert "2 jobs are recorded but not announced" in caplog.text
    assert "secret-word" not in caplog.text


def test_an_unknown_length_is_an_unavailable_store(absent: str) -> None:
    """Not zero, which would say that everything is to be sent again."""
    with app_at(absent) as app, pytest.raises(StoreUnavailable):
        CelerySender(app).waiting(Queue.BATCH)


def test_sending_goes_on_after_the_server_dropped_its_connections(sender: CelerySender, empty_valkey_url: str) -> None:
    """As it does when it is restarted."""
    sender.send([Message(job_id="a", queue=Queue.BATCH)])
    with redis.Redis.from_url(empty_valkey_url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    sender.send([Message(job_id="b", queue=Queue.BATCH)])
    assert sender.waiting(Queue.BATCH) == 2
