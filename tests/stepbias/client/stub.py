"""A service that answers by a script, and a clock that passes only while somebody sleeps."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx2

from stepbias import Client

Answer = httpx2.Response | Exception
ADDRESS = "http://stepbias.test"


class FakeClock:
    """A clock for tests; `slept` lists the pauses."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        """The sum of the pauses."""
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Remember a pause instead of making it."""
        self.slept.append(seconds)


class ScriptedService:
    """Answers one request after another by the script; its last answer is given for ever."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.clock = FakeClock()

    def client(self, *, patience: float = 60.0) -> Client:
        """A client of this service."""
        return Client(ADDRESS, patience=patience, transport=httpx2.MockTransport(self._answer), clock=self.clock)

    @property
    def lines(self) -> list[str]:
        """Method and target of every request."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def experiment(status: str = "running", **changes: Any) -> dict[str, Any]:
    """The service's description of an experiment."""
    finished = status in {"succeeded", "failed", "cancelled"}
    return {
        "id": "e1",
        "name": "a sweep",
        "tags": ["thesis"],
        "status": status,
        "counts": {
            "runs": {"total": 20, "done": 20 if status == "succeeded" else 5, "reused": 2},
            "jobs": {"total": 4, "done": 1, "running": 1, "dead": 0},
        },
        "outcomes": {"converged": 5},
        "progress": 1.0 if finished else 0.25,
        "eta_seconds": None if finished else 12.5,
        "created_at": "2030-01-01T00:00:00Z",
        "finished_at": "2030-01-01T00:01:00Z" if finished else None,
        "error": None,
        "links": {"self": "/v1/experiments/e1"},
    } | changes


def ok(document: Any, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """A successful answer."""
    return httpx2.Response(200, json=document, headers=headers)


def problem(status: int, title: str, headers: Mapping[str, str] | None = None, **members: Any) -> httpx2.Response:
    """A problem document (RFC 9457)."""
    return httpx2.Response(
        status,
        json={"status": status, "title": title} | members,
        headers={"Content-Type": "application/problem+json"} | dict(headers or {}),
    )


def refused() -> httpx2.ConnectError:
    """What a service that is not there answers."""
    return httpx2.ConnectError("Connection refused")
