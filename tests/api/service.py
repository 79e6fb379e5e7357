"""A whole service in one process: the real application over the store's twin, and a worker that is a method call."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.testclient import TestClient
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.app import create_app
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.document_keys import figure_error_key
from jobs.records import Claim, FigureRequest, FinishedRun, NewJob, Queue, StoredRun
from jobs.settings import Settings
from tests.reference.memory_store import MemoryDoorbell, MemoryStore

EXPERIMENTS = "/v1/experiments"


def spec(**parts: Any) -> dict[str, Any]:
    """A small valid spec of two runs, with the given parts in place of its own."""
    return {
        "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": {"values": [0.001, 0.002]}},
        **parts,
    }


class DrawingBell(MemoryDoorbell):
    """Draws each figure as it is rung for, as a worker would: `figure` is what comes out, None a failure."""

    def __init__(self, figure: bytes | None) -> None:
        super().__init__()
        self.figure = figure
        self.store: MemoryStore | None = None
        self.drawn = 0
        self.asked: list[FigureRequest] = []

    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        super().ring(queue, times)
        assert self.store is not None
        while (request := self.store.next_figure()) is not None:
            if self.figure is None:
                self.store.put_document(figure_error_key(request.key), b"no ink", seconds=30.0)
            else:
                self.drawn += 1
                self.asked.append(request)
                self.store.put_document(request.key, self.figure)


@dataclass
class Service:
    """The application, what it talks to, and a client of it."""

    client: TestClient
    store: MemoryStore
    bell: MemoryDoorbell

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
        claim = self._claim(experiment_id, Queue.INTERACTIVE)
        runs = list(Grid(ExperimentSpec.model_validate_json(self.store.spec(experiment_id))).runs())
        self.store.set_run_keys(claim, 0, [run.key for run in runs])
        job = f"{experiment_id}.train.0"
        self.store.add_jobs(claim, [NewJob(id=job, queue=Queue.BATCH, payload={})])
        self.store.complete(claim)
        return job

    def train(self, experiment_id: str, summaries: Sequence[dict[str, Any]]) -> None:
        """Plan the experiment and store these summaries for its first runs; it succeeds if they are all."""
        self.plan(experiment_id)
        claim = self._claim(experiment_id, Queue.BATCH)
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
        """Let the experiment's planning end in an error that no attempt would escape."""
        claim = self._claim(experiment_id, Queue.INTERACTIVE)
        self.store.fail(claim, "the data set is degenerate", is_hopeless=True)

    def _claim(self, experiment_id: str, queue: Queue) -> Claim:
        """A claim to a job of this experiment; what waits before it is left claimed."""
        while True:
            claim = self.store.claim(queue, worker="worker")
            assert claim is not None
            if claim.job.experiment_id == experiment_id:
                return claim


def service(
    *, store: MemoryStore | None = None, bell: MemoryDoorbell | None = None, patience: float = 5.0, **settings: Any
) -> Service:
    """A service with these settings; the caller enters `client` as a context."""
    known = Settings(**settings)
    store = store or MemoryStore(known)
    bell = bell or MemoryDoorbell()
    if isinstance(bell, DrawingBell):
        bell.store = store
    app = create_app(known, store, bell, drawing_timeout=patience)
    return Service(client=TestClient(app), store=store, bell=bell)


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
