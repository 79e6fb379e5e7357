"""Trajectories and curves as tables: the same as in JSON."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jobs.settings import Settings
from tests.api.service import assert_problem
from tests.api.working_service import WorkingService
from tests.reference.memory_store import MemoryStore

SPEC: dict[str, Any] = {
    "data": {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2, "seed": {"values": [0, 1]}},
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.5]}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"values": [0.005, 10.0]}},
    "stopping": {"loss_tolerance": 1e-8, "max_steps": 100_000, "finish": "iterate"},
    "recording": {"points": 60},
}


@pytest.fixture(scope="module")
def service() -> Iterator[WorkingService]:
    """A service in memory."""
    settings = Settings()
    one = WorkingService.over(MemoryStore(settings), settings)
    with one.client:
        yield one


@pytest.fixture(scope="module")
def place(service: WorkingService) -> str:
    """Where an experiment is that is finished; half of its runs diverge."""
    return service.done(SPEC)


def _tables(service: WorkingService, address: str, query: str = "") -> Iterator[list[dict[str, Any]]]:
    """The rows in either format; the texts of CSV as the numbers and words they are."""
    text = service.get(f"{address}.csv{query}").text
    words = {"kind", "name"}
    yield [
        {name: (field if name in words else float(field)) if field else None for name, field in row.items()}
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]
    yield [json.loads(line) for line in service.get(f"{address}.ndjson{query}").text.splitlines()]


@pytest.mark.parametrize("query", ["", "?points=25"])
def test_a_line_is_a_record_of_the_trajectory(service: WorkingService, place: str, query: str) -> None:
    """Of a run that converged and of one that diverged: every curve, null where it is not finite."""
    for index in range(2):
        address = f"{place}/runs/{index}/trajectory"
        document = service.document(address + query)
        entries = document["coords"] | document["data_vars"]
        columns = {name: entry["data"] for name, entry in entries.items()}
        expected = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        assert len(expected) > 3
        for rows in _tables(service, address, query):
            assert [list(row) for row in rows] == [list(row) for row in expected]
            assert rows == expected


def test_fewer_points_are_sent_where_they_are_asked_for(service: WorkingService, place: str) -> None:
    """In every format alike; first and last are those of the whole."""
    address = f"{place}/runs/0/trajectory"
    whole = service.document(address)["coords"]["record_step"]["data"]
    few = service.document(f"{address}?points=25")["coords"]["record_step"]["data"]
    assert len(whole) > 25 >= len(few)
    assert (few[0], few[-1]) == (whole[0], whole[-1])
    with np.load(io.BytesIO(service.get(f"{address}.npz?points=25").content), allow_pickle=False) as file:
        assert file["record_step"].tolist() == few
    for query in ("?points=19", "?points=many", "?point=25"):
        assert_problem(service.get(address + query), 422)


@pytest.mark.parametrize("points", [2, 3, 5, 50])
def test_curves_have_fewer_values_of_x_where_that_is_asked_for(service: WorkingService, points: int) -> None:
    """Those that there are, with all their statistics; the first and the last among them, log-spaced as the axis is."""
    scales = {"start": 0.1, "stop": 10.0, "num": 9, "spacing": "log"}
    wide = SPEC | {"initialization": {"kind": "uniform", "scale": scales}, "stopping": {"max_steps": 50}}
    wide |= {"name": f"{points} points"}
    address = f"{service.done(wide)}/curves"
    query = "?x=init_scale&y=l1_norm&series=step_size&include=all"
    whole, few = service.document(address + query), service.document(f"{address}{query}&points={points}")
    values = whole["x"]["values"]
    places = [values.index(value) for value in few["x"]["values"]]
    assert len(places) == min(points, 9)
    assert (places[0], places[-1]) == (0, 8)
    assert np.ptp(np.diff(places)) <= 1
    for kind in ("curves", "flow_limits", "kernel_limits"):
        for curve, thin in zip(whole[kind], few[kind], strict=True):
            expected = {
                name: [value[place] for place in places] if isinstance(value, list) else value
                for name, value in curve.items()
            }
            assert thin == expected
    assert few["baselines"] == whole["baselines"]
    for rows in _tables(service, address, f"{query}&points={points}"):
        assert [row["x"] for row in rows if row["kind"] == "curve"] == few["x"]["values"] * len(few["curves"])
    assert_problem(service.get(f"{address}?points=1"), 422)


def test_a_line_is_a_point_of_a_curve(service: WorkingService, place: str) -> None:
    """Then the limits of gradient flow and the baselines: all that the JSON form has."""
    query = "?x=init_scale&y=excess_risk&series=step_size"
    document = service.document(f"{place}/curves{query}")
    statistics = ("median", "lower_quartile", "upper_quartile")
    counts = ("runs", "not_converged", "without_value", "missing", "decided_by_rounding")
    expected: list[dict[str, Any]] = []
    for kind in ("curve", "flow_limit", "kernel_limit"):
        for curve in document[f"{kind}s"]:
            for number, x in enumerate(document["x"]["values"]):
                values = {name: curve[name][number] for name in (*statistics, *counts)}
                expected.append({"kind": kind, "name": None, "series": curve["series"], "x": x} | values)
    for line in document["baselines"]:
        at = {"kind": "baseline", "name": line["name"], "series": line["series"], "x": None, "median": line["value"]}
        quartiles = {name: line[name] for name in statistics[1:]}
        expected.append(at | quartiles | dict.fromkeys(counts))
    assert {row["kind"] for row in expected} == {"curve", "flow_limit", "kernel_limit", "baseline"}
    for rows in _tables(service, f"{place}/curves", query):
        assert rows == expected
    assert_problem(service.get(f"{place}/curves.csv?y=nothing"), 422)


@pytest.mark.parametrize(
    ("part", "accept", "same"),
    [
        ("curves", "text/csv", "curves.csv"),
        ("curves", "application/x-ndjson", "curves.ndjson"),
        ("curves?points=2", "application/json;q=0.1, text/csv", "curves.csv?points=2"),
        ("curves", "text/html, */*;q=0.1", "curves"),
        ("runs/0/trajectory", "text/csv", "runs/0/trajectory.csv"),
        ("runs/0/trajectory", "application/x-ndjson", "runs/0/trajectory.ndjson"),
        ("runs/0/trajectory?points=20", "application/x-npz", "runs/0/trajectory.npz?points=20"),
        ("runs/0/trajectory", "application/*", "runs/0/trajectory"),
        ("runs/0/arrays", "application/x-npz", "runs/0/arrays.npz"),
        ("analysis/0/data", "application/x-npz", "analysis/0/data.npz"),
        ("analysis/0/interpolators", "application/x-npz", "analysis/0/interpolators.npz"),
        ("analysis/0/interpolators", "application/json", "analysis/0/interpolators"),
        ("curves?format=csv", "*/*", "curves.csv"),
        ("curves?x=init_scale&format=ndjson", "application/*", "curves.ndjson?x=init_scale"),
        ("curves?format=json", "text/csv;q=0.5, */*;q=0.1", "curves"),
        ("runs/0/trajectory?format=csv", "*/*", "runs/0/trajectory.csv"),
        ("runs/0/trajectory?format=ndjson&points=20", "*/*", "runs/0/trajectory.ndjson?points=20"),
        ("runs/0/trajectory?format=npz", "application/x-npz", "runs/0/trajectory.npz"),
        ("runs/0/trajectory?format=json", "*/*", "runs/0/trajectory"),
    ],
)
def test_who_accepts_another_format_is_sent_it(
    service: WorkingService, place: str, part: str, accept: str, same: str
) -> None:
    """Also of curves that were asked for in JSON a moment ago; an answer says what it was chosen by."""
    service.get(f"{place}/{part}")
    answer = service.client.get(f"{place}/{part}", headers={"Accept": accept})
    expected = service.get(f"{place}/{same}")
    assert (answer.content, answer.headers["content-type"]) == (expected.content, expected.headers["content-type"])
    assert "accept" in [name.strip().lower() for name in answer.headers["vary"].split(",")]


@pytest.mark.parametrize("part", ["curves", "runs/0/trajectory", "runs/0/arrays", "analysis/0/data"])
def test_what_nobody_has_is_refused(service: WorkingService, place: str, part: str) -> None:
    """JSON is not sent to who does not accept it."""
    for accept in ("image/png", "application/json;q=0", "application/vnd.apache.parquet"):
        refused = assert_problem(service.client.get(f"{place}/{part}", headers={"Accept": accept}), 406)
        assert refused["type"].endswith("not-acceptable")


@pytest.mark.parametrize(
    ("part", "accept", "status"),
    [
        ("curves?format=csv", "application/json", 406),
        ("runs/0/trajectory?format=npz", "application/json", 406),
        ("curves?format=npz", "*/*", 422),
        ("curves?format=parquet", "*/*", 422),
        ("runs/0/trajectory?format=parquet", "*/*", 422),
        ("curves?format=csv&format=json", "*/*", 422),
        ("curves.csv?format=json", "*/*", 422),
        ("runs/0/arrays?format=npz", "*/*", 422),
    ],
)
def test_a_format_that_is_not_there_is_refused(
    service: WorkingService, place: str, part: str, accept: str, status: int
) -> None:
    """And one that the Accept header contradicts."""
    assert_problem(service.client.get(f"{place}/{part}", headers={"Accept": accept}), status)
