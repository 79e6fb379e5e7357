"""What the client asks for, and how it hands over the answers."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import httpx2
import pytest

import stepbias as sb
from stepbias import Client, ExperimentHandle, ServiceUnreachable
from tests.stepbias.client.stub import ScriptedService, experiment, ok, problem


def test_a_document_a_file_and_bytes_are_sent_as_json(tmp_path: Path) -> None:
    """Files and bytes travel unchanged: the service judges them, and its pointers fit."""
    file = tmp_path / "spec.json"
    file.write_bytes(b'{"name":  "x"}')
    service = ScriptedService([httpx2.Response(202, json=experiment("planning"))])
    client = service.client()
    for spec in ({"name": "x"}, file, str(file), b"no json"):
        assert client.submit(spec).status == "planning"
    assert [request.content for request in service.requests] == [
        b'{"name": "x"}',
        b'{"name":  "x"}',
        b'{"name":  "x"}',
        b"no json",
    ]
    assert {request.headers["content-type"] for request in service.requests} == {"application/json"}
    assert set(service.lines) == {"POST /v1/experiments"}


def test_a_document_with_nan_is_not_sent() -> None:
    """JSON has no NaN."""
    service = ScriptedService([ok(experiment())])
    with pytest.raises(ValueError, match="/data/mean: nan is no finite number"):
        service.client().submit({"data": {"mean": float("nan")}})
    assert not service.requests


class _CutOff(httpx2.SyncByteStream):
    """An answer that ends before its end."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"index,"
        raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")


def test_results_are_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    """An answer that is cut off is asked for again; what was there stays where no whole one comes."""
    cut = httpx2.Response(200, stream=_CutOff())
    service = ScriptedService([ok(experiment()), cut, httpx2.Response(200, content=b"index,outcome\r\n")])
    handle = service.client().experiment("e1")
    file = tmp_path / "runs.csv"
    assert handle.save_results(file) == file
    assert service.lines[1:] == ["GET /v1/experiments/e1/results.csv"] * 2
    hopeless = ScriptedService([ok(experiment()), *(httpx2.Response(200, stream=_CutOff()) for _ in range(100))])
    with pytest.raises(ServiceUnreachable):
        hopeless.client().experiment("e1").save_results(file, format="ndjson")
    assert hopeless.lines[1] == "GET /v1/experiments/e1/results.ndjson"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"runs.csv": b"index,outcome\r\n"}


@pytest.mark.parametrize(("name", "form"), [("rr", None), ("runs.xlsx", None), ("runs.csv", "CSV "), (".csv", None)])
def test_results_of_a_format_that_there_is_not_are_asked_of_nobody(tmp_path: Path, name: str, form: str | None) -> None:
    """The formats that there are are named."""
    service = ScriptedService([ok(experiment())])
    handle = service.client().experiment("e1")
    with pytest.raises(sb.UnusableValue, match="format: results are saved as json, csv, ndjson, parquet, npz, and not"):
        handle.save_results(tmp_path / name, format=form)
    assert len(service.requests) == 1
    assert not list(tmp_path.iterdir())


def test_every_page_is_read_as_it_is_needed() -> None:
    """The address of the next page is followed as it stands, relative or absolute, below a prefix or not."""
    service = ScriptedService(
        [
            ok({"experiments": [experiment(id="a"), experiment(id="b")]}, {"Link": '<?cursor=c%3D%3D>; rel="next"'}),
            ok(
                {"experiments": [experiment(id="c")]},
                {"Link": '<http://stepbias.test/v1/experiments?cursor=d>; rel="next", </v1>; rel="up"'},
            ),
            ok({"experiments": []}),
        ]
    )
    found = service.client().experiments(status="running", page_size=2)
    assert next(found).id == "a"
    assert len(service.requests) == 1
    assert [handle.id for handle in found] == ["b", "c"]
    assert service.lines == [
        "GET /v1/experiments?status=running&limit=2",
        "GET /v1/experiments?cursor=c%3D%3D",
        "GET /v1/experiments?cursor=d",
    ]


def test_runs_and_problems_come_from_all_pages() -> None:
    """An entry is the service's own JSON object."""
    runs = [{"index": index, "summary": None} for index in range(2)]
    pages = [
        ok({"runs": runs[:1]}, {"Link": '</v1/experiments/e1/runs?cursor=1>; rel="next"'}),
        ok({"runs": runs[1:]}),
    ]
    analyses = ok({"problems": [{"index": 0, "analysis": None}]})
    handle = ScriptedService([ok(experiment()), *pages, analyses]).client().experiment("e1")
    assert list(handle.runs()) == runs
    assert handle.analysis() == [{"index": 0, "analysis": None}]


