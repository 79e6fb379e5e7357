"""Results in Redis."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import NOTHING, ResultStore
from jobs.records import FigureRequest, StoredRun
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import Found, RedisServer
from jobs.run_keys import DIGEST_BYTES, packed, unpacked
from jobs.seal import sealed

MOST_MISSED: Final = 500
"""Runs of one call: the server answers nobody else meanwhile."""

_REQUEST: Final = "request of a figure"


class RedisResults(RedisServer, ResultStore):
    """The results of the Redis store."""

    @override
    def summaries(self, experiment_id: str, start: int, stop: int) -> Sequence[bytes | None]:
        total = int(self._require(experiment_id)[b"runs_total"])
        count = max(min(stop, total) - start, 0)
        keys = self._run_keys(experiment_id, start, count)
        planned = {index: each for index, each in enumerate(keys) if each is not None}
        stored = self._runs(list(planned.values()), with_arrays=False)
        done = self._done(experiment_id, start, count)
        summaries: list[bytes | None] = [None] * count
        missed: list[tuple[int, Found]] = []
        for index, (run, found) in zip(planned, stored, strict=True):
            summaries[index] = None if run is None else run.summary
            if run is None and done[index]:
                missed.append((start + index, found))
        self._miss(experiment_id, missed)
        return summaries

    @override
    def first_missing(self, experiment_id: str) -> int:
        total = int(self._require(experiment_id)[b"runs_total"])
        name = key("experiment", experiment_id, "done")
        # Bits that the string is too short for are not set either.
        zero, length = self._read(["BITPOS", name, 0, 0, -1], ["STRLEN", name])
        return int(min(zero if zero >= 0 else 8 * length, total))

    @override
    def run(self, experiment_id: str, index: int) -> StoredRun | None:
        self._require(experiment_id)
        each = next(iter(self._run_keys(experiment_id, index, 1)), None)
        if each is None:
            return None
        ((run, found),) = self._runs([each], with_arrays=True)
        if run is None and (found.is_there or self._done(experiment_id, index, 1)[0]):
            self._miss(experiment_id, [(index, found)])
        return run

    @override
    def contents(self, experiment_id: str) -> str:
        digest: bytes = self._call(Script.CONTENTS, experiment_id)
        return digest.decode()

    @override
    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        lifetime: list[Any] = [] if seconds is None else ["PX", max(round(seconds * 1000), 1)]
        self._read(["SET", _document_key(key), sealed(key, document), "NX", *lifetime])

    @override
    def document(self, key: str) -> bytes | None:
        (stored,) = self._read(["GET", _document_key(key)])
        if stored is None:
            return None
        document = self._opened(key, stored)
        if document is None:
            # The very bytes: somebody may have put a good one in their place meanwhile.
            self._call(Script.FORGET, key, stored)
        return document

    @override
    def keep_document(self, experiment_id: str, key: str, document: bytes) -> None:
        self._call(Script.KEEP_DOCUMENT, experiment_id, key, sealed(key, document))

    @override
    def drop_documents(self, keys: Sequence[str], *, expected: Mapping[str, bytes] = NOTHING) -> None:
        known: list[str | bytes] = [part for pair in expected.items() for part in (pair[0], sealed(*pair))]
        self._call(Script.DROP_DOCUMENTS, len(expected), *known, *keys)

    @override
    def request_figure(self, request: FigureRequest, *, seconds: float) -> bool:
        asked, stays = json.dumps(asdict(request)).encode(), max(round(seconds * 1000), 1)
        wish = self._numerics, request.owner, sealed(_REQUEST, asked), request.key, stays, secrets.token_hex(8)
        return bool(self._call(Script.ASK_FIGURE, *wish))

    @override
    def next_figure(self) -> FigureRequest | None:
        for owner in self._figure_owners()[:1]:
            (asked,) = self._read(["LINDEX", self._figures(owner), 0])
            self._call(Script.TAKE_FIGURE, self._numerics, owner, asked or b"")
            request = self._opened(_REQUEST, asked) if asked else None
            # Whoever waits for one that is damaged asks again.
            return self.next_figure() if request is None else FigureRequest(**json.loads(request))
        return None

    def _figure_owners(self) -> list[str]:
        """Who waits for figures of one numerics version: others would keep other numbers under the same key."""
        (owners,) = self._read(["ZRANGE", key("figures", self._numerics, "owners"), 0, -1])
        return [owner.decode() for owner in owners]

    def _figures(self, owner: str) -> str:
        return key("figures", self._numerics, *(("of", owner) if owner else ()))

    def _miss(self, experiment_id: str, missed: Sequence[tuple[int, Found]]) -> None:
        """Have runs count no longer that are planned, and neither stored nor sound."""
        for first in range(0, len(missed), MOST_MISSED):
            runs = missed[first : first + MOST_MISSED]
            fields: list[int | str | bytes] = []
            for index, found in runs:
                fields += [index, packed([found.run]), found.run, *found.bad]
            self._call(Script.MISS_RUNS, experiment_id, *fields)

    def _done(self, experiment_id: str, start: int, count: int) -> list[bool]:
        """Which of `count` runs from `start` on are counted as stored."""
        first = start // 8
        (stored,) = self._read(["GETRANGE", key("experiment", experiment_id, "done"), first, (start + count) // 8])
        # In a bitmap of the server the first bit is the most significant one.
        bits = "".join(f"{byte:08b}" for byte in stored).ljust(start + count, "0")[start - 8 * first :]
        return [bits[number : number + 1] == "1" for number in range(count)]

    def _run_keys(self, experiment_id: str, start: int, count: int) -> list[str | None]:
        """The keys of `count` runs from `start` on, fewer where planning has not come so far."""
        first, last = start * DIGEST_BYTES, (start + count) * DIGEST_BYTES - 1
        if count == 0:
            return []
        (digests,) = self._read(["GETRANGE", key("experiment", experiment_id, "keys"), first, last])
        return list(unpacked(digests))


def _document_key(document: str) -> str:
    return key("document", document)
