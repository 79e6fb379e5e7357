"""Where keys are required: every request is asked for one, before anything else is looked at."""

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from anyio import to_thread
from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.keys.asker import Asker, KeyRing
from api.problems import documents as problems
from api.problems.request_errors import NoKey, RequestError, TooManyRequests
from jobs.api_keys import KeyScope
from jobs.errors import JobsError
from jobs.ports import Store
from jobs.settings import Settings

OPEN: Final = re.compile(r"/|/page/[^/]*|/explorer|/docs(/.*)?|/healthz|/readyz|/openapi\.json|/v1/errors(/.*)?")
"""What tells nothing of anybody's work, and is asked by those who have no key."""

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_WANTED: Final = (
    "A key is wanted here, as Authorization: Bearer KEY; the client and the command take it from STEPBIAS_API_KEY."
)
_BEARER: Final = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)


def wanted_scope(method: str, path: str) -> KeyScope:
    """What a key must be good for: reading, changing, or what is the operator's. An estimate changes nothing."""
    if path == "/v1/keys" or path.startswith("/v1/keys/"):
        return KeyScope.ADMIN
    return KeyScope.READ if method in READING or path == "/v1/experiments/estimate" else KeyScope.SUBMIT


class KeysMiddleware:
    """ASGI middleware that finds out who asks, as `scope["state"]["asker"]`, and refuses who may not."""

    def __init__(self, app: ASGIApp, ring: KeyRing, store: Store, settings: Settings) -> None:
        self.app = app
        self.ring = ring
        self.store = store
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or OPEN.fullmatch(get_route_path(scope)):
            await self.app(scope, receive, send)
            return
        try:
            asker = await self.asker(Headers(scope=scope))
            asker.require(wanted_scope(scope["method"], get_route_path(scope)))
            told = await self._taken(asker)
        except (RequestError, JobsError) as refusal:
            answer = await problems.answer(Request(scope), refusal)
            await answer(scope, receive, send)
            return
        scope["state"] |= {"asker": asker, "is_still_good": partial(self._is_good, Headers(scope=scope))}

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Authorization")
                headers.update(told)
            await send(message)

        await self.app(scope, receive, send_told)

    async def asker(self, headers: Headers) -> Asker:
        """Who asks.

        Raises:
            NoKey: no key is sent.
            UnknownKey, ExpiredKey: it opens nothing.
        """
        given = headers.getlist("authorization")
        key = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        if key is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="stepbias"'}
            raise NoKey(_WANTED, headers=challenge)
        kept = await self.ring.holder(key[1])
        return Asker(owner=kept.owner, scope=kept.scope, pools=self.settings.share_runs == "deployment")

    async def _is_good(self, headers: Headers) -> bool:
        """Whether the key opens what it has opened: an answer may take hours."""
        try:
            await self.asker(headers)
        except RequestError:
            return False
        except JobsError:
            # The store is away, and has not said otherwise.
            return True
        return True

    async def _taken(self, asker: Asker) -> Mapping[str, str]:
        """Headers that tell how many requests the owner has left, after this one.

        Raises:
            TooManyRequests: none was.
        """
        most = self.settings.requests_per_minute
        if most is None:
            return {}
        allowance = await to_thread.run_sync(lambda: self.store.take_request(asker.owner, per_minute=most))
        seconds = math.ceil(allowance.seconds)
        told = {
            "RateLimit-Policy": f'"owner";q={most};w=60',
            "RateLimit": f'"owner";r={allowance.left};t={seconds}',
        }
        if not allowance.is_taken:
            refusal = f"An owner has {most} requests a minute."
            raise TooManyRequests(refusal, headers=told | {"Retry-After": str(seconds)})
        return told