def test_null_is_nan_at_any_depth() -> None:
    """So that every array is one of numbers; what else an answer may be is not the service's."""
    nothing = {"coords": {}, "data_vars": {"X": {"data": [[1.0, None], [2, 3.5]]}}}
    service = ScriptedService([ok(experiment()), ok(nothing), ok(nothing), ok({"data": []}), ok([1])])
    handle = service.client().experiment("e1")
    assert str(handle.arrays(3)) == "{'X': [[1.0, nan], [2, 3.5]]}"
    for read in (handle.trajectory, handle.data, handle.interpolators):
        with pytest.raises(ServiceUnreachable, match="not as stepbias does"):
            read(0)
    assert service.lines[1:] == [
        "GET /v1/experiments/e1/runs/3/arrays",
        "GET /v1/experiments/e1/runs/0/trajectory",
        "GET /v1/experiments/e1/analysis/0/data",
        "GET /v1/experiments/e1/analysis/0/interpolators",
    ]


def test_a_figure_that_is_being_drawn_is_waited_for() -> None:
    """503 with Retry-After means: soon."""
    drawing = problem(503, "Being drawn", {"Retry-After": "2"})
    service = ScriptedService([ok(experiment()), drawing, drawing, httpx2.Response(200, content=b"\x89PNG")])
    handle = service.client().experiment("e1")
    assert handle.figure("phase diagram", "svg") == b"\x89PNG"
    assert service.clock.slept == [2.0, 2.0]
    assert service.lines[-1] == "GET /v1/experiments/e1/figures/phase%20diagram.svg"


def test_each_part_of_an_experiment_has_its_address() -> None:
    """What is None is left to the service; ids cannot leave their place in the path."""
    parts = {"problems": [], "dims": {}, "coords": {}, "data_vars": {}, "curves": []}
    service = ScriptedService([ok(experiment(id="../e1") | parts)])
    handle = service.client().experiment("../e1")
    handle.results()
    handle.read("results")
    handle.analysis()
    handle.curves()
    handle.curves(x="step_size", over="seed", where={"depth": 2}, points=9)
    handle.cancel()
    handle.retry()
    handle.refresh()
    handle.delete()
    assert service.lines == [
        "GET /v1/experiments/..%2Fe1",
        "GET /v1/experiments/..%2Fe1/results",
        "GET /v1/experiments/..%2Fe1/results",
        "GET /v1/experiments/..%2Fe1/analysis",
        "GET /v1/experiments/..%2Fe1/curves",
        "GET /v1/experiments/..%2Fe1/curves?x=step_size&over=seed&points=9&where.depth=2",
        "POST /v1/experiments/..%2Fe1/cancel",
        "POST /v1/experiments/..%2Fe1/retry",
        "GET /v1/experiments/..%2Fe1",
        "DELETE /v1/experiments/..%2Fe1",
    ]


def test_orders_update_the_handle() -> None:
    """After a cancel the handle knows it."""
    service = ScriptedService([ok(experiment()), ok(experiment("cancelling"))])
    handle = service.client().experiment("e1")
    assert handle.cancel().status == handle.status == "cancelling"
    assert repr(handle) == "<experiment e1: cancelling, 5 of 20>"


def test_presets_are_documents_to_submit() -> None:
    """A preset is plain JSON: it can be changed and sent."""
    service = ScriptedService([ok({"name": "figure-1", "data": {}}), ok(experiment("queued"))])
    with service.client() as client:
        client.submit(client.preset("figure-1", size="demo"))
    assert service.lines == ["GET /v1/presets/figure-1?size=demo", "POST /v1/experiments"]
    assert json.loads(service.requests[-1].content) == {"name": "figure-1", "data": {}}


def test_filters_are_sent_as_they_are_repeated() -> None:
    """Times by their offset; what is not asked for is left out."""
    service = ScriptedService([ok({"experiments": []})])
    since = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))
    assert not list(service.client().experiments(status=["failed", "cancelled"], tag="a", name="ö", since=since))
    (request,) = service.requests
    assert request.url.params.multi_items() == [
        ("status", "failed"),
        ("status", "cancelled"),
        ("tag", "a"),
        ("name", "ö"),
        ("since", "2026-01-31T12:00:00+01:00"),
    ]


def test_an_edit_has_what_is_given() -> None:
    """Nothing in place of what is not."""
    service = ScriptedService([ok(experiment(notes="n", tags=["a"]))])
    handle = service.client().experiment("e1")
    assert handle.edit(tags=("a",), notes="").notes == "n"
    request = service.requests[1]
    assert (request.method, json.loads(request.content)) == ("PATCH", {"tags": ["a"], "notes": ""})
    assert request.headers["content-type"] == "application/merge-patch+json"


