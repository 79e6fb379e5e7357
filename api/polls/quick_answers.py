"""Polls of what has not changed, answered before any other layer: byte by byte what was told the last time.

Every layer and the route have looked at the first such request, and its answer depends on nothing but the record of the
experiment, which is read each time, and on what the request says. Whatever else a request says, it is left to them.
"""

import re
import secrets
import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.experiment_reader import MADE_OF, ExperimentReader, Read
from api.http.metrics import Metrics
from api.http.negotiation import is_known
from api.http.outermost import REQUEST_ID
from api.http.senders import is_own_host
from api.polls import quick_curves, quick_status
from api.readiness import may_wait
from core.kept_within import KeptWithin
from jobs.errors import JobsError
from jobs.records import Experiment
from jobs.states import ACTIVE
from jobs.tracing import tracer

MOST_BYTES: Final = 1_000_000
LARGEST: Final = 20_000
"""Bytes of the largest answer that is kept."""

_LONGEST: Final = 1000
"""Characters of a query and of headers that are remembered."""

_PATH: Final = re.compile(r"/v1/experiments/([A-Za-z0-9_-]{1,64})(/curves)?", re.ASCII)
_PLAIN: Final = frozenset({b"host", b"user-agent", b"connection", b"accept", b"accept-encoding", b"if-none-match"})
_OF_CONTENT: Final = frozenset({b"content-type", b"content-length", b"content-encoding", b"content-digest"})
_ID: Final = REQUEST_ID.lower().encode()

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer with the record that it was of; the headers without the id of a request."""

    read: Read
    headers: Headers
    body: bytes
    tag: str

    def answer(self, headers: dict[bytes, bytes]) -> tuple[int, Headers, bytes]:
        """Status, headers and body for who has these headers."""
        asked = headers.get(b"if-none-match")
        told = [*self.headers, (_ID, secrets.token_hex(16).encode())]
        if asked is None or not is_known([self.tag], asked.decode("latin-1")):
            return 200, told, self.body
        return 304, [header for header in told if header[0] not in _OF_CONTENT], b""


class QuickAnswersMiddleware:
    """ASGI middleware, for a service that asks for no keys, has no prefix, and trusts no proxy."""

    def __init__(self, app: ASGIApp, reader: ExperimentReader, metrics: Metrics, hosts: AbstractSet[str]) -> None:
        self.app = app
        self.reader = reader
        self.metrics = metrics
        self.hosts = hosts
        self._kept = KeptWithin[_Kept](most=MOST_BYTES, largest=LARGEST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        asked = self._asked(scope, headers)
        if asked is None:
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        read = await self._read(asked)
        question = asked[0], scope["query_string"], headers.get(b"accept"), headers.get(b"accept-encoding")
        kept = self._kept.found(question)
        if read is None:
            await self.app(scope, receive, send)
        elif kept is None or kept.read != read:
            listening = _Listening(self._kept, question, send)
            state = {**scope.get("state", {}), MADE_OF: listening.made_of}
            await self.app({**scope, "state": state}, receive, listening.send)
        else:
            status, told, body = kept.answer(headers)
            route = quick_curves.ROUTE if asked[2] else quick_status.ROUTE
            self.metrics.count(method="GET", route=route, status=status, seconds=time.perf_counter() - begun)
            await send({"type": "http.response.start", "status": status, "headers": told})
            await send({"type": "http.response.body", "body": body})

    def _asked(self, scope: Scope, headers: dict[bytes, bytes]) -> re.Match[str] | None:
        """The path, of a poll that says nothing but what is known here."""
        if scope["type"] != "http" or scope["method"] != "GET" or tracer() is not None:
            return None
        found = _PATH.fullmatch(scope["path"])
        if found is None or (scope["query_string"] and not found[2]) or not _is_plain(scope, headers):
            return None
        return found if is_own_host(headers.get(b"host", b"").decode("latin-1"), self.hosts) else None

    async def _read(self, asked: re.Match[str]) -> Read | None:
        """The record, if all that is asked for depends on it."""
        with suppress(JobsError):
            read = await self.reader.look(asked[1])
            if read is not None and (read[0].status not in ACTIVE if asked[2] else _is_whole(read[0])):
                return read
        return None


class _Listening:
    """Passes an answer on, and keeps it with the record that it was made of, if that is told."""

    def __init__(self, kept: KeptWithin[_Kept], question: object, send: Send) -> None:
        self._kept = kept
        self._question = question
        self._send = send
        self._read: Read | None = None
        self._start: Message = {}

    def made_of(self, read: Read) -> None:
        """What is being sent is the answer to this."""
        self._read = read

    async def send(self, message: Message) -> None:
        """Pass it on."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self._start = message
        elif self._read is not None and self._start.get("status") == 200 and not message.get("more_body", False):
            self._keep(self._read, message.get("body", b""))

    def _keep(self, read: Read, body: bytes) -> None:
        headers = dict(self._start["headers"])
        if int(headers.get(b"content-length", b"-1")) == len(body):
            tag = headers[b"etag"].decode("latin-1")
            told = [header for header in self._start["headers"] if header[0] != _ID]
            self._kept.keep(self._question, _Kept(read, told, body, tag), len(body))


def _is_plain(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    said = len(scope["query_string"]) + sum(map(len, headers.values()))
    return said <= _LONGEST and headers.keys() <= _PLAIN and len(headers) == len(scope["headers"])


def _is_whole(experiment: Experiment) -> bool:
    return not may_wait(experiment) and not experiment.wishes.webhook
