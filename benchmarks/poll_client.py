"""One process that sends a request again and again on one connection; by path, with the standard library alone.

A client that does more than write and read bytes takes longer than the servers that it is to measure.
"""

import json
import re
import socket
import sys
import time

NUMBER = b"@NUMBER@"
"""In a request, stands for a number of as many digits that no other of its requests has."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status of the answer and its body; raises where that is not told by its length."""
        self._socket.sendall(request)
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            self._more()
        head, status = self._read[:end], int(self._read[9:12])
        length = 0 if status in {204, 304} else int(_LENGTH.search(head)[1])  # type: ignore[index]  # it is told
        while len(self._read) < end + 4 + length:
            self._more()
        body, self._read = self._read[end + 4 : end + 4 + length], self._read[end + 4 + length :]
        return status, body

    def _more(self) -> None:
        received = self._socket.recv(1 << 18)
        if not received:
            raise ConnectionError("the server has hung up")
        self._read += received


def poll(port: int, request: bytes, *, seconds: float, interval: float, first: int) -> dict[str, object]:
    """Ask for so long, once in each interval or as fast as answers come; how long each took, and what failed.

    A request counts from the moment that it was due: one that is late because of the one before it is slow as well.
    """
    connection, taken, errors = Connection(port), [], 0
    begun = time.perf_counter()
    number, due = 0, begun
    while (due := begun + number * interval if interval else time.perf_counter()) < begun + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        status, _ = connection.ask(request.replace(NUMBER, b"%08d" % (first + number)))
        taken.append(time.perf_counter() - due)
        errors += status >= 400
        number += 1
    return {"taken": taken, "errors": errors, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    json.dump(poll(request=wanted.pop("request").encode("latin-1"), **wanted), sys.stdout)
