"""How far one comes on the way to a store: its address, its name, its port, its protocol."""

import socket
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from jobs.settings import BROKERS, STORES, is_address

PATIENCE: Final = 3.0
"""Seconds for each step of the way."""

DEFAULT_PORT: Final = 6379

Obstacle = tuple[str, str]
"""What is there instead, and what to type."""

_FORM: Final = (
    "Write it as redis://USER:PASSWORD@HOST:6379/0, or rediss://… for TLS. In a user or password @ : / # ? % and "
    "spaces are percent codes: python3 -c 'from urllib.parse import quote; print(quote(input(), safe=str()))'"
)


def without_password(url: str) -> str:
    """The address as it may be shown: of what cannot be read nobody knows where the password is."""
    if not is_address(url, (*STORES, *BROKERS)):
        return f"{url.partition('://')[0]}://…" if "@" in url else url
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def obstacle(url: str) -> Obstacle | None:
    """What is in the way before the first command; None where something takes the connection."""
    if not is_address(url, STORES):
        return "is no address of a store", _FORM
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return _refusal(lambda: _unix(parts.path), parts.path)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return (
            f"cannot be found: no address is known for {host}",
            f"Correct the name; here `getent hosts {host}` has to print an address.",
        )
    return _refusal(lambda: socket.create_connection((host, port), PATIENCE), f"{host}:{port}")


def _refusal(connect: Callable[[], socket.socket], where: str) -> Obstacle | None:
    start = "Start it, or correct the address; unset, `stepbias up` brings a server of its own."
    try:
        connect().close()
    except TimeoutError:
        remedy = f"Nothing came back from {where} in {PATIENCE:g} s: a firewall is in the way, or the host is down."
        return "does not answer", f"{remedy} {start}"
    except OSError as error:
        return "does not answer", f"{error.strerror or error} at {where}: no server listens there. {start}"
    return None


def _unix(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.settimeout(PATIENCE)
    try:
        found.connect(path)
    except OSError:
        found.close()
        raise
    return found
