"""What a timeline tells of the spans of a service."""

import urllib.request

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.report import SECTIONS
from benchmarks.spans import Span, collecting
from benchmarks.timeline import timelines, told

NOBODY = b""
BEGUN = 1_800_000_000.0


def span(name: str, start: float, end: float, *, parent: bytes = NOBODY, process: int = 1) -> Span:
    """What a process did, in milliseconds since the submission."""
    ids = {"stepbias.experiment_id": "e", "stepbias.job_id": name} if parent == NOBODY else {}
    return Span(
        name=name,
        id=f"{name} {start} {process}".encode(),
        parent=parent,
        process=process,
        start=BEGUN + start / 1e3,
        end=BEGUN + end / 1e3,
        attributes=ids,
    )


def spans() -> list[Span]:
    """Those of a plan and of three batches of two workers, by their beginnings."""
    plan, one, two = span("plan", 10, 40, process=9), span("batch", 50, 150), span("batch", 160, 190)
    other = span("batch", 60, 200, process=2)
    found = [
        *(plan, span("analyse", 12, 32, parent=plan.id, process=9)),
        *(one, span("begin", 55, 60, parent=one.id), span("commit", 100, 110, parent=one.id)),
        *(span("complete", 145, 150, parent=one.id), two, span("begin", 161, 165, parent=two.id)),
        *(span("complete", 186, 190, parent=two.id), other, span("begin", 61, 70, parent=other.id, process=2)),
        span("complete", 195, 200, parent=other.id, process=2),
    ]
    return sorted(found, key=lambda each: each.start)


def test_every_moment_of_a_worker_is_of_one_stretch() -> None:
    """From the submission to the end of the experiment, without a hole, each named by what it is."""
    plan, workers = timelines(spans(), BEGUN, 0.2)
    assert [(what, round(at), round(ms)) for what, at, ms in plan] == [("plan", 10, 30), ("analyse", 12, 20)]
    one, other = workers.values()
    assert [(each.what, round(each.start), round(each.end)) for each in one] == [
        *(("before", 0, 50), ("begin", 50, 60), ("train", 60, 100), ("store", 100, 110), ("train", 110, 145)),
        *(("store", 145, 150), ("between", 150, 160)),
        *(("begin", 160, 165), ("train", 165, 186), ("store", 186, 190), ("after", 190, 200)),
    ]
    assert [each.what for each in other] == ["before", "begin", "train", "store", "after"]
    assert other[-1].ms == pytest.approx(0.0, abs=1e-3)


def test_waits_are_told_of_that_are_longer_than_five_milliseconds() -> None:
    """And a column of the picture is what most of it went to; all of it has a place on the page."""
    numbers = told(*timelines(spans(), BEGUN, 0.2), 0.2)
    assert [(gap["worker"], gap["what"], round(gap["ms"])) for gap in numbers["gaps"] if gap["ms"] > 5.1] == [
        *(("worker 1", "before", 50), ("worker 1", "store", 10), ("worker 1", "between", 10)),
        *(("worker 1", "after", 10), ("worker 2", "before", 60)),
    ]
    plan, one, other = numbers["picture"]
    assert (len(one), one[9], one[-1], other[-1], plan[9:].count("p")) == (9 + 110, ".", ".", "s", 17)
    assert one.count("#") == round(110 * (40 + 35 + 21) / 200)
    machine = {"date": "", "processor": "", "cores": 2, "vector_sets": [], "system": "", "python": "", "kernel": ""}
    page = SECTIONS["timeline"](numbers | {"machine": machine})
    assert one in page
    assert "| worker 1 | 2 | 96 | 15 | 19 | 50 | 10 | 10 |" in page
    assert "analyse 20" in page


def test_a_collector_has_what_is_sent_to_it() -> None:
    """Of the jobs of one experiment, with what was done within them."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="process.pid").value.int_value = 7
    scope = resource.scope_spans.add()
    for name, identity, parent, experiment in (
        ("batch", b"1", b"", "e"),
        ("commit", b"2", b"1", ""),
        ("batch", b"3", b"", "f"),
    ):
        sent = scope.spans.add(name=name, span_id=identity, parent_span_id=parent)
        sent.start_time_unix_nano, sent.end_time_unix_nano = 10**18, 10**18 + 10**9
        for key in ("stepbias.experiment_id", "stepbias.job_id") if experiment else ():
            sent.attributes.add(key=key).value.string_value = experiment
    with collecting() as collector:
        address = f"{collector.environment['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces"
        urllib.request.urlopen(urllib.request.Request(address, request.SerializeToString()), timeout=10).close()
        found = collector.of_jobs("e")
    assert [(each.name, each.process, each.end - each.start) for each in found] == [
        ("batch", 7, 1.0),
        ("commit", 7, 1.0),
    ]
