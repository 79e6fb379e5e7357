"""HTTP as the API's server reads it: what is no request, too large, too slow or too many is refused as a problem."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httptools
from typing_extensions import override  # in typing itself from Python 3.12 on
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems.documents import MEDIA_TYPE, TYPE, Problem

MOST_HEAD_BYTES: Final = 65_536
"""Most bytes of a request's line and headers."""

HEAD_SECONDS: Final = 10.0
"""So long these may take, from the moment of the connection or of their first byte."""

_LOG: Final = logging.getLogger("stepbias.connections")
_LOG.setLevel(logging.ERROR)  # strangers must not be able to fill the log, a line for each connection

_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: "This is no request of HTTP/1.1.",
    HTTPStatus.REQUEST_TIMEOUT: "The head of the request came too slowly.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"The head of a request may have {MOST_HEAD_BYTES} bytes.",
    HTTPStatus.SERVICE_UNAVAILABLE: "There are too many connections. Try again later.",
}


class HttpProtocol(HttpToolsProtocol):
    """One connection, with at most `most_connections` at once; `let_go` ends answers that would go on for long."""

    most_connections: ClassVar[int] = 4000
    let_go: ClassVar[Callable[[], None]] = staticmethod(lambda: None)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = _LOG
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        was_head = self._head_timer is not None
        super().data_received(data)
        if self._head_timer is not None:
            # Where a head begins in the middle, what stands before it does not count.
            self._head_bytes += len(data) if was_head else 1
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    @override
    def on_message_begin(self) -> None:
        self._await_head()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._end_head()
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            raise httptools.HttpParserError
        super().on_headers_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(HTTPStatus.BAD_REQUEST)

    @override
    def shutdown(self) -> None:
        type(self).let_go()
        super().shutdown()

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """The request is answered as if it had not asked to speak something else."""

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, once, and hang up."""
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(_refusal(status))
            self.transport.close()


def _refusal(status: HTTPStatus) -> bytes:
    slug = status.phrase.lower().replace(" ", "-")
    problem = Problem(type=f"{TYPE}{slug}", title=status.phrase, status=status, detail=_DETAILS[status])
    body = problem.model_dump_json(exclude_none=True).encode()
    wish = "retry-after: 5\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        f"{wish}connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
