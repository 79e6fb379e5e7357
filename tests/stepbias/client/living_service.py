"""The API on a real port, over the store's twin, with a worker in a thread: a service that lives for one test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from api.app import create_app
from jobs.records import Queue
from jobs.settings import Settings
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from tests.stepbias.launcher.household import eventually
from worker.context import WorkerContext
from worker.perform import work_off


class LivingService:
    """Where the service is, and its worker: it works only while `at_work` is entered."""

    def __init__(self, url: str, context: WorkerContext) -> None:
        self.url = url
        self.context = context

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Do what waits, as a worker would."""
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                for queue in Queue:
                    work_off(queue, self.context)
                over.wait(0.01)

        thread = threading.Thread(target=work, name="worker")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def living_service() -> Iterator[LivingService]:
    """Serve until the block ends."""
    settings = Settings(redis_url=None)
    store = MemoryStore(settings)
    app = create_app(settings, store, MemoryDoorbell())
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        assert eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        context = WorkerContext(store=store, settings=settings, name="test")
        yield LivingService(f"http://127.0.0.1:{port}", context)
    finally:
        server.should_exit = True
        thread.join()


def small_spec(**changes: Any) -> dict[str, Any]:
    """An experiment of six runs on five samples that takes less than a second."""
    return {
        "name": "small",
        "tags": ["test"],
        "data": {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2},
        "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.3, 1.0]}},
        "optimizer": {
            "kind": "gradient_descent",
            "step_size": {"fractions_of_max_stable": [0.2, 0.5]},
            "warmup_steps": 100,
        },
        "stopping": {"loss_tolerance": 1e-6, "max_steps": 200000},
        "recording": {"points": 10},
    } | changes
