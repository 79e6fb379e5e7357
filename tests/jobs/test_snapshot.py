"""A snapshot of a store: of one moment, whole, and restored as it was."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import redis

from jobs.connection import connect
from jobs.errors import ForeignStore, NotEmpty, SnapshotLost
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.redis_store import snapshot as snapshots
from jobs.redis_store.snapshot import HOLD_SECONDS, restore, snapshot
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import SETTINGS, Laboratory, finished_runs, train_job


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of an empty server, that does not try again."""
    with connect(empty_valkey_url, patience=0.0) as one:
        yield one


@pytest.fixture
def laboratory(client: redis.Redis) -> Laboratory:
    """A store on the server."""
    return redis_laboratory(client)


def dump(client: redis.Redis) -> dict[bytes, Any]:
    """Everything on the server, by kind, read without our own means."""
    read: dict[bytes, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"set": client.smembers,
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
    }
    names: Any = client.keys("*")
    return {name: read[client.type(name)](name) for name in names}  # type: ignore[index]  # not awaitable


def lived_in(laboratory: Laboratory) -> None:
    """Let a store have something of everything."""
    store = laboratory.store
    finished = laboratory.planned("finished")
    for number in range(2):
        laboratory.train(finished, number, "finished")
    under_way = laboratory.planned("under way", batches=3)
    claim = laboratory.claim(train_job(under_way, 0).id)
    store.heartbeat(claim, fraction=1 / 3)
    store.save_checkpoint(claim, bytes(range(256)) * 50)
    store.commit_runs(claim, finished_runs(["under way 0"]))
    store.put_document("analysis", b"\x00\r\n\xff")
    laboratory.submit("planning", runs=1000)
    for number in range(300):
        store.put_document(f"document {number}", str(number).encode())
    # A server that does not know a script does not know either that it only reads.
    store.look_around(Queue.BATCH)


def test_a_store_is_restored_as_it_was(client: redis.Redis, laboratory: Laboratory) -> None:
    """Every value, to the last bit of its scores; and what is not ours is left out."""
    lived_in(laboratory)
    before = dump(client)
    client.set("of others", "1")
    client.lpush("stepbias:celery:batch", "a ring")
    commands = list(snapshot(client))
    client.flushall()
    restore(client, commands)
    assert dump(client) == before
    assert len(before) > 300


def test_a_backup_of_a_former_schema_is_of_that_schema_until_it_is_taken_over(
    client: redis.Redis, laboratory: Laboratory
) -> None:
    """Who waits in it stands in the lines of then."""
    kept = laboratory.submit()
    client.set("stepbias:schema", "4")
    commands = list(snapshot(client))
    client.flushall()
    restore(client, commands)
    assert client.get("stepbias:schema") == b"4"
    laboratory.store.adopt()
    assert laboratory.claim_plan(kept).job.experiment_id == kept.id


