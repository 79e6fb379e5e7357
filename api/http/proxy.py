"""What a proxy says of a request: under which name, scheme and prefix the sender sees this service."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.prefix import PREFIX

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]+", re.ASCII)


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """The networks of a setting; an address is one of its own.

    Raises:
        ValueError: one is neither.
    """
    return tuple(ipaddress.ip_network(name) for name in names)


class ProxyMiddleware:
    """ASGI middleware that takes `X-Forwarded-Prefix`, `-Proto` and `-Host` from trusted proxies, and from nobody else.

    A proxy may pass on the path with the prefix or without.

    Args:
        app: what is asked.
        trusted: where such proxies are.
        root_path: the prefix where no proxy says another one.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network], root_path: str) -> None:
        self.app = app
        self.trusted = trusted
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = dict(scope)
        prefix = self._forwarded(seen) if self.trusted and self._is_trusted(scope) else None
        prefix = self.root_path if prefix is None else prefix
        if prefix and scope["path"] == prefix:
            # The page is a folder: its links are relative to it.
            await RedirectResponse(f"{prefix}/", 308)(seen, receive, send)
            return
        if prefix:
            is_whole = scope["path"].startswith(f"{prefix}/")
            seen |= {"root_path": prefix, "path": scope["path"] if is_whole else prefix + scope["path"]}
        token = PREFIX.set(prefix)
        try:
            await self.app(seen, receive, send)
        finally:
            PREFIX.reset(token)

    def _is_trusted(self, scope: Scope) -> bool:
        try:
            sender = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(sender in network for network in self.trusted)

    @staticmethod
    def _forwarded(scope: Scope) -> str | None:
        """Change the scope to what the proxy says; the prefix, if it says one."""
        headers = Headers(scope=scope)
        scheme, host, prefix = (_last(headers, name) for name in ("proto", "host", "prefix"))
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme
        if host is not None and _HOST.fullmatch(host):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [*others, (b"host", host.encode("ascii"))]
        prefix = None if prefix is None else prefix.rstrip("/")
        return prefix if prefix is not None and _is_path(prefix) else None


def _last(headers: Headers, name: str) -> str | None:
    """What the nearest proxy says; what stands before it came from whoever asked that one."""
    given = headers.getlist(f"x-forwarded-{name}")
    return given[-1].rpartition(",")[2].strip() if given else None


def _is_path(prefix: str) -> bool:
    """Whether it is nothing, or segments with a slash before each."""
    before, *segments = prefix.split("/")
    return not before and all(map(_SEGMENT.fullmatch, segments))
