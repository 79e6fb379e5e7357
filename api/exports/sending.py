"""Pieces of an answer, made in threads while they are sent: the event loop serves everybody."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from functools import partial
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

EXPORTERS: Final = 2
"""Answers of which a piece is made at the same moment."""

Pieces = Iterator[bytes]
Made = TypeVar("Made")


async def off_loop(request: Request, call: Callable[[], Made]) -> Made:
    """What a call gives that reads or makes results, in a thread: few at a time, for they share the processor."""
    limiter: CapacityLimiter = request.app.state.exporters
    return await to_thread.run_sync(call, limiter=limiter)


async def streamed(request: Request, pieces: Pieces, *, media_type: str, headers: Mapping[str, str]) -> Response:
    """The pieces as an answer, no faster than they are taken; what goes wrong before the first one is still said."""
    first = await off_loop(request, partial(next, pieces, b""))
    return StreamingResponse(_sent(request, pieces, first), media_type=media_type, headers=dict(headers))


async def _sent(request: Request, pieces: Pieces, first: bytes) -> AsyncIterator[bytes]:
    piece: bytes | None = first
    try:
        while piece is not None:
            if piece:
                yield piece
            piece = await off_loop(request, partial(next, pieces, None))
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
