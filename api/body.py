"""The request body, read by ourselves: it is limited before it is held, and JSON only."""

from typing import Annotated, Final

from fastapi import Depends, Request

from api.refusals import BodyTooLarge, WrongMediaType
from api.wiring import SettingsHere

JSON: Final = "application/json"


async def json_body(request: Request, settings: SettingsHere) -> bytes:
    """The bytes of a JSON body.

    Raises:
        WrongMediaType: it is declared to be something else, or compressed.
        BodyTooLarge: it is longer than the deployment allows; the rest is not read.
    """
    _require_json(request)
    limit = settings.max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _require_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise WrongMediaType(f"Send the body with Content-Type: {JSON}.", headers={"Accept": JSON})
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType("Send the body uncompressed.", headers={"Accept-Encoding": "identity"})


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body may have at most {limit} bytes.")


JsonBody = Annotated[bytes, Depends(json_body)]
