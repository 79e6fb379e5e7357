"""Answers about finished experiments that were made a moment ago, to be sent again as they are."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Self

from fastapi import Response

from api.http.negotiation import accepts_gzip
from api.http.representations import LEAST_COMPRESSED, entity_tag, gzip_tag, gzipped

MOST: Final = 256
LARGEST: Final = 100_000
"""Bytes of the largest answer that is kept: 26 MB in all at most, and what they are as gzip."""


@dataclass(frozen=True, slots=True)
class RecentAnswer:
    """JSON with its entity tag, and as gzip where that is worth it: nothing is left to be done with it."""

    body: bytes
    tag: str
    packed: bytes | None

    @classmethod
    def of(cls, body: bytes) -> Self:
        """What is kept of an answer."""
        return cls(body, entity_tag(body), gzipped(body) if len(body) >= LEAST_COMPRESSED else None)

    def response(self, accept_encoding: str | None) -> Response:
        """The answer to who takes these codings; byte by byte what would be sent if it were made now."""
        if self.packed is None or not accepts_gzip(accept_encoding):
            return Response(self.body, media_type="application/json", headers={"ETag": self.tag, "Vary": "Accept"})
        headers = {"ETag": gzip_tag(self.tag), "Content-Encoding": "gzip", "Vary": "Accept, Accept-Encoding"}
        return Response(self.packed, media_type="application/json", headers=headers)


class RecentAnswers:
    """The last answers, by all that they depend on; the one that was asked for longest ago goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, RecentAnswer] = OrderedDict()
        self._lock = Lock()

    def found(self, question: object) -> RecentAnswer | None:
        """The answer, if it is kept."""
        with self._lock:
            if question in self._kept:
                self._kept.move_to_end(question)
            return self._kept.get(question)

    def of(self, question: object, make: Callable[[], bytes]) -> RecentAnswer:
        """The answer, made now unless it is kept. Two who ask at once may both make it."""
        if (kept := self.found(question)) is not None:
            return kept
        answer = RecentAnswer.of(make())
        if len(answer.body) <= LARGEST:
            with self._lock:
                self._kept[question] = answer
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return answer
