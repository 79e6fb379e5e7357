"""Deadlines of request bodies: who sends too slowly holds a connection, and what it needs, for nothing."""

import time
from typing import Final

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems.request_errors import BodyTooSlow

GRACE_SECONDS: Final = 20.0
"""So long a body may take in any case."""

LEAST_BYTES_PER_SECOND: Final = 2000.0
"""What it may take longer for each byte that has come."""


class SlowBodiesMiddleware:
    """ASGI middleware: whoever reads a body that comes too slowly meets `BodyTooSlow`."""

    def __init__(self, app: ASGIApp, grace: float = GRACE_SECONDS) -> None:
        self.app = app
        self.grace = grace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        has_body = scope["type"] == "http" and scope["method"] in {"POST", "PUT", "PATCH", "DELETE"}
        await self.app(scope, _TimedBody(receive, self.grace).receive if has_body else receive, send)


class _TimedBody:
    def __init__(self, receive: Receive, grace: float) -> None:
        self._receive = receive
        self._deadline = time.monotonic() + grace
        self._is_read = False

    async def receive(self) -> Message:
        if self._is_read:
            return await self._receive()
        with anyio.move_on_after(self._deadline - time.monotonic()):
            message = await self._receive()
            self._deadline += len(message.get("body", b"")) / LEAST_BYTES_PER_SECOND
            self._is_read = not message.get("more_body", False)
            return message
        raise BodyTooSlow("The body came too slowly.", headers={"Connection": "close"})
