"""Both stores, each in its laboratory."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final, cast

import pytest
import redis

from jobs.connection import connect
from jobs.ports import Store
from jobs.redis_store import RedisStore
from jobs.redis_store.users import User, acl
from jobs.settings import Settings
from tests.conftest import free_port, running_valkey
from tests.jobs.laboratory import SETTINGS, Laboratory
from tests.reference.memory_store import MemoryStore


class MovableClock:
    """A clock that moves when it is told to, and a little at each reading, as any clock does."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        self.now += 1e-6
        return self.now

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds


def memory_laboratory(settings: Settings = SETTINGS) -> Laboratory:
    """The twin."""
    clock = MovableClock()
    store = MemoryStore(settings, clock)
    return Laboratory(store=store, wait=clock.move, store_of=store.of_version)


def redis_laboratory(client: redis.Redis, settings: Settings = SETTINGS) -> Laboratory:
    """A store on a server."""
    return Laboratory(
        store=RedisStore(client, settings),
        wait=time.sleep,
        store_of=lambda numerics: RedisStore(client, settings, numerics),
    )


ROOT: Final = "root:root@"
"""A user of the tests alone, who may do everything."""

_OF_WORKERS: Final = """
add_jobs audit checkpoint claim clear_garbage commit_runs complete due_webhooks fail figures_waiting finished_before
heartbeat next_figure note_webhook plan_anew put_document register release save_checkpoint set_run_keys sweep tidy
use_documents
"""

_OF_API: Final = """
contents drop_answer drop_documents drop_key edit experiments gauges ids in_full is_upload keep_answer keep_key
keep_upload key keys last_events notes places records retry room submit take_request upload_users uploads
"""
WORKERS_ALONE: Final = frozenset(_OF_WORKERS.split())
"""What the API never asks a store."""

API_ALONE: Final = frozenset(_OF_API.split())
"""What workers never ask a store."""


class DividedStore:
    """A store whose methods are asked by the user whose work they are, those of both by each in turn.

    What is private is for tests that damage something.
    """

    def __init__(self, *, api: RedisStore, worker: RedisStore, root: RedisStore) -> None:
        self._api, self._worker, self._root = api, worker, root
        self._turns = itertools.cycle((api, worker))

    def __getattr__(self, name: str) -> Any:
        """The method of one of them."""
        if name.startswith("_"):
            return getattr(self._root, name)
        if name in WORKERS_ALONE:
            return getattr(self._worker, name)
        return getattr(self._api if name in API_ALONE else next(self._turns), name)


@pytest.fixture(scope="session")
def guarded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address, for somebody who may do everything, of a server that has the users of the service."""
    directory = tmp_path_factory.mktemp("guarded")
    users = acl({User.API: "api", User.WORKER: "worker", User.ADMINISTRATOR: "administrator"})
    (directory / "users.acl").write_text(f"{users}user root on >root ~* &* +@all\n", encoding="ascii")
    # Nobody may do these: that users may not is seen where the server lets its administrator.
    allowed = {"enable-module-command": "yes", "enable-debug-command": "yes"}
    with running_valkey(directory, free_port(), ROOT, aclfile=directory / "users.acl", **allowed) as url:
        yield url


def as_user(guarded_url: str, user: User) -> str:
    """The same server, for a user of the service."""
    name = "administrator" if user is User.ADMINISTRATOR else user.value
    return guarded_url.replace(ROOT, f"{user}:{name}@")


def _guarded_laboratory(root: redis.Redis, clients: dict[User, redis.Redis]) -> Laboratory:
    root.flushall()
    root.acl_log_reset()

    def divided(numerics: str | None = None) -> Store:
        version = () if numerics is None else (numerics,)
        api, worker, own = (
            RedisStore(each, SETTINGS, *version) for each in (clients[User.API], clients[User.WORKER], root)
        )
        return cast("Store", DividedStore(api=api, worker=worker, root=own))

    return Laboratory(store=divided(), wait=time.sleep, store_of=divided)


@pytest.fixture(params=["memory", "redis", "users"])
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """An empty store of either kind; that on a server also as API and workers see it, who must be refused nothing."""
    if request.param == "memory":
        yield memory_laboratory()
        return
    if request.param == "users":
        url = request.getfixturevalue("guarded_url")
        with ExitStack() as stack:
            root = stack.enter_context(connect(url, patience=10.0))
            clients = {
                each: stack.enter_context(connect(as_user(url, each), patience=10.0))
                for each in (User.API, User.WORKER)
            }
            yield _guarded_laboratory(root, clients)
            refused = [(each["username"], each["context"], each["object"]) for each in root.acl_log()]
            assert not refused
        return
    with connect(request.getfixturevalue("empty_valkey_url"), patience=10.0) as client:
        yield redis_laboratory(client)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so, and fails if it does not come to be."""

    def wait_until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20.0
        while not is_so():
            assert time.monotonic() < deadline, "it did not come to be"
            time.sleep(0.005)

    return wait_until
