"""Answers about finished experiments that were made a moment ago, to be sent again as they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from fastapi import Response

from api.http.negotiation import accepts_gzip
from api.http.representations import LEAST_COMPRESSED, entity_tag, gzip_tag, gzipped
from core.kept_within import KeptWithin

MOST_BYTES: Final = 2_000_000
LARGEST: Final = 100_000
"""Bytes of the largest answer that is kept, with what it is as gzip."""


@dataclass(frozen=True, slots=True)
class RecentAnswer:
    """JSON with its entity tag, and as gzip where that is worth it: nothing is left to be done with it."""

    body: bytes
    tag: str
    packed: bytes | None

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.body) + len(self.packed or b"")

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
        self._kept = KeptWithin[RecentAnswer](most=MOST_BYTES, largest=LARGEST)

    def found(self, question: object) -> RecentAnswer | None:
        """The answer, if it is kept."""
        return self._kept.found(question)

    def of(self, question: object, make: Callable[[], bytes]) -> RecentAnswer:
        """The answer, made now unless it is kept. Two who ask at once may both make it."""
        if (kept := self.found(question)) is not None:
            return kept
        answer = RecentAnswer.of(make())
        self._kept.keep(question, answer, answer.size)
        return answer
