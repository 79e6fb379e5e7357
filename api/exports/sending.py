"""Pieces of an answer, made in threads while they are sent: the event loop serves everybody."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from api.exports.courtesy import Courtesy

EXPORTERS: Final = 2
"""Answers of which a piece is made at the same moment."""

Pieces = Iterator[bytes]
Stream = AsyncGenerator[bytes]
Made = TypeVar("Made")


async def off_loop(request: Request, call: Callable[[], Made]) -> Made:
    """What a call gives that reads or makes results, in a thread: few at a time, for they share the processor."""
    limiter: CapacityLimiter = request.app.state.exporters
    return await to_thread.run_sync(call, limiter=limiter)


async def streamed(request: Request, pieces: Pieces, *, media_type: str, headers: Mapping[str, str]) -> Response:
    """The pieces as an answer, made no faster than they are taken, with pauses while others are answered."""
    return await sent(request, made(request, pieces), media_type=media_type, headers=headers)


async def made(request: Request, pieces: Pieces) -> Stream:
    """The pieces, each made in a thread."""
    courtesy = Courtesy(request.app.state.metrics)
    make = partial(courtesy.timed, partial(next, pieces, None))
    try:
        while (piece := await off_loop(request, make)) is not None:
            yield piece
            await anyio.sleep(courtesy.pause())
    finally:
        if isinstance(pieces, Generator):
            with CancelScope(shield=True):
                await to_thread.run_sync(pieces.close)


async def sent(request: Request, pieces: Stream, *, media_type: str, headers: Mapping[str, str]) -> Response:
    """The pieces as an answer, less those that are empty; what goes wrong before the first one is still said.

    Of an answer without a body no more than the first is made.
    """
    filled = _filled(pieces)
    first = await anext(filled, b"")
    if request.state.without_body:
        await filled.aclose()
    return StreamingResponse(_from(first, filled), media_type=media_type, headers=dict(headers))


async def _from(first: bytes, rest: Stream) -> Stream:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def _filled(pieces: Stream) -> Stream:
    async with aclosing(pieces):
        async for piece in pieces:
            if piece:
                yield piece
