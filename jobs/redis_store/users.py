"""Users of the server, each with the commands and the keys that its work needs, and no others.

Scripts are carried out with the rights of who calls them, so that what a worker may not read no script of its own reads
either. What cannot be divided: a worker stores results and clears away what is deleted, so it can read, forge and
destroy experiments; and commands without a key, such as SCAN, show it the names of all keys.

Tests hold the lists to what API and workers really send, and to everything else that a server knows.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from jobs.redis_store.keys import PREFIX


class User(StrEnum):
    """Who uses the server, by the name that the server has for it."""

    ADMINISTRATOR = "default"
    """Everything that stepbias ever does, under its own prefix: backups as well, and processes that give no name."""
    API = "api"
    WORKER = "worker"
    HEALTH = "health"
    """May ask whether the server answers, and needs no password for that."""


_CONNECTION: Final = "client|setname evalsha info ping script|load select time"
_RINGING: Final = "exec llen lpush multi sadd smembers"
_HEARING: Final = "brpop rpush unwatch watch"
_RECORDS: Final = """
bitcount bitpos exists get getrange hdel hexists hget hgetall hincrby hincrbyfloat hkeys hmget hset hsetnx lindex lrange
ltrim mget pttl rename rpush sadd scard set setbit smembers spop srem strlen unlink zadd zcard zrange zrangebyscore zrem
zremrangebyscore zscore
"""
_OF_API: Final = "sscan zrank zrevrange"
_OF_WORKER: Final = """
del hrandfield lpop lrem object|idletime pexpire scan setrange type zincrby zrandmember
"""
_OF_BACKUP: Final = "client|pause client|unpause memory|usage pexpire scan type"

COMMANDS: Final[Mapping[User, frozenset[str]]] = MappingProxyType(
    {
        User.API: frozenset(f"{_CONNECTION} {_RINGING} {_RECORDS} {_OF_API}".split()),
        User.WORKER: frozenset(f"{_CONNECTION} {_RINGING} {_HEARING} {_RECORDS} {_OF_WORKER}".split()),
        User.ADMINISTRATOR: frozenset(
            f"{_CONNECTION} {_RINGING} {_HEARING} {_RECORDS} {_OF_API} {_OF_WORKER} {_OF_BACKUP}".split()
        ),
        User.HEALTH: frozenset({"ping"}),
    }
)
"""The names of commands, those of parts of a command behind a bar, as the server writes them."""

_WORK: Final = """
asked:* celery:* current damaged document-users document:* ended experiment:* experiments experiments:* figures:*
finished flows:* garbage garbage:* ids ids:* job:* leases numerics owners page:* probe run:* schema unfinished:*
users-of:* webhooks webhooks:*
"""
KEYS: Final[Mapping[User, Mapping[str, frozenset[str]]]] = MappingProxyType(
    {
        User.API: {
            "RW": frozenset(f"{_WORK} answer:* keys requests:* uploads uploads:*".split()),
            "R": frozenset({"worker:*", "workers:*"}),
        },
        User.WORKER: {
            "RW": frozenset(f"{_WORK} audit janitor sweep worker:* workers:*".split()),
            "R": frozenset({"uploads", "uploads:*"}),
        },
        User.ADMINISTRATOR: {"RW": frozenset({"*"})},
        User.HEALTH: {},
    }
)
"""Which keys behind the prefix may be read and written (`RW`), and which only read (`R`), as patterns of the server."""


def acl(passwords: Mapping[User, str]) -> str:
    """The file of the server's users, as `aclfile` names it; who is given no password is not let in.

    The server is told hashes alone. A user without a password is there nevertheless, and off: who was let in before
    is not any more once the file is read again.
    """
    return "".join(f"{_line(user, passwords.get(user))}\n" for user in User)


def _line(user: User, password: str | None) -> str:
    if user is User.HEALTH:
        right = "on nopass"
    elif password is None:
        right = "off resetpass"
    else:
        right = f"on resetpass #{hashlib.sha256(password.encode()).hexdigest()}"
    keys = (f"%{access}~{PREFIX}{each}" for access, names in KEYS[user].items() for each in sorted(names))
    commands = (f"+{each}" for each in sorted(COMMANDS[user]))
    return " ".join((f"user {user}", right, "resetkeys", "resetchannels", *keys, "-@all", *commands))
