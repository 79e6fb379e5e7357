"""The proxy: what it lets pass, and how it fails on request."""

import contextlib
import random
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import HOST, Proxy, Rules


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Send back what comes."""
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(4096):
                self.request.sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy in front of a server that echoes."""
    with socketserver.ThreadingTCPServer((HOST, 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Proxy(lambda: server.server_address[1], random.Random(0)) as proxy:
            yield proxy
        server.shutdown()


@contextlib.contextmanager
def connected(proxy: Proxy) -> Iterator[socket.socket]:
    """A connection that has been used once, so that it leads all the way."""
    with socket.create_connection((HOST, proxy.port), timeout=10.0) as connection:
        assert echoed(connection, b"first") == b"first"
        yield connection


def echoed(connection: socket.socket, data: bytes) -> bytes:
    """What comes back of some bytes before the end of the connection, or its reset."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        connection.sendall(data)
        while len(answer) < len(data) and (piece := connection.recv(4096)):
            answer += piece
    return answer


@pytest.mark.parametrize("rules", [Rules(), Rules(trickles=True), Rules(delay=0.01)], ids=str)
def test_what_passes_passes_whole(proxy: Proxy, rules: Rules) -> None:
    """Late or in pieces, but all of it and in order."""
    data = bytes(range(256)) * 4
    with proxy.under(rules), connected(proxy) as connection:
        assert echoed(connection, data) == data


def test_dropped_connections_end_and_new_ones_do_not(proxy: Proxy) -> None:
    """Those that are open are reset."""
    with connected(proxy) as connection:
        assert proxy.drop(1.0) == 1
        assert echoed(connection, b"x") == b""
    with connected(proxy) as connection:
        assert echoed(connection, b"x") == b"x"


def test_held_packets_come_later(proxy: Proxy) -> None:
    """Nothing passes, nothing is closed; then everything does."""
    with connected(proxy) as connection:
        with proxy.under(Rules(held=True)):
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                echoed(connection, b"x")
        connection.settimeout(10.0)
        assert connection.recv(1) == b"x"


def test_a_half_open_connection_says_nothing_for_ever_and_others_work(proxy: Proxy) -> None:
    """Neither an answer nor an end."""
    with connected(proxy) as connection:
        assert proxy.freeze(1.0) == 1
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            echoed(connection, b"x")
        with connected(proxy) as other:
            assert echoed(other, b"x") == b"x"


def test_a_cut_reply_ends_in_its_middle(proxy: Proxy) -> None:
    """And the connection with it."""
    with connected(proxy) as connection, proxy.under(Rules(cut=1.0)):
        # A reset may overtake what was sent before it.
        assert echoed(connection, b"12345678") in {b"", b"1234"}


def test_refused_connections_end_at_once(proxy: Proxy) -> None:
    """Before anything passes."""
    with proxy.under(Rules(refused=True)), socket.create_connection((HOST, proxy.port), timeout=10.0) as connection:
        assert echoed(connection, b"x") == b""