def test_a_key_that_the_scan_names_twice_is_restored_once(
    client: redis.Redis, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it may while the server's table of keys grows."""
    lived_in(laboratory)
    before, scan = dump(client), client.scan

    def scan_twice(cursor: int, **options: Any) -> Any:
        # Every slice again, by way of an odd cursor.
        here, is_second = divmod(cursor, 2)
        found: Any = scan(here, **options)
        return (2 * found[0] if is_second else 2 * here + 1), found[1]

    with monkeypatch.context() as patched:
        patched.setattr(client, "scan", scan_twice)
        commands = list(snapshot(client))
    client.flushall()
    restore(client, commands)
    assert dump(client) == before


def test_no_command_is_much_larger_than_one_value(
    client: redis.Redis, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints lie in one hash beside small values: a command of all of them no server takes."""
    most, value = 20_000, bytes(15_000)
    monkeypatch.setattr("jobs.redis_store.snapshot.MOST_BYTES", most)
    laboratory.submit()
    for number in range(12):
        client.hset("stepbias:experiment:e:checkpoints", f"job {number}", value)
        laboratory.store.put_document(f"document {number}", value)
        client.hset("stepbias:document-users", f"document {number}", "1:seal")
    before = dump(client)
    commands = list(snapshot(client))
    assert max(sum(map(len, command)) for command in commands) < most
    client.flushall()
    sent: list[int] = []
    monkeypatch.setattr("jobs.redis_store.snapshot._answers", _counting(sent))
    restore(client, commands)
    assert dump(client) == before
    assert max(sent) < most + len(value) + 1000


def _counting(sent: list[int]) -> Callable[..., list[Any]]:
    """What sends commands, and notes of how many bytes they were together."""
    send = snapshots._answers

    def answers(client: redis.Redis, *commands: Sequence[Any]) -> list[Any]:
        sent.append(sum(len(word) for command in commands for word in command))
        return send(client, *commands)

    return answers


def test_what_expires_expires_after_it_was_restored(client: redis.Redis, laboratory: Laboratory) -> None:
    """A figure is kept for as long as it would have been."""
    laboratory.store.put_document("figure", b"png", seconds=1000.0)
    laboratory.store.put_document("analysis", b"of a problem")
    commands = list(snapshot(client))
    client.flushall()
    restore(client, commands)
    lives: Any = [client.pttl(f"stepbias:document:{name}") for name in ("figure", "analysis")]
    assert 0 < lives[0] <= 1_000_000
    assert lives[1] == -1


def test_nobody_writes_while_a_snapshot_is_taken(
    client: redis.Redis, laboratory: Laboratory, empty_valkey_url: str
) -> None:
    """Who writes waits and is not refused, who reads is answered, and what is written after it is not in it."""
    lived_in(laboratory)
    before = dump(client)
    commands = snapshot(client)
    taken = [next(commands)]
    with connect(empty_valkey_url, patience=20.0) as other:
        store = RedisStore(other, SETTINGS)
        writers = [
            threading.Thread(target=lambda: store.put_document("late", b"late")),
            threading.Thread(target=lambda: store.submit(spec=b"", content_hash="late", name="", tags=(), runs=1)),
        ]
        for writer in writers:
            writer.start()
        blocked = _await_blocked(client, 2)
        with connect(empty_valkey_url, patience=20.0) as reader:
            assert RedisStore(reader, SETTINGS).document("analysis") == b"\x00\r\n\xff"
            assert RedisStore(reader, SETTINGS).look_around(Queue.BATCH).waiting
        taken += commands
        for writer in writers:
            writer.join(timeout=20.0)
        assert store.document("late") == b"late"
    assert blocked
    client.flushall()
    restore(client, taken)
    assert dump(client) == before


def _await_blocked(client: redis.Redis, count: int) -> bool:
    """Whether so many clients come to wait."""
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        information: Any = client.info("clients")
        if information["blocked_clients"] >= count:
            return True
        time.sleep(0.005)
    return False


def test_a_snapshot_that_is_given_up_lets_writers_in(client: redis.Redis, laboratory: Laboratory) -> None:
    """At once."""
    lived_in(laboratory)
    commands = snapshot(client)
    next(commands)
    commands.close()
    laboratory.store.put_document("after", b"it")
    assert laboratory.store.document("after") == b"it"


def test_a_snapshot_that_takes_too_long_in_one_piece_is_none(client: redis.Redis, laboratory: Laboratory) -> None:
    """Writers may have been let in; the clock tells."""
    lived_in(laboratory)
    now = [0.0]
    commands = snapshot(client, clock=lambda: now[0])
    next(commands)
    now[0] += HOLD_SECONDS
    with pytest.raises(SnapshotLost):
        list(commands)


def test_a_snapshot_across_a_restart_is_none(
    client: redis.Redis, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection is made anew without a word, to a server that holds nobody back."""
    lived_in(laboratory)
    runs = iter([("one", 0, 0), ("another", 0, 0)])
    monkeypatch.setattr("jobs.redis_store.snapshot._moment", lambda _: next(runs))
    with pytest.raises(SnapshotLost):
        list(snapshot(client))


def test_a_snapshot_in_which_somebody_wrote_is_none(client: redis.Redis, laboratory: Laboratory) -> None:
    """Another backup that ends lets writers in, and holds nobody back any more."""
    lived_in(laboratory)
    commands = snapshot(client)
    next(commands)
    client.client_unpause()
    laboratory.submit("in between")
    with pytest.raises(SnapshotLost):
        list(commands)


def test_a_backup_is_restored_to_an_empty_store_only(client: redis.Redis, laboratory: Laboratory) -> None:
    """One of which processes have taken notice is empty still; a single upload is something to lose."""
    laboratory.submit()
    commands = list(snapshot(client))
    held = dump(client)
    with pytest.raises(NotEmpty):
        restore(client, commands)
    assert dump(client) == held
    client.flushall()
    laboratory.store.put_document("dataset:x", b"arrays")
    with pytest.raises(NotEmpty):
        restore(client, commands)
    client.flushall()
    laboratory.store.adopt()
    laboratory.store.tidy("janitor", period=1.0, last=None, elapsed=0.0)
    laboratory.store.sweep(most=10, grace=0.0)
    client.lpush("stepbias:celery:batch", "a ring")
    restore(client, commands)
    assert [each.content_hash for each in laboratory.store.experiments().experiments]


def test_nobody_works_with_a_store_that_is_half_restored(client: redis.Redis, laboratory: Laboratory) -> None:
    """Until the restoring is repeated, which begins from the beginning."""
    lived_in(laboratory)
    before = dump(client)
    commands = list(snapshot(client))
    client.flushall()
    half = iter(commands)

    def killed() -> Iterator[Any]:
        for _ in range(len(commands) // 2):
            yield next(half)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(client, killed())
    store, known = laboratory.store, ids_in(before)[0]
    for ask in (
        store.adopt,
        laboratory.submit,
        lambda: store.claim(Queue.BATCH, worker="w"),
        # Who only reads would find results missing of what has succeeded.
        lambda: store.experiment(known),
        lambda: store.summaries(known, 0, 1),
        lambda: store.records([known]),
    ):
        with pytest.raises(ForeignStore, match="stepbias restore"):
            ask()
    with pytest.raises(ForeignStore):
        list(snapshot(client))
    restore(client, commands)
    assert dump(client) == before


def ids_in(dumped: dict[bytes, Any]) -> list[str]:
    """The ids of the experiments of a dump."""
    return [member.decode() for member, _ in dumped[b"stepbias:experiments"]]


def test_only_a_store_that_can_be_read_is_copied(client: redis.Redis) -> None:
    """One of 0.1 is refused, an empty one is a backup of nothing."""
    assert list(snapshot(client)) == []
    client.set("stepbias:experiments:number", 3)
    with pytest.raises(ForeignStore):
        list(snapshot(client))
