"""Uploads in Redis."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.connection import vendor_errors
from jobs.cursor import decode_cursor, encode_cursor
from jobs.document_keys import dataset_description_key, dataset_key
from jobs.ports import UploadStore
from jobs.records import UploadEntry
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.seal import sealed

AT_ONCE: Final = 100


class RedisUploads(RedisServer, UploadStore):
    """The uploads of the Redis store."""

    @override
    def keep_upload(self, dataset_id: str, *, arrays: bytes, description: bytes) -> bool:
        data, about = dataset_key(dataset_id), dataset_description_key(dataset_id)
        kept = self._call(Script.KEEP_UPLOAD, dataset_id, data, sealed(data, arrays), about, sealed(about, description))
        return bool(kept)

    @override
    def uploads(self, *, limit: int, cursor: str | None = None, owner: str = "") -> Sequence[UploadEntry]:
        bound: str | int = "+inf" if cursor is None else f"({decode_cursor(cursor)}"
        found: list[UploadEntry] = []
        while len(found) < limit:
            with vendor_errors():
                members: Any = self._client.zrange(
                    _list(owner), bound, "-inf", desc=True, byscore=True, offset=0, num=AT_ONCE, withscores=True
                )
            if not members:
                break
            found += self._described(members)
            bound = f"({members[-1][1]:.17g}"
        return found[:limit]

    def _described(self, members: Sequence[tuple[bytes, float]]) -> list[UploadEntry]:
        """Those whose descriptions are sound."""
        names = [dataset_description_key(member.decode(errors="replace")) for member, _ in members]
        stored = self._read(*(["GET", key("document", name)] for name in names))
        found = zip(names, stored, members, strict=True)
        opened = ((self._opened(name, each), number) for name, each, (_, number) in found if each is not None)
        return [
            UploadEntry(description=description, cursor=encode_cursor(int(number)))
            for description, number in opened
            if description is not None
        ]

    @override
    def is_upload(self, dataset_id: str) -> bool:
        about = key("document", dataset_description_key(dataset_id))
        listed = _list(dataset_id.rpartition("/")[0])
        score, is_described = self._read(["ZSCORE", listed, dataset_id], ["EXISTS", about])
        return score is not None or bool(is_described)

    @override
    def upload_users(self, dataset_id: str, *, most: int) -> Sequence[str]:
        with vendor_errors():
            users: Any = self._client.sscan_iter(key("users-of", dataset_key(dataset_id)), count=most)
            return sorted(user.decode(errors="replace") for user in islice(users, most))


def _list(owner: str) -> str:
    """The ids of an owner's uploads, or of those of nobody, as `lua/ledger.lua` has it."""
    return key("uploads", owner) if owner else key("uploads")
