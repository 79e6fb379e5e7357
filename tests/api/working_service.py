"""The application over a store of either kind, and a real worker that does what waits when it is told to."""

from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.testclient import TestClient

from api.app import create_app
from core.array_block import unpack_arrays
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.ports import Store
from jobs.records import Queue
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS
from tests.reference.memory_store import MemoryDoorbell
from worker.context import WorkerContext
from worker.perform import work_off


@dataclass
class WorkingService:
    """The application, its store, and a client of it."""

    client: TestClient
    store: Store
    settings: Settings

    @classmethod
    def over(cls, store: Store, settings: Settings) -> "WorkingService":
        """A service over the store."""
        return cls(TestClient(create_app(settings, store, MemoryDoorbell())), store, settings)

    def submit(self, spec: dict[str, Any]) -> str:
        """Where a new experiment is."""
        response = self.client.post(EXPERIMENTS, json=spec)
        assert response.status_code == 202, response.text
        return f"{EXPERIMENTS}/{response.json()['id']}"

    def work_off(self) -> None:
        """Do every job."""
        context = WorkerContext(store=self.store, settings=self.settings, name="worker")
        for queue in Queue:
            work_off(queue, context)

    def done(self, spec: dict[str, Any]) -> str:
        """Where an experiment is that is finished."""
        place = self.submit(spec)
        self.work_off()
        return place

    def get(self, path: str) -> httpx2.Response:
        """GET."""
        return self.client.get(path)

    def document(self, path: str) -> dict[str, Any]:
        """The JSON at the path."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def grid(self, place: str) -> Grid:
        """The grid of an experiment."""
        return Grid(ExperimentSpec.model_validate_json(self.store.spec(place.rpartition("/")[2])))

    def stored(self, place: str, index: int) -> dict[str, Any]:
        """The arrays of a run as the store has them."""
        run = self.store.run(place.rpartition("/")[2], index)
        assert run is not None
        return unpack_arrays(run.arrays)
