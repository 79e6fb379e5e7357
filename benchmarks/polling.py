"""Load on an HTTP server from processes that cost less than it does."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, Self
from urllib.parse import urlencode

from benchmarks import poll_client

CLIENT: Final = Path(poll_client.__file__)


def request(method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> bytes:
    """A request as bytes, as an ordinary client sends it, with a JSON body if there is one."""
    content = b"" if body is None else json.dumps(body).encode()
    target = f"{path}?{urlencode(query)}" if query else path
    of_body = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n{of_body}"
    )
    return head.encode() + b"\r\n" + content


@dataclass(frozen=True, kw_only=True, slots=True)
class Polled:
    """What so many clients found.

    Attributes:
        taken: seconds that each answer took.
        rate: answers a second.
        errors: answers of status 400 and above.
    """

    taken: Sequence[float]
    rate: float
    errors: int

    @classmethod
    def of(cls, found: Sequence[Mapping[str, Any]]) -> Self:
        """What the clients report, together."""
        return cls(
            taken=[each for client in found for each in client["taken"]],
            rate=sum(len(client["taken"]) / client["seconds"] for client in found),
            errors=sum(client["errors"] for client in found),
        )

    def percentile(self, percent: int) -> float:
        """In milliseconds."""
        return 1e3 * quantiles(self.taken, n=100, method="inclusive")[percent - 1]


@contextmanager
def polling(
    port: int, asked: bytes, *, seconds: float, clients: int, rate: float = 0.0
) -> Iterator[list[subprocess.Popen[str]]]:
    """So many clients that ask at this rate together, 0 is as fast as they can; `polled` waits for them."""
    wanted = {"port": port, "request": asked.decode("latin-1"), "seconds": seconds}
    wanted["interval"] = clients / rate if rate else 0.0
    running = []
    for number in range(clients):
        client = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CLIENT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert client.stdin is not None
        client.stdin.write(json.dumps(wanted | {"first": (number + 1) * 10**7}))
        client.stdin.close()
        running.append(client)
    try:
        yield running
    finally:
        for client in running:
            client.kill()
            client.wait()


def polled(running: Sequence[subprocess.Popen[str]]) -> Polled:
    """What the clients have found, once they have."""
    found = []
    for client in running:
        assert client.stdout is not None
        found.append(json.loads(client.stdout.read()))
    return Polled.of(found)


def poll(port: int, asked: bytes, *, seconds: float, clients: int, rate: float = 0.0) -> Polled:
    """What so many clients find."""
    with polling(port, asked, seconds=seconds, clients=clients, rate=rate) as running:
        return polled(running)
