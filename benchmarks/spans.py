"""The spans of a service, received as any collector of OpenTelemetry receives them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FLUSH_SECONDS: Final = 5.0
"""Spans are sent so seldom: what sends them takes time of the cores, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What a process did from `start` to `end`, in seconds since the epoch; the first of a trace has no `parent`."""

    name: str
    id: bytes
    parent: bytes
    process: int
    start: float
    end: float
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Collector:
    """Where spans are sent, and what has come."""

    port: int
    spans: list[Span] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a service is started with that is to send its spans here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": f"{1000 * FLUSH_SECONDS:.0f}",
        }

    def of_jobs(self, experiment_id: str) -> list[Span]:
        """The spans of all that was done for an experiment's jobs, and within them, by their beginnings."""
        found = {each.id for each in self.spans if each.attributes.get("stepbias.experiment_id") == experiment_id}
        jobs = {each.id for each in self.spans if each.id in found and "stepbias.job_id" in each.attributes}
        chosen = [each for each in self.spans if each.id in jobs or each.parent in jobs]
        return sorted(chosen, key=lambda each: (each.start, -each.end))


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, until the block ends."""
    collector: Collector

    class Received(BaseHTTPRequestHandler):
        """One request: a few spans of one process."""

        def do_POST(self) -> None:
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            collector.spans.extend(_spans(request))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: it is no server that anybody watches."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Received) as server:
        collector = Collector(port=server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        process = next(each.value.int_value for each in resource.resource.attributes if each.key == "process.pid")
        for scope in resource.scope_spans:
            for each in scope.spans:
                yield Span(
                    name=each.name,
                    id=each.span_id,
                    parent=each.parent_span_id,
                    process=process,
                    start=each.start_time_unix_nano / 1e9,
                    end=each.end_time_unix_nano / 1e9,
                    attributes={attribute.key: attribute.value.string_value for attribute in each.attributes},
                )
