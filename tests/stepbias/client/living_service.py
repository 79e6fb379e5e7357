"""The API on a real port, over a store in memory, with a worker in a thread: a service that lives for one test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from jobs.memory import MemorySender, MemoryStore

from api.app import create_app
from jobs.settings import Settings
from tests.stepbias.launcher.processes import eventually
from worker.context import WorkerContext
from worker.perform import perform


class LivingService:
    """Where the service is, and its worker: it works only while `at_work` is entered."""

    def __init__(self, url: str, context: WorkerContext, sender: MemorySender) -> None:
        self.url = url
        self.context = context
        self._sender = sender

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Do the jobs that are announced, as a worker would."""
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                message = self._sender.receive()
                if message is None:
                    over.wait(0.01)
                else:
                    perform(message.job_id, self.context)

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
    store, sender = MemoryStore(settings), MemorySender()
    app = create_app(settings, store, sender)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        assert eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        context = WorkerContext(store=store, sender=sender, settings=settings, name="test")
        yield LivingService(f"http://127.0.0.1:{port}", context, sender)
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
