"""Traces of what the service does, from a request to the work that it caused, as OpenTelemetry has them.

Where neither `OTEL_EXPORTER_OTLP_ENDPOINT` nor `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, nothing is imported, and
nothing happens. A trace is carried from one process to another as a W3C `traceparent`: in the record of an experiment,
and in the request of a figure. The library reads its other settings (`OTEL_…`) itself.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

log = logging.getLogger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

SERVICE_NAME: Final = "stepbias"

_TRACEPARENT: Final = "traceparent"


@cache
def tracer() -> "Tracer | None":
    """What makes the spans of this process; None where no traces are wanted, or the library is not installed."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("no traces are sent: they need stepbias[otel]")
        return None
    resource = Resource({"service.name": SERVICE_NAME, "process.pid": os.getpid()}).merge(
        OTELResourceDetector().detect()
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(SERVICE_NAME)


@contextmanager
def span(name: str, *, parent: str = "", **ids: str) -> Iterator[None]:
    """A span as long as the block, a child of `parent`, a `traceparent`, or else of the span around it.

    `ids` are its attributes `stepbias.…`.
    """
    made_by = tracer()
    if made_by is None:
        yield
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({_TRACEPARENT: parent}) if parent else None
    attributes = {f"stepbias.{key}": value for key, value in ids.items()}
    with made_by.start_as_current_span(name, context=context, attributes=attributes):
        yield


def traceparent() -> str:
    """The present span, for another process to go on from; "" where there is none."""
    if tracer() is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carried: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carried)
    return carried.get(_TRACEPARENT, "")
