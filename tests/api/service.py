"""A whole service in one process: the real application over the in-memory store, and a worker that is a method call."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from jobs.memory import MemorySender, MemoryStore
from starlette.testclient import TestClient
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.app import create_app
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.records import Claim, FinishedRun, JobKind, Message, NewJob, Queue, StoredRun
from jobs.settings import Settings

EXPERIMENTS = "/v1/experiments"


def spec(**parts: Any) -> dict[str, Any]:
    """A small valid spec of two runs, with the given parts in place of its own."""
    return {
        "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": {"values": [0.001, 0.002]}},
        **parts,
    }


class DrawingSender(MemorySender):
    """Draws each figure as it is announced, as a worker would: `figure` is what comes out, None a failure."""

    def __init__(self, figure: bytes | None) -> None:
        super().__init__()
        self.figure = figure
        self.store: MemoryStore | None = None
        self.drawn = 0

    @override
    def send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            super().send([message])
            self._work(message)

    def _work(self, message: Message | None) -> None:
        assert self.store is not None
        while message is not None:
            job = self.store.job(message.job_id)
            claim = self.store.claim(message.job_id, worker="drawer") if job and job.kind is JobKind.DRAW else None
            if claim is None:
                return
            message = self._draw(claim)

    def _draw(self, claim: Claim) -> Message | None:
        assert self.store is not None
        if self.figure is None:
            return self.store.fail(claim, "no ink")
        self.drawn += 1
        self.store.put_document(claim.job.payload["key"], self.figure)
        self.store.complete(claim)
        return None


@dataclass
class Service:
    """The application, what it talks to, and a client of it."""

    client: TestClient
    store: MemoryStore
    sender: MemorySender

    def get(self, path: str) -> httpx2.Response:
        """GET."""
        return self.client.get(path)

    def post(self, body: Any, path: str = EXPERIMENTS) -> httpx2.Response:
        """POST a JSON document."""
        return self.client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})

    def submit(self, **parts: Any) -> str:
        """Submit a spec; the id of its experiment."""
        response = self.post(spec(**parts))
        assert response.status_code in {200, 202}, response.text
        return str(response.json()["id"])

    def plan(self, experiment_id: str) -> str:
        """Plan the experiment, as a worker would: one training job for all runs, whose id is returned."""
        claim = self.store.claim(f"{experiment_id}.plan", worker="planner")
        assert claim is not None
        runs = list(Grid(ExperimentSpec.model_validate_json(self.store.spec(experiment_id))).runs())
        self.store.set_run_keys(claim, 0, [run.key for run in runs])
        job = f"{experiment_id}.train.0"
        self.store.add_jobs(claim, [NewJob(id=job, kind=JobKind.TRAIN, queue=Queue.BATCH, payload={})])
        self.store.complete(claim)
        return job

    def train(self, experiment_id: str, summaries: Sequence[dict[str, Any]]) -> None:
        """Plan the experiment and store these summaries for its first runs; it succeeds if they are all."""
        claim = self.store.claim(self.plan(experiment_id), worker="trainer")
        assert claim is not None
        grid = Grid(ExperimentSpec.model_validate_json(self.store.spec(experiment_id)))
        finished = [
            FinishedRun(
                index=index,
                run=StoredRun(
                    key=grid.run(index).key,
                    outcome=summary["outcome"],
                    summary=zlib.compress(json.dumps(summary).encode()),
                    arrays=b"",
                ),
            )
            for index, summary in enumerate(summaries)
        ]
        self.store.commit_runs(claim, finished)
        if len(finished) == len(grid):
            self.store.complete(claim)

    def fail(self, experiment_id: str) -> None:
        """Let the experiment's planning end in an error until its attempts are used up."""
        while (claim := self.store.claim(f"{experiment_id}.plan", worker="planner")) is not None:
            self.store.fail(claim, "the data set is degenerate")


def service(
    *, store: MemoryStore | None = None, sender: MemorySender | None = None, patience: float = 5.0, **settings: Any
) -> Service:
    """A service with these settings; the caller enters `client` as a context."""
    known = Settings(**settings)
    store = store or MemoryStore(known)
    sender = sender or MemorySender()
    if isinstance(sender, DrawingSender):
        sender.store = store
    app = create_app(known, store, sender, drawing_timeout=patience)
    return Service(client=TestClient(app), store=store, sender=sender)


def assert_problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer that must be one, of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:stepbias:problem:")
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response.headers["x-request-id"]
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    """Where the errors of a problem document point."""
    return [error["pointer"] for error in document["errors"]]
