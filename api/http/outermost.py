"""The outermost layer: every answer has a request id, every GET path answers HEAD, and no error escapes unnoticed."""

import logging
import re
import secrets
from asyncio import CancelledError
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems.documents import answer as problem
from api.problems.documents import unexpected
from api.problems.request_errors import ServiceStopping
from jobs.log_context import logging_of
from jobs.tracing import span

REQUEST_ID: Final = "X-Request-ID"

_LOG = logging.getLogger(__name__)
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)


class OutermostMiddleware:
    """ASGI middleware; `scope["state"]["request_id"]` is the id for everything inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, request_id=_request_id(scope), without_body=scope["method"] == "HEAD")
        state = {**scope.get("state", {}), "request_id": answer.request_id, "without_body": answer.without_body}
        inner = {**scope, "state": state, "method": "GET" if answer.without_body else scope["method"]}
        parent = Headers(scope=scope).get("traceparent", "")
        with (
            logging_of(request_id=answer.request_id),
            span(f"request {inner['method']}", parent=parent, request_id=answer.request_id, path=scope["path"]),
        ):
            await self._answer(inner, receive, answer)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self.app(scope, receive, answer.send)
        except ClientDisconnect:
            _LOG.info("request %s: the client left before its body was read", answer.request_id)
        except CancelledError:
            if answer.started:
                raise
            # The server is being stopped, and its patience with requests in progress is over.
            refusal = await problem(Request(scope), ServiceStopping("The service is being stopped: ask again later."))
            await refusal(scope, receive, answer.send)
        except Exception:
            _LOG.exception("request %s failed", answer.request_id)
            if answer.started:
                # Too late for a problem document: the server cuts the connection, so nobody takes half for the whole.
                raise
            await unexpected(answer.request_id)(scope, receive, answer.send)


class _Answer:
    """Sends one answer, with its headers, and without the body where HEAD was asked."""

    def __init__(self, send: Send, *, request_id: str, without_body: bool) -> None:
        self._send = send
        self.request_id = request_id
        self.without_body = without_body
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
        elif self.without_body:
            message = {**message, "body": b""}
        await self._send(message)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if _SANE.fullmatch(given) else secrets.token_hex(16)
