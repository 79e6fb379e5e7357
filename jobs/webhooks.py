"""Webhooks: where they may go, and how they are signed (Standard Webhooks, https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what stands before one

MOST_CHARACTERS: Final = 2000
"""Of an address."""

PAUSES: Final = (5.0, 30.0, 120.0, 300.0, 900.0, 1800.0)
"""Seconds before each further attempt: less than an hour together; then it is given up."""

MOST_ATTEMPTS: Final = 1 + len(PAUSES)

_PRINTED: Final = re.compile(r"[!-~]+")

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotAllowed(Exception):
    """A webhook does not go there; the message says why, and does not repeat the address."""


class AllowedHosts:
    """The hosts that a deployment lets be told.

    Args:
        named: names, addresses and networks with commas between; `*` is every host of a public address.
    """

    def __init__(self, named: str) -> None:
        self._names = {each.strip().lower() for each in named.split(",")} - {""}
        self._networks = [network for name in self._names if (network := _network(name)) is not None]

    def require_url(self, url: str) -> str:
        """The host of an address that may be told.

        Raises:
            NotAllowed: it is no http or https address, says who asks, or names a host that is not allowed.
        """
        try:
            parts = urlsplit(url)
            host, _ = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise NotAllowed("this is no address") from None
        is_printed = len(url) <= MOST_CHARACTERS and _PRINTED.fullmatch(url)
        if parts.scheme not in {"http", "https"} or not host or not is_printed:
            raise NotAllowed("an http or https address is wanted")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise NotAllowed("an address without a user, a password and a fragment is wanted")
        address = _address(host)
        if host not in self._names and "*" not in self._names and not (address and self._is_named(address)):
            raise NotAllowed("this deployment tells no such host (STEPBIAS_WEBHOOK_HOSTS)")
        if address:
            self.require_addresses([host])
        return host

    def require_addresses(self, addresses: Iterable[str]) -> None:
        """Return if connections may be made to all of them.

        Raises:
            NotAllowed: one is private, and not named.
        """
        for address in map(ipaddress.ip_address, addresses):
            plain = _meant(address)
            if not self._is_named(plain) and not _is_public(plain):
                raise NotAllowed("this is a private address, which is not named in STEPBIAS_WEBHOOK_HOSTS")

    def _is_named(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def may_tell(named: str, url: str) -> bool:
    """Whether who may tell these hosts may tell this address."""
    try:
        AllowedHosts(named).require_url(url)
    except NotAllowed:
        return False
    return True


def signing_key(secret: str) -> bytes:
    """The bytes that a secret stands for.

    Raises:
        ValueError: it is not `whsec_` and 24 to 64 bytes in base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"a secret is {SECRET_PREFIX} and 24 to 64 bytes in base64")
    return key


def signing_keys(secrets: str) -> list[bytes]:
    """The bytes that secrets with spaces between stand for: more than one while they are changed.

    Raises:
        ValueError: one of them is none, or there is none.
    """
    return [signing_key(each) for each in secrets.split() or [""]]


def signature(secrets: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`, a signature by each of the secrets: receivers look for one that they know.

    HMAC-SHA256 of id, seconds since the epoch and body, with dots between.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in signing_keys(secrets))
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _meant(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address carries, where a gateway would send on to it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: _Address) -> bool:
    """Reserved are also the forms of IPv4 addresses `::/96` and those of NAT64, `64:ff9b::/96` and `64:ff9b:1::/48`."""
    is_site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or is_site_local)


def _network(name: str) -> _Network | None:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        return None


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
