"""Traces go from a request to the work that it causes, where they are wanted, and cost nothing elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from jobs import tracing
from jobs.records import Queue
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, Service, service, spec
from worker.context import WorkerContext
from worker.perform import work_off

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is exported in this process."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("jobs.tracing.tracer", lambda: provider.get_tracer("test"))
    monkeypatch.setattr("worker.perform.tracer", tracing.tracer)
    yield exporter
    provider.shutdown()


def worked_off(one: Service) -> None:
    """Whatever waits is done by a worker in this thread, in which no span is open."""
    work_off(Queue.INTERACTIVE, WorkerContext(store=one.store, settings=Settings(), name="w", tiny_seconds=0.0))


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    """The one span of that name."""
    (found,) = (each for each in spans.get_finished_spans() if each.name == name)
    return found


def test_a_trace_goes_from_the_caller_through_the_request_to_every_job(spans: InMemorySpanExporter) -> None:
    """Each a child of the request, in the trace of the caller, with the ids of what it is about."""
    one = service()
    with one.client:
        answer = one.client.post(EXPERIMENTS, json=spec(stopping={"max_steps": 50}), headers={"traceparent": CALLER})
        identifier = answer.json()["id"]
        worked_off(one)
    request, plan, batch = (named(spans, name) for name in ("request POST", "plan", "batch"))
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == CALLER.split("-")[2]
    for each in (plan, batch):
        assert each.parent is not None
        assert each.parent.span_id == request.context.span_id
        assert each.attributes is not None
        assert each.attributes["stepbias.experiment_id"] == identifier
    assert plan.attributes is not None
    assert plan.attributes["stepbias.job_id"] == f"{identifier}.plan"
    assert request.attributes is not None
    assert request.attributes["stepbias.request_id"] == answer.headers["X-Request-ID"]
    assert {f"{each.context.trace_id:032x}" for each in spans.get_finished_spans()} == {CALLER.split("-")[1]}


def test_a_figure_is_drawn_in_the_trace_of_who_asked_for_it(spans: InMemorySpanExporter) -> None:
    """Not in that of who submitted the experiment."""
    one = service(patience=0.05)
    with one.client:
        identifier = one.submit(stopping={"max_steps": 50})
        worked_off(one)
        one.client.get(f"{EXPERIMENTS}/{identifier}/figures/risk.svg", headers={"traceparent": CALLER})
        worked_off(one)
    draw = named(spans, "draw")
    assert f"{draw.context.trace_id:032x}" == CALLER.split("-")[1]
    assert draw.attributes is not None
    assert (draw.attributes["stepbias.experiment_id"], draw.attributes["stepbias.figure"]) == (identifier, "risk")


def test_a_caller_whose_trace_makes_no_sense_gets_one_of_its_own(spans: InMemorySpanExporter) -> None:
    """As if it had sent none."""
    one = service()
    with one.client:
        assert one.client.get(EXPERIMENTS, headers={"traceparent": "nonsense"}).status_code == 200
    assert named(spans, "request GET").parent is None


@pytest.mark.parametrize(("endpoint", "is_imported"), [("", False), ("http://127.0.0.1:1", True)])
def test_nothing_is_imported_where_nothing_is_traced(endpoint: str, *, is_imported: bool) -> None:
    """In processes of their own."""
    told = "print(tracing.traceparent() != '', 'opentelemetry' in sys.modules)"
    program = f"import sys\nfrom jobs import tracing\nwith tracing.span('a'): {told}"
    known = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment = known | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SDK_DISABLED": "false"}
    asked = [sys.executable, "-c", f"{program}\nimport os; sys.stdout.flush(); os._exit(0)"]
    answer = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(is_imported)] * 2
