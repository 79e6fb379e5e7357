"""What becomes of a request that nothing inside answers."""

import asyncio
import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.http.outermost import OutermostMiddleware

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}


async def _received() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _answered(app: OutermostMiddleware, *, cancel_when: asyncio.Event) -> list[Message]:
    """What is sent to a client whose request is cancelled, as the server does when its patience at a stop is over."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    task = asyncio.create_task(app(dict(SCOPE), _received, send))
    await cancel_when.wait()
    task.cancel()
    await asyncio.wait([task])
    if task.cancelled():
        raise asyncio.CancelledError
    return sent


def test_who_waits_when_the_server_stops_is_told_to_ask_again() -> None:
    """503 with the time to wait, and no error of ours."""

    async def scenario() -> list[Message]:
        waits = asyncio.Event()

        async def waiting(_scope: Scope, _receive: Receive, _send: Send) -> None:
            waits.set()
            await asyncio.sleep(1000)

        return await _answered(OutermostMiddleware(waiting), cancel_when=waits)

    start, body = asyncio.run(scenario())
    assert start["status"] == 503
    headers = dict(start["headers"])
    assert headers[b"retry-after"] == b"5"
    assert headers[b"x-request-id"]
    document = json.loads(body["body"])
    assert document["type"] == "urn:stepbias:problem:stopping"


def test_an_answer_that_was_begun_is_cut_when_the_server_stops() -> None:
    """Half an answer is not made to look whole."""

    async def scenario() -> None:
        waits = asyncio.Event()

        async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            waits.set()
            await asyncio.sleep(1000)

        await _answered(OutermostMiddleware(half), cancel_when=waits)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
