"""Users of the server: what each may do, and that everything else is refused.

That they may do what they have to is held by all tests of the store, which are run with them as well (`laboratory`).
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import kombu.transport.redis
import pytest
import redis
from kombu.messaging import Consumer
from redis.exceptions import ExecAbortError, NoPermissionError, ResponseError

from jobs.api_keys import KeyScope, new_key
from jobs.celery_doorbell import KEY_PREFIX, CeleryDoorbell, make_celery_app, queue_name
from jobs.connection import connect
from jobs.errors import StoreRefused
from jobs.records import Queue
from jobs.redis_store import RedisStore, snapshot
from jobs.redis_store.users import COMMANDS, User, acl
from jobs.settings import Settings
from stepbias.launcher.checks.store_door import events_refused
from tests.jobs.conftest import as_user
from tests.jobs.laboratory import SETTINGS

pytestmark = pytest.mark.services

WORKING = (User.API, User.WORKER)

FORBIDDEN = {
    User.API: ("stepbias:janitor", "stepbias:sweep", "stepbias:audit", "stepbias:other", "stepbias", "theirs"),
    User.WORKER: (
        *("stepbias:keys", "stepbias:answer:1", "stepbias:requests:ada", "stepbias:other", "stepbias:keys:1"),
        *("stepbias", "theirs", "celery"),
    ),
    User.ADMINISTRATOR: ("stepbias", "theirs", "other:stepbias:schema"),
}

READ_ALONE = {User.API: ("stepbias:worker:a:1", "stepbias:workers:batch"), User.WORKER: ("stepbias:uploads",)}


@pytest.fixture
def root(guarded_url: str) -> Iterator[redis.Redis]:
    """Somebody who may do everything; nothing is there, and nothing has been refused yet."""
    with connect(guarded_url, patience=10.0) as client:
        client.flushall()
        client.acl_log_reset()
        yield client


def commands(root: redis.Redis) -> Iterator[tuple[str, Any]]:
    """Every command of the server, of those that have parts each part, with what the server says of it."""
    # Without the library's own way to read the answer, which leaves the parts out.
    connection: Any = root.connection_pool.get_connection()
    try:
        connection.send_command("COMMAND")
        answer: list[Any] = connection.read_response()
    finally:
        root.connection_pool.release(connection)
    for info in answer:
        for each in info[9] or [info]:
            yield _text(each[0]), each


def _text(value: bytes | str) -> str:
    return (value.decode() if isinstance(value, bytes) else value).lower()


def ask(client: redis.Redis, name: str, info: Any, argument: str = "1") -> Any:
    """Give a command as many words as it takes at least, all the same."""
    words = name.split("|")
    execute: Any = client.execute_command
    return execute(*words, *[argument] * max(abs(info[1]) - len(words), 0))


@pytest.mark.parametrize("user", User)
def test_every_command_that_a_user_does_not_need_is_refused(root: redis.Redis, guarded_url: str, user: User) -> None:
    """Of all that this server knows, but those that nobody can be refused: to say who one is, and to go."""
    refused = 0
    with redis.Redis.from_url(as_user(guarded_url, user), driver_info=None) as client:
        for name, info in commands(root):
            if name in COMMANDS[user] or {"no_auth", b"no_auth"} & set(info[2]):
                continue
            told = f"no permissions to run the '{re.escape(name)}' command"
            with pytest.raises((NoPermissionError, ExecAbortError), match=told):
                ask(client, name, info)
            refused += 1
    assert refused > 250


@pytest.mark.parametrize("user", FORBIDDEN)
def test_no_command_of_a_user_reaches_a_key_that_it_does_not_need(
    root: redis.Redis, guarded_url: str, user: User
) -> None:
    """Hashes of keys, answers and rates are for the API alone, and nobody sees what is not under our prefix."""
    asked = 0
    with connect(as_user(guarded_url, user), patience=1.0) as client:
        for name, info in commands(root):
            if name in COMMANDS[user] and info[3] > 0 and name not in {"watch", "unwatch"}:
                for key in FORBIDDEN[user]:
                    with pytest.raises(NoPermissionError, match="key"):
                        ask(client, name, info, key)
                    asked += 1
    assert asked > 40 * len(FORBIDDEN[user])


@pytest.mark.parametrize("user", READ_ALONE)
@pytest.mark.usefixtures("root")
def test_what_is_read_alone_is_not_written(guarded_url: str, user: User) -> None:
    """Workers register themselves, and uploads are the API's."""
    with connect(as_user(guarded_url, user), patience=1.0) as client:
        for key in READ_ALONE[user]:
            assert client.exists(key) == 0
            assert client.zscore(key, "a") is None
            for words in (("ZADD", key, 1, "a"), ("UNLINK", key), ("HSET", key, "a", "1")):
                with pytest.raises(NoPermissionError, match="key"):
                    client.execute_command(*words)


