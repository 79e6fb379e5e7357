"""How answers are sent: with validators, digests and, where the client takes it, compressed."""

import base64
import gzip
import hashlib
import zlib
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.negotiation import accepts_gzip, is_known
from core.exports.packing import gzip_packer

IMMUTABLE: Final[Mapping[str, str]] = MappingProxyType({"Cache-Control": "max-age=31536000, immutable"})
"""The headers of what never changes while it is there."""

LEAST_COMPRESSED: Final = 2000
"""Bytes below which compression saves no packet."""

LARGE: Final = 100_000
"""Bytes from which on they are compressed in a thread: the event loop serves everybody."""

_LEVEL: Final = 5
_COMPRESSIBLE: Final = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/x-ndjson",
    "image/svg+xml",
)


def gzipped(body: bytes) -> bytes:
    """A whole answer as gzip; equal answers become equal bytes."""
    return gzip.compress(body, _LEVEL, mtime=0)


def entity_tag(body: bytes) -> str:
    """The strong entity tag of a whole answer."""
    return f'"{_base64(hashlib.sha256(body).digest()[:18])}"'


def gzip_tag(tag: str) -> str:
    """The entity tag of what `tag` is of, as gzip: a strong one is of bytes."""
    return f'{tag[:-1]}-gzip"'


class RepresentationsMiddleware:
    """ASGI middleware that sends whole answers with `Content-Digest` (RFC 9530), and those to GET with a strong `ETag`.

    An answer in pieces is passed on in pieces; its `ETag` is whatever the route has set.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self.app(scope, receive, _Answer(scope, send).send)
        else:
            await self.app(scope, receive, send)


class _Answer:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._asked = Headers(scope=scope)
        self._is_get = scope["method"] == "GET"
        self._send = send
        self._start: Message | None = None
        self._compressor: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not _is_events(message):
            self._start = message
        elif self._start is not None and message["type"] == "http.response.body":
            start, self._start = self._start, None
            await (self._send_pieces if message.get("more_body", False) else self._send_whole)(start, message)
        elif self._compressor is not None and message["type"] == "http.response.body":
            await self._send_piece(message)
        else:
            await self._send(message)

    async def _send_whole(self, start: Message, message: Message) -> None:
        body: bytes = message.get("body", b"")
        headers = MutableHeaders(scope=start)
        if self._is_get and start["status"] == 200:
            headers.setdefault("ETag", entity_tag(body))
            headers.setdefault("Cache-Control", "no-cache")
        is_compressed = len(body) >= LEAST_COMPRESSED and self._compresses(headers)
        if self._is_get and start["status"] == 200 and is_known([headers["ETag"]], self._asked.get("if-none-match")):
            await self._send_not_modified(start, headers)
            return
        if is_compressed:
            body = await to_thread.run_sync(gzipped, body) if len(body) >= LARGE else gzipped(body)
        if body:
            headers["Content-Length"] = str(len(body))
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        await self._send(start)
        await self._send({**message, "body": body})

    async def _send_not_modified(self, start: Message, headers: MutableHeaders) -> None:
        for name in ("content-type", "content-length", "content-encoding"):
            del headers[name]
        await self._send({**start, "status": 304})
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_pieces(self, start: Message, message: Message) -> None:
        headers = MutableHeaders(scope=start)
        if self._compresses(headers):
            del headers["content-length"]
            self._compressor = gzip_packer()
        await self._send(start)
        await (self._send if self._compressor is None else self._send_piece)(message)

    async def _send_piece(self, message: Message) -> None:
        assert self._compressor is not None  # noqa: S101 - for the type checker
        piece: bytes = message.get("body", b"")
        pack = partial(self._compressor.compress, piece)
        body = await to_thread.run_sync(pack) if len(piece) >= LARGE else pack()
        if not message.get("more_body", False):
            body += self._compressor.flush()
        await self._send({**message, "body": body})

    def _compresses(self, headers: MutableHeaders) -> bool:
        """Whether this answer is compressed; its headers say so, and that others get it otherwise."""
        if "content-encoding" in headers or not headers.get("content-type", "").startswith(_COMPRESSIBLE):
            return False
        if "accept-encoding" not in headers.get("vary", "").lower():
            headers.add_vary_header("Accept-Encoding")
        if not accepts_gzip(self._asked.get("accept-encoding")):
            return False
        headers["Content-Encoding"] = "gzip"
        if (tag := headers.get("etag", "")).endswith('"'):
            headers["ETag"] = gzip_tag(tag)
        return True


def _is_events(start: Message) -> bool:
    """Whether each piece is waited for, and so are the headers."""
    return Headers(scope=start).get("content-type", "").startswith("text/event-stream")


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode()
