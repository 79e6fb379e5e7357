"""What is spoken at the port of a store: TLS or plain text. Either is deaf for the other, and says nothing of it."""

import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

_SECONDS: Final = 2.0


def other_language(url: str) -> str | None:
    """That the port speaks TLS where the address does not, or the other way round; None where that is not so."""
    where = urlsplit(url)
    try:
        with socket.create_connection((where.hostname or "localhost", where.port or 6379), _SECONDS) as door:
            if where.scheme == "redis" and _speaks_tls(door):
                return "the store speaks TLS at this port, and nothing else: its address begins with rediss://"
            if where.scheme == "rediss" and _speaks_plainly(door):
                return "the store speaks plain text at this port, and the address begins with rediss://"
    except (OSError, ValueError):
        # Nobody is there, or it is no address: others say so.
        pass
    return None


def _speaks_tls(door: socket.socket) -> bool:
    # Nothing is told to who answers: whom it is does not matter.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(door):
        return True


def _speaks_plainly(door: socket.socket) -> bool:
    door.sendall(b"PING\r\n")
    return door.recv(1)[:1] in {b"+", b"-"}
