"""Keys of the HTTP interface in Redis: one hash, so that every process of the API knows them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.api_keys import ApiKey, KeyScope
from jobs.ports import KeyStore
from jobs.records import Allowance
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.seal import sealed


class RedisKeys(RedisServer, KeyStore):
    """The keys that the Redis store keeps. A damaged one opens nothing."""

    @override
    def keep_key(self, kept: ApiKey) -> None:
        self._read(["HSET", key("keys"), kept.id, sealed(_name(kept.id), json.dumps(asdict(kept)).encode())])

    @override
    def key(self, key_id: str) -> ApiKey | None:
        (stored,) = self._read(["HGET", key("keys"), key_id])
        return None if stored is None else self._known(key_id, stored)

    @override
    def keys(self) -> Sequence[ApiKey]:
        (flat,) = self._read(["HGETALL", key("keys")])
        found = (self._known(key_id.decode(errors="replace"), stored) for key_id, stored in flat.items())
        return sorted((each for each in found if each), key=lambda each: (each.created_at, each.id))

    @override
    def drop_key(self, key_id: str) -> bool:
        (count,) = self._read(["HDEL", key("keys"), key_id])
        return bool(count)

    @override
    def take_request(self, owner: str, *, per_minute: int) -> Allowance:
        is_taken, left, milliseconds = self._call(Script.TAKE_REQUEST, owner, per_minute)
        return Allowance(is_taken=bool(is_taken), left=left, seconds=milliseconds / 1000)

    def _known(self, key_id: str, stored: bytes) -> ApiKey | None:
        opened = self._opened(_name(key_id), stored)
        if opened is None:
            return None
        fields = json.loads(opened)
        return ApiKey(**fields | {"scope": KeyScope(fields["scope"])})


def _name(key_id: str) -> str:
    return f"key {key_id}"