def test_a_script_of_a_worker_reads_no_key_of_the_api_either(root: redis.Redis, guarded_url: str) -> None:
    """What it carries out has its own rights; the API finds its key, the worker a sentence."""
    key, kept = new_key("ada", KeyScope.SUBMIT, now=0.0, seconds=None)
    stores = {}
    for user in WORKING:
        stores[user] = RedisStore(connect(as_user(guarded_url, user), patience=0.0), SETTINGS)
    stores[User.API].keep_key(kept)
    assert stores[User.API].key(kept.id) == kept
    assert key
    with pytest.raises(StoreRefused, match="not do what it has to"):
        stores[User.WORKER].keys()
    with pytest.raises(StoreRefused, match="not do what it has to"):
        stores[User.WORKER].take_request("ada", per_minute=1)
    with connect(as_user(guarded_url, User.WORKER), patience=0.0) as client:
        for text in ("return redis.call('HGETALL', 'stepbias:keys')", "return redis.call('KEYS', '*')"):
            script = client.register_script(text)
            with pytest.raises(ResponseError, match=r"ACL failure in script|The user executing the script can't"):
                script()
        with pytest.raises(NoPermissionError):
            client.eval("return 1", 0)
    assert root.hlen("stepbias:keys") == 1


def test_both_ring_and_a_worker_hears_and_takes_up_what_another_left(root: redis.Redis, guarded_url: str) -> None:
    """Through Celery, whose keys are under our prefix: rings, one that is heard, one that a dead worker had taken."""
    apps = {}
    for user in WORKING:
        apps[user] = make_celery_app(Settings.model_validate({"redis_url": as_user(guarded_url, user)}))
        bell = CeleryDoorbell(apps[user])
        bell.ring(Queue.BATCH, times=2)
        assert bell.unanswered(Queue.BATCH) == 2 * len(apps)
    name = queue_name(Queue.BATCH)
    with apps[User.WORKER].connection_for_read() as connection, connection.channel() as channel:
        heard: list[Any] = []
        queue = apps[User.WORKER].amqp.queues[name]
        with Consumer(channel, [queue], callbacks=[lambda _body, message: heard.append(message)], accept=["json"]):
            while len(heard) < 2:
                connection.drain_events(timeout=10)
        heard[0].ack()
        unacknowledged, waiting = f"{KEY_PREFIX}unacked", f"{KEY_PREFIX}{name}"
        assert (root.hlen(unacknowledged), root.llen(waiting)) == (1, 2)
        channel.qos.visibility_timeout = -1
        channel.qos.restore_visible(interval=1)
        assert (root.hlen(unacknowledged), root.llen(waiting)) == (0, 3)
    assert [(each["username"], each["object"]) for each in root.acl_log()] == []


def test_a_backup_is_written_and_restored_by_the_administrator(root: redis.Redis, guarded_url: str) -> None:
    """And by nobody else: an API that is taken over may not keep others waiting."""
    store = RedisStore(connect(as_user(guarded_url, User.API), patience=0.0), SETTINGS)
    submitted = store.submit(spec=b"{}", content_hash="0", name="a", tags=[], runs=1).experiment.id
    store.keep_answer("1", b"answer", seconds=100, is_first=True)
    with connect(as_user(guarded_url, User.ADMINISTRATOR), patience=0.0) as administrator:
        written = list(snapshot.snapshot(administrator))
        root.flushall()
        snapshot.restore(administrator, written)
    assert store.experiment(submitted).name == "a"
    assert not root.acl_log()
    for user in WORKING:
        with connect(as_user(guarded_url, user), patience=0.0) as client, pytest.raises(StoreRefused):
            list(snapshot.snapshot(client))


@pytest.mark.parametrize("user", [User.WORKER, User.ADMINISTRATOR])
def test_a_worker_that_is_to_tell_of_its_work_says_what_it_needs(guarded_url: str, user: User) -> None:
    """At its start, and by the doctor: users of the store may neither publish nor subscribe."""
    address = as_user(guarded_url, user)
    refusal = events_refused(Settings.model_validate({"redis_url": address, "celery_events": True}))
    assert refusal is not None
    assert "STEPBIAS_BROKER_URL" in refusal
    assert events_refused(Settings.model_validate({"redis_url": address})) is None


@pytest.mark.parametrize("user", [User.API, User.WORKER, User.ADMINISTRATOR])
def test_nobody_may_do_what_nobody_does(user: User) -> None:
    """Each command that is allowed stands in a script, in the store's modules, or in those of the libraries."""
    folder = files("jobs.redis_store")
    ours = [each.read_text() for each in (folder / "lua").iterdir()]
    ours += [each.read_text() for each in folder.iterdir() if each.name.endswith(".py") and each.name != "users.py"]
    named = {each.lower() for text in ours for each in re.findall(r"['\"]([A-Z]+)['\"]", text)}
    called = {each for text in ours for each in re.findall(r"(?:client|server)\.([a-z_]+)\(", text)}
    called |= set(re.findall(r"\.([a-z]+)\(", Path(kombu.transport.redis.__file__).read_text(encoding="utf-8")))
    # What is sent by these, or beside what is asked for: as a connection begins, by pipelines and blocking reads.
    called |= {"client|setname", "select", "evalsha", "script|load", "exec", "brpop", "watch", "unwatch"}
    parts = {"object|idletime": "object", "memory|usage": "memory", "client|pause": "client_pause"}
    parts |= {"client|unpause": "client_unpause", "sscan": "sscan_iter"}
    assert {
        each for each in COMMANDS[user] if each not in named | called and parts.get(each) not in named | called
    } == set()


def test_who_has_no_password_is_not_let_in() -> None:
    """And whoever had one before is off."""
    lines = dict(line.split(" ", maxsplit=2)[1:] for line in acl({User.API: "a"}).splitlines())
    assert lines["api"].startswith("on resetpass #")
    assert lines["worker"].startswith("off resetpass resetkeys")
    assert lines["health"] == "on nopass resetkeys resetchannels -@all +ping"
