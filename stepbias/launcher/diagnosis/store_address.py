"""How far one comes on the way to a store: its address, its name, its port, its protocol."""

import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, urlsplit

PATIENCE: Final = 3.0
"""Seconds for each step of the way."""

DEFAULT_PORT: Final = 6379

Obstacle = tuple[str, str]
"""What is there instead, and what to type."""

_FORM: Final = (
    "Write it as redis://USER:PASSWORD@HOST:6379/0, or rediss://… for TLS. In a user or password @ : / # ? % and "
    "spaces are percent codes: python3 -c 'from urllib.parse import quote; print(quote(input(), safe=str()))'"
)


_DATABASE: Final = re.compile(r"(?:/[0-9]*)?", re.ASCII)


def without_password(url: str) -> str:
    """The address as it may be shown: of what cannot be read nobody knows where the password is."""
    try:
        parts, _ = _read(url)
    except ValueError:
        return f"{url.partition('://')[0]}://…" if "@" in url else url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def obstacle(url: str) -> Obstacle | None:
    """What is in the way before the first command; None where something takes the connection."""
    try:
        parts, port = _read(url)
    except ValueError as error:
        return f"is no address of a store: {error}", _FORM
    if parts.scheme == "unix":
        return _refusal(lambda: _unix(parts.path), parts.path)
    host = parts.hostname or ""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return (
            f"cannot be found: no address is known for {host}",
            f"Correct the name; here `getent hosts {host}` has to print an address.",
        )
    return _refusal(lambda: socket.create_connection((host, port), PATIENCE), f"{host}:{port}")


def misunderstanding(url: str) -> Obstacle | None:
    """Whether one side speaks TLS and the other does not."""
    parts, port = _read(url)
    host = parts.hostname or ""
    if parts.scheme == "redis" and _speaks_tls(host, port):
        return "speaks TLS, and the address says that it does not", "Write rediss:// in place of redis://."
    if parts.scheme == "rediss" and _speaks_plainly(host, port):
        remedy = "Turn TLS on at the server (tls-port, tls-cert-file, tls-key-file); write redis:// only where nobody "
        return "does not speak TLS, and the address says that it does", f"{remedy}else can listen."
    return None


CERTIFICATES: Final = (
    (
        "hostname mismatch",
        "has a certificate for another name",
        "Use the name that is in the certificate, or have one made for this name.",
    ),
    (
        "ip address mismatch",
        "has a certificate for another address",
        "Use the name that is in the certificate, or have one made for this address.",
    ),
    ("has expired", "has a certificate that has expired", "Renew it; if it should be valid, look at the clock: date"),
    ("not yet valid", "has a certificate that is not valid yet", "Look at the clock: date"),
    (
        "self-signed",
        "has a certificate that nobody known here has signed",
        "Name who has: append ?ssl_ca_certs=/path/to/ca.pem to the address.",
    ),
    (
        "self signed",
        "has a certificate that nobody known here has signed",
        "Name who has: append ?ssl_ca_certs=/path/to/ca.pem to the address.",
    ),
    (
        "unable to get local issuer",
        "has a certificate that nobody known here has signed",
        "Name who has: append ?ssl_ca_certs=/path/to/ca.pem to the address.",
    ),
    (
        "certificate required",
        "wants a certificate of its clients",
        "Append ?ssl_certfile=/path/to/client.pem&ssl_keyfile=/path/to/client.key to the address.",
    ),
)
"""What the library says, by a part of it; what it means; what to do."""


def of_certificate(reason: str) -> Obstacle | None:
    """What is wrong with a certificate, by what the library says of it."""
    return next(((text, remedy) for part, text, remedy in CERTIFICATES if part in reason.lower()), None)


def _read(url: str) -> tuple[SplitResult, int]:
    """The parts of an address, and its port.

    Raises:
        ValueError: it is none; the password is not repeated.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        raise ValueError("host and port cannot be read") from None
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(f"it begins with {parts.scheme or 'nothing'}:// and not with redis://, rediss:// or unix://")
    if parts.scheme != "unix" and not parts.hostname:
        raise ValueError("it names no host")
    if parts.fragment or (parts.scheme != "unix" and not _DATABASE.fullmatch(parts.path)):
        raise ValueError("after host and port stands something else than the number of a database")
    return parts, port


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


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    # Whoever it is: that something speaks TLS is all that is asked, and nothing is sent.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError), socket.create_connection((host, port), PATIENCE) as raw, context.wrap_socket(raw):
        return True
    return False


def _speaks_plainly(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), PATIENCE) as plain:
        plain.sendall(b"PING\r\n")
        return plain.recv(1) in {b"+", b"-"}
    return False
