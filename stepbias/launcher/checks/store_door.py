"""What is spoken at the port of a store: TLS or plain text. Either is deaf for the other, and says nothing of it."""

import socket
import ssl
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from jobs.celery_doorbell import KEY_PREFIX
from jobs.connection import connect, vendor_errors
from jobs.errors import StoreRefused, StoreUnavailable
from jobs.settings import Settings

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


def events_refused(settings: Settings) -> str | None:
    """Why a worker cannot tell of its work on the store as its broker, and what is to be done; None where it can."""
    if not settings.celery_events or settings.broker_url is not None or settings.store_url is None:
        return None
    with suppress(StoreUnavailable), vendor_errors(), connect(settings.store_url, patience=0.0) as client:
        client.ping()
        try:
            with vendor_errors(), client.pubsub() as subscribed:
                subscribed.psubscribe(f"{KEY_PREFIX}/events-of-nobody")
                subscribed.get_message(timeout=_SECONDS)
        except StoreRefused:
            return (
                "STEPBIAS_CELERY_EVENTS needs a broker of its own, STEPBIAS_BROKER_URL: users of the store may neither "
                "publish nor subscribe"
            )
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
