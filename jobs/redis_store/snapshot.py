"""Everything that a store holds, as it was at one moment, as commands that make it again.

Plain commands, and no dumps in the form of one server's version: every later one reads them, Redis as well as Valkey. A
scan of a store that is written to shows no moment. So the server keeps those who write waiting while the store is
copied (`CLIENT PAUSE … WRITE`), and answers those who read. Replication would keep nobody waiting, but takes the right
to copy the whole server, with what others keep there.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, Final

import redis

from jobs.connection import vendor_errors
from jobs.errors import RESTORING, ForeignStore, NotEmpty, SnapshotLost
from jobs.redis_store.keys import FORMER_SCHEMAS, PREFIX, SCHEMA, key

Command = Sequence[bytes]

HOLD_SECONDS: Final = 10.0
"""For so long at a time writers are kept waiting: that is all they wait for a process that was killed over it."""

RESTORE_SECONDS: Final = 60.0
"""For so long a server may write a value of a backup to its disk: there are some of sixty megabytes."""

_SLICE: Final = 200
MOST_BYTES: Final = 16_000_000
"""Read or written at a time: an answer is waited for few seconds, and checkpoints and data sets may be large."""

_VALUES: Final = 100
"""Values of one command: a checkpoint may be megabytes."""

_SCHEMA_KEY: Final = key("schema")

_BROKER: Final = key("celery", "").encode()

_IDLE: Final = frozenset(key(name) for name in ("schema", "janitor", "sweep", "audit", "damaged", "probe", "ended"))
_IDLE_KINDS: Final = (key("worker", ""), key("workers", ""))
"""What a store holds to which nobody has ever submitted anything."""


def schema_of(client: redis.Redis) -> str:
    """The schema of a store, which may be a former one; that of this version where there is none yet.

    Raises:
        ForeignStore: it is not of a schema that is read here.
    """
    with vendor_errors():
        found: Any = client.mget(_SCHEMA_KEY, key("experiments", "number"))
    schema, number = found
    if schema is None and number is None:
        return SCHEMA
    if schema not in {each.encode() for each in (SCHEMA, *FORMER_SCHEMAS)}:
        raise ForeignStore((schema or b"").decode())
    return str(schema.decode())


def snapshot(client: redis.Redis, clock: Callable[[], float] = time.monotonic) -> Generator[Command]:
    """The commands that make the store again; writers wait until the last one has been taken.

    Args:
        client: one that does not try again: on a connection that was lost, writers may have been let in.
        clock: seconds.

    Raises:
        ForeignStore: it is not of the schema that is read here.
        SnapshotLost: writers may have been let in on the way.
    """
    schema_of(client)
    with vendor_errors():
        until = clock() + HOLD_SECONDS
        client.client_pause(round(HOLD_SECONDS * 1000), all=False)
        try:
            before = _moment(client)
            for names in _slices(client):
                yield from _commands(client, names)
                until = _held_on(client, until, clock)
            if _moment(client) != before:
                raise SnapshotLost
        finally:
            client.client_unpause()


def restore(client: redis.Redis, commands: Iterable[Command], *, replaces: bool = False) -> None:
    """Make the store of a snapshot on a server without one. Until it is whole, nobody works with it.

    Args:
        client: what bears repetition is sent.
        commands: of the snapshot.
        replaces: whether what is there is deleted first.

    Raises:
        NotEmpty: there is a store, and something in it that is not to be replaced.
        StoreFull: the server has no room for it.
    """
    with vendor_errors():
        if replaces or client.get(_SCHEMA_KEY) == RESTORING.encode():
            client.set(_SCHEMA_KEY, RESTORING)
            for names in _slices(client):
                client.unlink(*(name for name in names if name != _SCHEMA_KEY.encode()), key("probe"))
        if any(not _is_idle(name.decode()) for name in chain.from_iterable(_slices(client))):
            raise NotEmpty
        client.set(_SCHEMA_KEY, RESTORING)
        schema, rest = SCHEMA.encode(), iter(commands)
        while some := _some(rest):
            schema = next((command[2] for command in some if command[1] == _SCHEMA_KEY.encode()), schema)
            _answers(client, *(command for command in some if command[1] != _SCHEMA_KEY.encode()))
        # As it was: one of a former form is taken over like any other.
        client.set(_SCHEMA_KEY, schema)


def _some(commands: Iterator[Command]) -> list[Command]:
    """The next commands, few enough to be on the server's disk within seconds."""
    some: list[Command] = []
    filled = 0
    while len(some) < _SLICE and filled < MOST_BYTES and (command := next(commands, None)):
        some.append(command)
        filled += sum(map(len, command))
    return some


