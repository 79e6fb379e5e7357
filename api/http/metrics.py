"""What an operator's Prometheus asks for: requests of this process, and the state of the store."""

import time
from collections.abc import Iterator
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.errors import StoreUnavailable
from jobs.ports import Doorbell, Store
from jobs.records import Queue
from jobs.untold_ends import untellable

MEDIA_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The numbers of one process; a store has the same ones in each."""

    def __init__(self, store: Store, bell: Doorbell) -> None:
        self.answered = 0
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "stepbias_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "stepbias_http_request_seconds",
            "Seconds until an answer begins.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_StoreCollector(store, bell))
        # A child is looked up under a lock, and its labels are checked: once for each.
        self._counter, self._histogram = cache(self._requests.labels), cache(self._seconds.labels)

    def count(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """An answer has begun."""
        self.answered += 1
        self._counter(method if method in _METHODS else "other", route, str(status)).inc()
        self._histogram(route).observe(seconds)

    def page(self) -> bytes:
        """All of it as text; asks the store."""
        return generate_latest(self.registry)


class MetricsMiddleware:
    """ASGI middleware that counts answers by the template of their route, of which there are as many as in OpenAPI."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope["state"].get("route", "none")
                seconds = time.perf_counter() - begun
                self.metrics.count(method=scope["method"], route=route, status=message["status"], seconds=seconds)
            await send(message)

        await self.app(scope, receive, counted)


class _StoreCollector(Collector):
    """The state of the store at the moment somebody asks."""

    def __init__(self, store: Store, bell: Doorbell) -> None:
        self._store = store
        self._bell = bell

    def describe(self) -> Iterator[Metric]:
        """Nothing: it would ask the store as the process begins."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Every gauge; only that the store is away, where it is."""
        try:
            found = [*self._of_queues(), *self._of_store()]
        except StoreUnavailable:
            found = []
        yield GaugeMetricFamily("stepbias_store_up", "Whether the store answers.", value=float(bool(found)))
        rings = float(self._bell.trouble() is None)
        yield GaugeMetricFamily("stepbias_broker_up", "Whether the broker answers: workers are rung for.", value=rings)
        yield from found

    def _of_queues(self) -> Iterator[Metric]:
        names = {
            "workers": "Workers that have registered lately.",
            "idle_processes": "Their processes that have nothing to do.",
            "waiting_jobs": "Jobs that wait, of the first hundred experiments.",
            "untaken_seconds": "For so long work has waited and none was taken.",
            "demand": "For how many processes there is work: as many as jobs wait, and those that are at work.",
        }
        families = {
            name: GaugeMetricFamily(f"stepbias_queue_{name}", text, labels=("queue",)) for name, text in names.items()
        }
        for queue in Queue:
            found = self._store.look_around(queue)
            families["workers"].add_metric([queue], len(found.workers))
            families["idle_processes"].add_metric([queue], sum(worker.idle for worker in found.workers))
            families["waiting_jobs"].add_metric([queue], sum(each.jobs for each in found.waiting))
            longest = max((each.untaken_seconds for each in found.waiting), default=0.0)
            families["untaken_seconds"].add_metric([queue], longest)
            families["demand"].add_metric([queue], found.demand())
        yield from families.values()

    def _of_store(self) -> Iterator[Metric]:
        gauges = self._store.gauges()
        ended = CounterMetricFamily("stepbias_jobs_ended", "Jobs by how they ended.", labels=("end",))
        for state, count in gauges.jobs_ended.items():
            ended.add_metric([state], count)
        yield ended
        untold = sum(untellable(self._store).values())
        for name, text, value in (
            ("store_memory_bytes", "What the store takes.", gauges.memory),
            ("store_memory_limit_bytes", "What it may take; 0 is everything.", gauges.memory_limit),
            ("experiments", "Experiments that are stored.", gauges.experiments),
            ("experiments_unfinished", "Those that have not ended.", gauges.unfinished),
            ("untellable_ends", "Ends that wait to be told to a host that no living worker may tell.", untold),
            ("damaged_values", "Stored values that were found damaged in the last week.", len(self._store.damaged())),
        ):
            yield GaugeMetricFamily(f"stepbias_{name}", text, value=value)