TOLD: dict[str, Callable[..., object]] = {
    "edit": lambda handle, **seen: handle.edit(name="x", **seen),
    "cancel": lambda handle, **seen: handle.cancel(**seen),
    "retry": lambda handle, **seen: handle.retry(**seen),
    "delete": lambda handle, **seen: handle.delete(**seen),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told_may_be_told_to_what_was_seen_alone(name: str) -> None:
    """Under one key, for what is sent again would find what it has changed; without a tag nothing is said of it."""
    seen = httpx2.Response(200, json=experiment(), headers={"ETag": '"seen"'})
    service = ScriptedService([seen, httpx2.ReadError("lost"), ok(experiment()), ok(experiment()), seen])
    handle = service.client().experiment("e1")
    TOLD[name](handle, if_match=handle.etag)
    TOLD[name](handle)
    first, again, other = service.requests[1:]
    assert first.headers["if-match"] == again.headers["if-match"] == '"seen"'
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert "if-match" not in other.headers
    handle.refresh()
    assert handle.etag == '"seen"'


def test_what_was_told_is_not_what_was_seen() -> None:
    """There is no tag of it before it is read."""
    service = ScriptedService([httpx2.Response(202, json=experiment(), headers={"ETag": '"seen"'}), ok(experiment())])
    client = service.client()
    assert client.submit({}).etag is None
    handle = client.experiment("e1")
    handle.etag = '"seen"'
    handle.edit(name="x")
    assert handle.etag is None


def test_what_must_not_be_done_twice_is_sent_again_under_one_key() -> None:
    """A deletion of which the answer was lost; another one has another key."""
    lost, done = httpx2.ReadError("lost"), httpx2.Response(204)
    busy = problem(409, "Busy", type="urn:stepbias:problem:still-answering")
    service = ScriptedService([ok(experiment()), lost, busy, done])
    handle = service.client().experiment("e1")
    handle.delete()
    handle.delete()
    keys = [request.headers["idempotency-key"] for request in service.requests[1:]]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_wishes_are_sent_beside_the_spec() -> None:
    """And left out where there are none."""
    service = ScriptedService([httpx2.Response(202, json=experiment("planning", tags_added=["a"]))])
    client = service.client()
    handle = client.submit({}, order="shuffled", stop_at_first_failure=True, priority="batch", webhook="http://a.b/x")
    client.submit({})
    assert handle.experiment.tags_added == ("a",)
    assert service.lines == [
        "POST /v1/experiments?order=shuffled&stop_at_first_failure=true&priority=batch&webhook=http%3A%2F%2Fa.b%2Fx",
        "POST /v1/experiments",
    ]


JUNK = ([], {}, "x", None, {"experiments": {}}, {"presets": [{}], "datasets": [[]], "runs": [{}], "figures": ["x"]})
ASKED: dict[str, Callable[[Client], object]] = {
    "submit": lambda client: client.submit({}),
    "estimate": lambda client: client.estimate({}),
    "experiment": lambda client: client.experiment("e1"),
    "experiments": lambda client: list(client.experiments()),
    "upload": lambda client: client.upload_dataset({"X": [[1.0]], "y": [1.0]}),
    "dataset": lambda client: client.dataset("d"),
    "datasets": lambda client: list(client.datasets()),
    "dataset_analysis": lambda client: client.dataset_analysis("d"),
    "presets": lambda client: client.presets(),
    "preset": lambda client: client.preset("figure-1"),
}
OF_EXPERIMENTS: dict[str, Callable[[ExperimentHandle], object]] = {
    "refresh": lambda handle: handle.refresh(),
    "cancel": lambda handle: handle.cancel(),
    "edit": lambda handle: handle.edit(name="x"),
    "results": lambda handle: handle.results(),
    "curves": lambda handle: handle.curves(),
    "runs": lambda handle: list(handle.runs()),
    "analysis": lambda handle: handle.analysis(),
    "report": lambda handle: handle.report(),
    "figures": lambda handle: handle.figures(),
    "run": lambda handle: handle.run(0),
    "trajectory": lambda handle: handle.trajectory(0),
    "path": lambda handle: handle.vectors(0),
    "arrays": lambda handle: handle.arrays(0),
    "data": lambda handle: handle.data(),
}


@pytest.mark.parametrize("answer", [*map(ok, JUNK), httpx2.Response(200, html="<p>log in</p>")], ids=str)
@pytest.mark.parametrize("question", [*ASKED, *OF_EXPERIMENTS])
def test_whoever_answers_something_else_is_not_the_service(question: str, answer: httpx2.Response) -> None:
    """JSON that is no such object, or a page of a proxy: one sentence, and never an error of Python's."""
    if question in ASKED:
        ask: Callable[[], object] = partial(ASKED[question], ScriptedService([answer]).client())
    else:
        handle = ScriptedService([ok(experiment()), answer]).client().experiment("e1")
        ask = partial(OF_EXPERIMENTS[question], handle)
    with pytest.raises(ServiceUnreachable, match="not as stepbias does"):
        ask()


def test_a_page_of_a_proxy_is_not_saved_as_results(tmp_path: Path) -> None:
    """Nor handed out as bytes."""
    page = httpx2.Response(200, html="<p>log in</p>")
    handle = ScriptedService([ok(experiment()), page]).client().experiment("e1")
    for read in (lambda: handle.read("results"), handle.figure, lambda: handle.save_results(tmp_path / "r.csv")):
        with pytest.raises(ServiceUnreachable, match="not as stepbias does"):
            read()
    assert list(tmp_path.iterdir()) == []
