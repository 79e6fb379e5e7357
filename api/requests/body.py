"""The request body, read by ourselves: it is limited before it is held, and of a type that is read."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from api.problems.request_errors import BodyTooLarge, WrongMediaType
from api.settings_here import SettingsHere

JSON: Final = "application/json"

MOST_SPEC_BYTES: Final = 1_000_000
"""Most bytes of a spec; data that take more are uploaded."""

READERS: Final = 2
"""Bodies that are read at once."""

Read = TypeVar("Read")


async def json_body(request: Request, settings: SettingsHere) -> bytes:
    """The bytes of a spec.

    Raises:
        WrongMediaType: it is declared to be something else, or compressed.
        BodyTooLarge: it is longer than a spec may be; the rest is not read.
    """
    require_media_type(request, (JSON,))
    return await limited_body(request, limit=min(settings.max_body_bytes, MOST_SPEC_BYTES))


async def read(request: Request, reader: Callable[..., Read], *given: Any) -> Read:
    """What a reader makes of a body, in a thread: few at a time, so that what they hold at once is bounded."""
    limiter: CapacityLimiter = request.app.state.readers
    return await to_thread.run_sync(partial(reader, *given), limiter=limiter)


def require_media_type(request: Request, accepted: Collection[str]) -> str:
    """The media type of the body, one of those that are accepted.

    Raises:
        WrongMediaType: it is declared to be something else, or compressed.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in accepted:
        names = ", ".join(accepted)
        one_of = "" if len(accepted) == 1 else "one of "
        raise WrongMediaType(f"Send the body with {one_of}Content-Type: {names}.", headers={"Accept": names})
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType("Send the body uncompressed.", headers={"Accept-Encoding": "identity"})
    return media_type


async def limited_body(request: Request, *, limit: int) -> bytes:
    """The bytes of the body.

    Raises:
        BodyTooLarge: they are more than `limit`; the rest is not read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> BodyTooLarge:
    hint = "; larger data are uploaded, and named by their id" if limit == MOST_SPEC_BYTES else ""
    return BodyTooLarge(f"The body may have at most {limit} bytes{hint}.")


JsonBody = Annotated[bytes, Depends(json_body)]
