"""Who may ask: requests for a foreign name, and changes that a foreign page asks for, are refused.

A page that a browser has loaded from anywhere can send requests to this machine. With a name that its owner lets
resolve to 127.0.0.1 (DNS rebinding) it could read the answers as well.
"""

import ipaddress
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import documents as problems
from api.problems.request_errors import ForeignHost, ForeignOrigin, RequestError

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS: Final = {"http": 80, "https": 443}

_LONGEST_KNOWN: Final = 255
"""Characters of the longest `Host` header that is remembered: strangers choose what they send."""


def names(text: str) -> frozenset[str]:
    """The names of a setting, which stand between commas."""
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


class SendersMiddleware:
    """ASGI middleware that answers who may not ask.

    Args:
        app: what is asked.
        hosts: names of this service besides addresses, names without a dot, and those under `.localhost`; `*` is any.
        origins: pages of these may change things as well as its own.
    """

    def __init__(self, app: ASGIApp, hosts: AbstractSet[str], origins: AbstractSet[str]) -> None:
        self.app = app
        self.hosts = hosts
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)) is not None:
            answer = await problems.answer(Request(scope), refusal)
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> RequestError | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_own_host(host, self.hosts):
            return ForeignHost("No service of this name is here; STEPBIAS_ALLOWED_HOSTS lists names of it.")
        if scope["method"] not in _READING and not self._may_change(headers, host, scope["scheme"]):
            return ForeignOrigin("A page of another origin asks; STEPBIAS_CORS_ORIGINS lists those that may.")
        return None

    def _may_change(self, headers: Headers, host: str, scheme: str) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none").lower() != "cross-site"
        return origin.lower() in self.origins or _place(origin) == _place(f"{scheme}://{host}")


def is_own_host(host: str, hosts: AbstractSet[str]) -> bool:
    """Whether a `Host` header may name this service.

    An address, or a name without a dot, is nothing that a stranger could let resolve to this machine. No browser leaves
    the header out.
    """
    name, is_nobodys = (_known if len(host) <= _LONGEST_KNOWN else _named)(host)
    return name is not None and (is_nobodys or not hosts.isdisjoint({name, "*"}))


def _named(host: str) -> tuple[str | None, bool]:
    """The name in a `Host` header, None where there is none to be read; and whether no stranger can own it."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return None, False
    return name, "." not in name or name.endswith(".localhost") or _is_address(name)


_known: Final = lru_cache(maxsize=1000)(_named)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _place(origin: str) -> tuple[str | None, int | None] | None:
    """Host and port. The scheme does not count: a proxy that ends TLS may not say that it did."""
    try:
        parts = urlsplit(origin.lower())
        return parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
