"""What the server itself refuses: as problem documents, and without a line in the log."""

import http.client
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from api.app import create_app
from jobs.settings import Settings
from stepbias.launcher import http_protocol
from stepbias.launcher.http_protocol import MOST_HEAD_BYTES, HttpProtocol
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from tests.stepbias.launcher.household import eventually


@pytest.fixture
def port() -> Iterator[int]:
    """Where the API answers, through the server of a deployment."""
    settings = Settings(redis_url=None)
    app = create_app(settings, MemoryStore(settings), MemoryDoorbell())
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=HttpProtocol, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def answer(connection: socket.socket) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and document of an answer, after which the connection is closed."""
    text = b""
    while piece := connection.recv(65_536):
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", maxsplit=1) for line in lines)
    assert int(headers["content-length"]) == len(body)
    return int(status.split(" ")[1]), headers, json.loads(body)


def refusal(port: int, *pieces: bytes) -> dict[str, Any]:
    """The problem with which a connection that sends this is ended."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        for piece in pieces:
            connection.sendall(piece)
        status, headers, document = answer(connection)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert document["status"] == status
    return document


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ((b"nonsense\r\n\r\n",), 400),
        ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",), 400),
        ((b"GET / HTTP/9.9\r\n\r\n",), 400),
        ((b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",), 400),
        ((b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * MOST_HEAD_BYTES + b"\r\n\r\n",), 431),
        ((b"GET /" + b"x" * MOST_HEAD_BYTES,), 431),
    ],
)
def test_what_is_no_request_is_a_problem(
    port: int, pieces: tuple[bytes, ...], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """And nobody can fill the log with it."""
    with caplog.at_level(logging.INFO):
        assert refusal(port, *pieces)["status"] == status
    assert "Invalid" not in caplog.text


def test_a_head_that_does_not_come_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the next one on a connection that goes on; who says nothing at all is told nothing."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    assert refusal(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")["status"] == 408
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"alive"}'
        assert connection.sock is not None
        connection.sock.sendall(b"GET /heal")
        assert answer(connection.sock)[0] == 408
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as silent:
        assert silent.recv(10) == b""


def test_more_connections_than_may_be_are_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a time to come back; those that are there are served."""
    monkeypatch.setattr(HttpProtocol, "most_connections", 1)
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"alive"}'
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as second:
            status, headers, _ = answer(second)
        assert (status, headers["retry-after"]) == (503, "5")
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200


def test_who_wants_to_speak_something_else_is_answered_in_http(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """There are no web sockets here."""
    wish = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection), caplog.at_level(logging.INFO):
        connection.request("GET", "/healthz", headers=wish)
        assert connection.getresponse().status == 200
    assert "pgrade" not in caplog.text
