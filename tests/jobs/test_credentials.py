"""User and password of the store change while processes run."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from jobs.celery_doorbell import CeleryDoorbell, make_celery_app
from jobs.connection import connect
from jobs.errors import StoreUnavailable
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings, webhook_secret_now
from jobs.webhooks import signature
from tests.broker.valkey_broker import ValkeyBroker

SECRETS = ["whsec_" + 32 * "A", "whsec_" + 32 * "B"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the address in a directory of secrets."""
    monkeypatch.delenv("STEPBIAS_REDIS_URL", raising=False)
    monkeypatch.setenv("STEPBIAS_SECRETS_DIR", str(tmp_path))
    return tmp_path / "stepbias_redis_url"


@pytest.fixture
def operator(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """Who may change users of the server."""
    with redis.Redis.from_url(empty_valkey_url) as client:
        yield client
        client.execute_command("ACL", "DELUSER", "worker")


def _allow(operator: redis.Redis, *rules: str) -> None:
    operator.execute_command("ACL", "SETUSER", "worker", "on", "~stepbias:*", "&*", "+@all", *rules)


def _hang_up(operator: redis.Redis) -> None:
    """Every connection of the user has to be opened anew."""
    operator.execute_command("CLIENT", "KILL", "USER", "worker")


@pytest.mark.services
def test_a_password_is_changed_under_clients_that_stay(
    operator: redis.Redis, empty_valkey_url: str, file: Path
) -> None:
    """Old and new hold for a while; new connections take what the file says, of the store and of the broker."""
    where = empty_valkey_url.partition("://")[2]
    _allow(operator, ">old/1")
    file.write_text(f"redis://worker:old%2F1@{where}\n")
    settings = Settings()
    assert settings.redis_url is not None
    with connect(settings.redis_url.get_secret_value(), patience=0.2) as client:
        store, bell = RedisStore(client, settings), CeleryDoorbell(make_celery_app(settings))
        store.adopt()
        bell.ring(Queue.BATCH)
        _allow(operator, ">new@2")
        file.write_text(f"redis://worker:new%402@{where}\n")
        _hang_up(operator)
        assert store.ping()
        _allow(operator, "<old/1")
        _hang_up(operator)
        assert store.ping()
        bell.ring(Queue.BATCH)
        assert bell.unanswered(Queue.BATCH) == 2
        # As a process does that was forked of one that has started under the old one.
        late_bell = CeleryDoorbell(make_celery_app(settings))
        assert late_bell.unanswered(Queue.BATCH) == 2
    with connect(settings.redis_url.get_secret_value(), patience=0.2) as late:
        assert RedisStore(late, settings).ping()


@pytest.mark.services
@pytest.mark.parametrize("is_asked_meanwhile", [False, True])
def test_a_broker_apart_has_a_password_of_its_own_that_changes(
    tmp_path: Path, file: Path, *, is_asked_meanwhile: bool
) -> None:
    """Followed in its own file, beside that of the store; refused for as long as the two do not agree."""
    (tmp_path / "broker").mkdir()
    file.write_text("redis://:of-the-store@127.0.0.1:9/0\n")
    with ValkeyBroker(tmp_path / "broker") as broker:
        broker.start()
        where = broker.url.partition("://")[2]
        with redis.Redis.from_url(broker.url) as operator:
            operator.config_set("requirepass", "old")
            operator.auth("old")
            _of_broker(file, f"redis://:old@{where}")
            bell = CeleryDoorbell(make_celery_app(Settings()))
            bell.ring(Queue.BATCH)
            operator.config_set("requirepass", "new")
            operator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            if is_asked_meanwhile:
                assert "invalid username-password" in str(CeleryDoorbell(make_celery_app(Settings())).trouble())
            _of_broker(file, f"redis://:new@{where}")
            bell.ring(Queue.BATCH)
            assert bell.unanswered(Queue.BATCH) == 2


def _of_broker(file: Path, url: str) -> None:
    file.with_name("stepbias_broker_url").write_text(f"{url}\n")


def test_rabbitmq_is_told_the_password_of_the_moment(file: Path) -> None:
    """Also by the copies that Celery makes of a connection, and in one pool for all of them."""
    _of_broker(file, "amqp://stepbias:old%2F1@rabbit.lab:5672/stepbias")
    file.write_text("redis://:of-the-store@127.0.0.1:9/0\n")
    app = make_celery_app(Settings())
    one, other = app.connection_for_write(), app.connection_for_write().clone()
    assert one.__eqhash__() == other.__eqhash__() == app.connection_for_read().__eqhash__()
    assert [each.password() for each in (one, other)] == ["old/1", "old/1"]
    _of_broker(file, "amqp://stepbias:new@rabbit.lab:5672/stepbias")
    assert [each.password() for each in (one, other, other.clone())] == ["new"] * 3
    for text in ("", "amqp://stepbias:x@elsewhere:5672/stepbias", "amqp://somebody:x@rabbit.lab:5672/stepbias"):
        _of_broker(file, text)
        assert one.password() == "new"
    assert "new" not in one.as_uri() + repr(one)


@pytest.mark.services
def test_a_file_that_says_nothing_of_use_changes_nothing(
    operator: redis.Redis, empty_valkey_url: str, file: Path
) -> None:
    """It is gone for a while, half written, or of another server or user; a password that holds no more is no store."""
    where = empty_valkey_url.partition("://")[2]
    _allow(operator, ">good")
    file.write_text(f"redis://worker:good@{where}")
    with connect(file.read_text(), patience=0.2) as client:
        store = RedisStore(client, Settings())
        another = f"redis://somebody:bad@{where}"
        for text in ("", "redis://worker:goo", "redis://worker:x@elsewhere:1/0", another, "redis://[", "\udcff"):
            file.write_bytes(text.encode(errors="surrogateescape"))
            _hang_up(operator)
            assert store.ping()
        file.unlink()
        _hang_up(operator)
        assert store.ping()
        _allow(operator, "resetpass", ">other")
        _hang_up(operator)
        with pytest.raises(StoreUnavailable):
            store.require_writable()


@pytest.mark.services
def test_an_address_of_the_environment_is_not_looked_for_in_a_file(
    operator: redis.Redis, empty_valkey_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands before the file, and stays what it was when the process started."""
    where = empty_valkey_url.partition("://")[2]
    _allow(operator, ">good")
    url = f"redis://worker:good@{where}"
    file.write_text(url.replace("good", "bad"))
    monkeypatch.setenv("STEPBIAS_REDIS_URL", url)
    with connect(url, patience=0.2) as client:
        assert client.ping()


def test_a_webhook_is_signed_by_both_secrets_while_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver who knows one of them finds its signature; a process follows the file."""
    monkeypatch.delenv("STEPBIAS_WEBHOOK_SECRET", raising=False)
    monkeypatch.setenv("STEPBIAS_SECRETS_DIR", str(tmp_path))
    file = tmp_path / "stepbias_webhook_secret"
    file.write_text(SECRETS[0])
    settings = Settings()
    body = json.dumps({}).encode()
    one, other = (signature(secret, "m", 1, body) for secret in SECRETS)
    for text, signed in ((" ".join(SECRETS), f"{one} {other}"), (SECRETS[1], other), ("whsec_x", one), ("", one)):
        file.write_text(text)
        now = webhook_secret_now(settings)
        assert now is not None
        assert signature(now.get_secret_value(), "m", 1, body) == signed


def test_a_directory_of_secrets_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment whose secrets are not mounted would start with an empty store of its own."""
    monkeypatch.setenv("STEPBIAS_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="nowhere is no directory"):
        Settings()