def _moment(client: redis.Redis) -> tuple[Any, ...]:
    """Another one after each start of the server, and after each write: another backup may have let writers in."""
    server: Any = client.info("server")
    persistence: Any = client.info("persistence")
    return server["run_id"], persistence["rdb_changes_since_last_save"], persistence["rdb_last_save_time"]


def _held_on(client: redis.Redis, until: float, clock: Callable[[], float]) -> float:
    """Keep writers waiting from now on; until when, if they have been so without a gap."""
    now = clock()
    client.client_pause(round(HOLD_SECONDS * 1000), all=False)
    if clock() >= until:
        raise SnapshotLost
    return now + HOLD_SECONDS


def _slices(client: redis.Redis) -> Iterator[list[bytes]]:
    """The names of all keys of the store; the broker's beside them are no truth."""
    cursor: Any = None
    while cursor != 0:
        found: Any = client.scan(cursor or 0, match=f"{PREFIX}*", count=_SLICE)
        cursor, names = found
        if ours := [name for name in names if not name.startswith(_BROKER)]:
            yield ours


def _is_idle(name: str) -> bool:
    return name in _IDLE or name.startswith(_IDLE_KINDS)


_READ: Final[Mapping[bytes, tuple[Any, ...]]] = MappingProxyType(
    {
        b"string": ("GET",),
        b"hash": ("HGETALL",),
        b"list": ("LRANGE", 0, -1),
        b"set": ("SMEMBERS",),
        b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    }
)


def _commands(client: redis.Redis, names: Sequence[bytes]) -> Iterator[Command]:
    """What makes these values; no answer of the server is much larger than one value that it keeps."""
    sizes = _answers(client, *(("MEMORY", "USAGE", name) for name in names))
    some: list[bytes] = []
    filled = 0
    for name, size in zip(names, sizes, strict=True):
        if some and filled + (size or 0) > MOST_BYTES:
            yield from _read_out(client, some)
            some, filled = [], 0
        if (size or 0) > MOST_BYTES and client.type(name) == b"hash":
            yield from _read_out_by_fields(client, name, size)
        else:
            some.append(name)
            filled += size or 0
    yield from _read_out(client, some)


def _read_out_by_fields(client: redis.Redis, name: bytes, size: int) -> Iterator[Command]:
    """A large hash in several commands; checkpoints are megabytes each, counts of users a few bytes."""
    fields: Any = client.hkeys(name)
    at_once = max(1, min(_VALUES, MOST_BYTES * len(fields) // size))
    for first in range(0, len(fields), at_once):
        some = fields[first : first + at_once]
        (values,) = _answers(client, ("HMGET", name, *some))
        yield b"HSET", name, *chain.from_iterable(zip(some, values, strict=True))


def _read_out(client: redis.Redis, names: Sequence[bytes]) -> Iterator[Command]:
    lives = _answers(client, *(command for name in names for command in (("TYPE", name), ("PTTL", name))))
    kinds = {name: kind for name, kind in zip(names, lives[::2], strict=True) if kind in _READ}
    values = _answers(client, *((_READ[kind][0], name, *_READ[kind][1:]) for name, kind in kinds.items()))
    expiring = dict(zip(names, lives[1::2], strict=True))
    for (name, kind), value in zip(kinds.items(), values, strict=True):
        yield from _making(name, kind, value)
        if expiring[name] >= 0:
            yield b"PEXPIRE", name, str(max(expiring[name], 1)).encode()


def _making(name: bytes, kind: bytes, value: Any) -> Iterator[Command]:
    """The commands that make one value."""
    match kind:
        case b"string":
            yield b"SET", name, value
        case b"hash":
            yield from _by_parts(b"HSET", name, value.items())
        case b"list":
            # A scan may come by the same key twice, and a list that is made twice is twice as long.
            yield b"UNLINK", name
            yield from _by_parts(b"RPUSH", name, ((each,) for each in value))
        case b"set":
            yield from _by_parts(b"SADD", name, ((each,) for each in value))
        case _:
            yield from _by_parts(b"ZADD", name, ((repr(score).encode(), member) for member, score in value))


def _by_parts(command: bytes, name: bytes, parts: Iterable[Sequence[bytes]]) -> Iterator[Command]:
    remaining = iter(parts)
    while some := list(islice(remaining, _VALUES)):
        yield command, name, *chain.from_iterable(some)


def _answers(client: redis.Redis, *commands: Iterable[Any]) -> list[Any]:
    pipeline: Any  # its execute_command has no annotations
    with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = pipeline.execute()
    return answers
