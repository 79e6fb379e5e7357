"""`Idempotency-Key`: a request that is sent again under the same key gets the answer of the first time.

What is kept is the answer to a request that was done, for a day. A refusal has changed nothing, and is judged anew.
What was done to an experiment that has been deleted since is not done again, and not told as if it were still so: 410.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Annotated, Any, Final, Self, cast

import anyio
from anyio import to_thread
from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema
from starlette.types import Message
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.keys.asker import Asker
from api.problems.request_errors import GoneSince, InvalidQuery, KeyTaken, StillAnswering, Violation
from api.requests.body import limited_body
from jobs.errors import ExperimentNotFound, StoreUnavailable
from jobs.ports import Store
from jobs.settings import Settings

HEADER: Final = "Idempotency-Key"

REPLAYED: Final = "Idempotent-Replayed"

UNDER_WAY_SECONDS: Final = 10.0
"""A request of which nobody has said for so long that it is under way was lost with its process: its sender asks again
for longer than that."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_HEADERS: Final = ("content-type", "location", "retry-after")

IdempotencyKey = Annotated[
    Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[!-~]{1,200}$"})] | None,
    Header(alias=HEADER, description="Any 1 to 200 characters: sent again under this key, it is done only once a day."),
]

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is kept under a key: what was asked, by whom, and the answer once there is one (`status` is not 0)."""

    fingerprint: str
    asker: str = field(default_factory=partial(secrets.token_hex, 8))
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @classmethod
    def decoded(cls, kept: bytes) -> Self:
        """As it was encoded."""
        return cls(**json.loads(kept))

    def encoded(self) -> bytes:
        """To be kept."""
        return json.dumps(asdict(self)).encode()

    @property
    def experiment_id(self) -> str | None:
        """The experiment that the answer is about, None where it is about none that is there."""
        about: dict[str, Any] = json.loads(self.body or "{}")
        return about.get("id")

    def answered(self, response: Response) -> "Kept":
        """With the answer."""
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        body = bytes(response.body).decode()
        return Kept(
            fingerprint=self.fingerprint, asker=self.asker, status=response.status_code, headers=headers, body=body
        )

    def response(self) -> Response:
        """The answer again."""
        return Response(self.body or None, self.status, headers=self.headers | {REPLAYED: "true"})


class AnsweredOnce(APIRoute):
    """A route that does a request with a key once, if it takes one."""

    @override
    def get_route_handler(self) -> _Handler:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            keys = request.headers.getlist(HEADER)
            return await (_once(request, keys, handler) if keys else handler(request))

        return answer if any(field.alias == HEADER for field in self.dependant.header_params) else handler


async def _once(request: Request, keys: list[str], handler: _Handler) -> Response:
    key = _key_of(keys, getattr(request.state, "asker", None))
    settings, store = cast("Settings", request.app.state.settings), cast("Store", request.app.state.store)
    body = await limited_body(request, limit=settings.max_body_bytes)
    mark = Kept(fingerprint=_fingerprint(request, body))
    kept = Kept.decoded(await _keep(store, key, mark, seconds=UNDER_WAY_SECONDS, is_first=True))
    if kept.asker != mark.asker:
        return await to_thread.run_sync(_again, kept, mark, store)
    try:
        async with _under_way(store, key, mark):
            response = await handler(Request(request.scope, _replaying(body, request)))
    except Exception:
        # In a store that is away the mark expires by itself.
        with suppress(StoreUnavailable):
            await to_thread.run_sync(store.drop_answer, key)
        raise
    await _keep(store, key, mark.answered(response), seconds=settings.answer_seconds, is_first=False)
    return response


@asynccontextmanager
async def _under_way(store: Store, key: str, mark: Kept) -> AsyncIterator[None]:
    """While this lasts, others are told that the request is under way."""

    async def tell() -> None:
        while True:
            await anyio.sleep(UNDER_WAY_SECONDS / 3)
            with suppress(StoreUnavailable):
                await _keep(store, key, mark, seconds=UNDER_WAY_SECONDS, is_first=False)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


def _again(kept: Kept, mark: Kept, store: Store) -> Response:
    if kept.fingerprint != mark.fingerprint:
        raise KeyTaken(f"Another request was sent under this {HEADER}; a new request takes a new key.")
    if not kept.status:
        raise StillAnswering("The same request is being answered; ask again.", headers={"Retry-After": "1"})
    if (experiment_id := kept.experiment_id) is not None:
        try:
            store.experiment(experiment_id)
        except ExperimentNotFound:
            raise GoneSince(
                "This was done, and the experiment has been deleted since. A new key does it anew."
            ) from None
    return kept.response()


async def _keep(store: Store, key: str, kept: Kept, *, seconds: float, is_first: bool) -> bytes:
    write = partial(store.keep_answer, key, kept.encoded(), seconds=seconds, is_first=is_first)
    return await to_thread.run_sync(write)


def _key_of(keys: list[str], asker: Asker | None) -> str:
    """What the answer is kept under: keys of one owner are none of another's."""
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        violation = Violation(parameter=HEADER, detail="one key of 1 to 200 printable ASCII characters is wanted")
        raise InvalidQuery(f"The {HEADER} cannot be used.", violations=(violation,))
    key = keys[0] if asker is None else f"{asker.owner} {keys[0]}"
    return hashlib.sha256(key.encode()).hexdigest()


def _fingerprint(request: Request, body: bytes) -> str:
    asked = f"{request.method}\n{request.url.path}\n{request.url.query}\n{request.headers.get('content-type', '')}\n"
    return hashlib.sha256(asked.encode() + body).hexdigest()


def _replaying(body: bytes, request: Request) -> Callable[[], Coroutine[Any, Any, Message]]:
    """A way to receive a body that has been read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await request.receive()

    return receive
