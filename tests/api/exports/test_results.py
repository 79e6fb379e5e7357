"""The results of an experiment in every format, held to the labelled array that core makes of the same runs."""

import csv
import io
import json
import math
from typing import Any

import httpx2
import numpy as np
import pytest
from arro3.io import read_parquet
from fastapi.responses import JSONResponse

from core.results.result import decode_summary, encode_summary, to_xarray
from core.results.variables import COORDINATES, VARIABLES, Kind
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.errors import StoreFull
from tests.api.service import EXPERIMENTS, Service, assert_problem, spec

FORMS = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "npz": "application/x-npz",
}
SWEPT = spec(
    data={"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2, "seed": {"values": [7, 3, 5]}},
    initialization={"kind": "uniform", "scale": {"values": [0.1, 1.0]}},
)
AWKWARD = (0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, 1e16, None, 123456789.123456789)


def _summary(number: int) -> dict[str, Any]:
    """A run with a value of each kind in every variable, and a null in some."""
    values: dict[str, Any] = {}
    for place, (name, variable) in enumerate(VARIABLES.items()):
        if variable.kind is Kind.FLOAT:
            values[name] = AWKWARD[(number + place) % len(AWKWARD)]
        elif variable.kind is Kind.INT:
            values[name] = None if (number + place) % 5 == 0 else 2**52 + number
        else:
            values[name] = None if (number + place) % 7 == 0 else f'wörd, "{number % 3}"'
    values["outcome"] = ("converged", "diverged")[number % 2]
    summary: dict[str, Any] = decode_summary(encode_summary(values))
    return summary


def _grid(api: Service, identifier: str) -> Grid:
    return Grid(ExperimentSpec.model_validate_json(api.store.spec(identifier)))


def _trained(api: Service, runs: int, **parts: Any) -> tuple[str, list[dict[str, Any]]]:
    """An experiment with this many stored runs, and their summaries."""
    identifier = api.submit(**parts)
    summaries = [_summary(number) for number in range(runs)]
    api.train(identifier, summaries)
    return identifier, summaries


def _expected(api: Service, identifier: str, summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """The labelled array as core makes it of all runs at once."""
    grid, record = _grid(api, identifier), api.store.experiment(identifier)
    head = {"experiment_id": identifier, "status": str(record.status)}
    counts = {"runs_total": record.runs_total, "runs_done": record.runs_done}
    return to_xarray(grid, [*summaries, *[None] * (len(grid) - len(summaries))], head | counts)


def _rows(api: Service, identifier: str, summaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each row says, made of the labelled array."""
    array, rows = _expected(api, identifier, summaries), []
    shape = list(array["dims"].values())
    for index in range(len(summaries)):
        place = np.unravel_index(index, shape) if shape else ()
        axes = zip(array["coords"].items(), place, strict=True)
        row = {"index": index} | {name: axis["data"][at] for (name, axis), at in axes}
        for name, entry in array["data_vars"].items():
            value = entry["data"]
            for at in place:
                value = value[at]
            row[name] = value
        rows.append(row)
    return rows


def _same_bits(found: Any, expected: Any) -> bool:
    """Equal in type and value, the sign of zero included."""
    if type(found) is not type(expected):
        return False
    signs = not isinstance(found, float) or math.copysign(1.0, found) == math.copysign(1.0, expected)
    return bool(found == expected) and signs


def _assert_same_rows(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert [list(row) for row in found] == [list(row) for row in expected]
    for row, other in zip(found, expected, strict=True):
        assert [name for name in row if not _same_bits(row[name], other[name])] == []


def _from_csv(text: str, names: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a CSV file, each field as its variable's kind."""
    kinds = {name: known.kind for name, known in {**COORDINATES, **VARIABLES}.items()} | {"index": Kind.INT}
    read = {Kind.FLOAT: float, Kind.INT: int, Kind.TEXT: str}
    rows = csv.DictReader(io.StringIO(text, newline=""), fieldnames=names)
    return [{name: None if field == "" else read[kinds[name]](field) for name, field in row.items()} for row in rows]


@pytest.mark.parametrize("runs", [1, 5, 12])
def test_the_labelled_array_is_byte_for_byte_that_of_core(api: Service, runs: int) -> None:
    """Of an experiment with three axes, finished or not; floats with all their bits, words with quotes and commas."""
    identifier, summaries = _trained(api, runs, **SWEPT)
    expected = JSONResponse(_expected(api, identifier, summaries)).body
    assert api.get(f"{EXPERIMENTS}/{identifier}/results").content == expected
    assert api.get(f"{EXPERIMENTS}/{identifier}/results.json").content == expected


def test_an_experiment_that_sweeps_nothing_has_scalars(api: Service) -> None:
    """In JSON and in the archive, and one row."""
    optimizer = {"kind": "gradient_descent", "step_size": 0.001}
    identifier, summaries = _trained(api, 1, optimizer=optimizer)
    url = f"{EXPERIMENTS}/{identifier}/results"
    assert api.get(url).content == JSONResponse(_expected(api, identifier, summaries)).body
    assert np.load(io.BytesIO(api.get(f"{url}.npz").content), allow_pickle=False)["train_loss"].shape == ()
    assert len(api.get(f"{url}.ndjson").text.splitlines()) == 1


@pytest.mark.parametrize("runs", [0, 5, 12])
def test_a_line_of_ndjson_is_a_stored_run(api: Service, runs: int) -> None:
    """Every axis and every variable of the labelled array, in its order, to the bit; no line for what is not stored."""
    identifier, summaries = _trained(api, runs, **SWEPT)
    lines = api.get(f"{EXPERIMENTS}/{identifier}/results.ndjson").text.splitlines()
    _assert_same_rows([json.loads(line) for line in lines], _rows(api, identifier, summaries))


@pytest.mark.parametrize("runs", [0, 5, 12])
def test_a_line_of_csv_is_a_stored_run(api: Service, runs: int) -> None:
    """The same; an empty field is null. The names are there without any run."""
    identifier, summaries = _trained(api, runs, **SWEPT)
    response = api.get(f"{EXPERIMENTS}/{identifier}/results.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    array = _expected(api, identifier, summaries)
    assert next(csv.reader(io.StringIO(response.text))) == ["index", *array["coords"], *array["data_vars"]]
    _assert_same_rows(_from_csv(response.text), _rows(api, identifier, summaries))


@pytest.mark.parametrize("runs", [0, 5, 12])
def test_a_row_of_parquet_is_a_stored_run(api: Service, runs: int) -> None:
    """The same in typed columns, whose metadata say what each is; those of the file say of which experiment."""
    identifier, summaries = _trained(api, runs, **SWEPT)
    reader = read_parquet(io.BytesIO(api.get(f"{EXPERIMENTS}/{identifier}/results.parquet").content))
    columns = {name: reader.schema.field(name) for name in reader.schema.names}
    assert columns["train_loss"].metadata_str["description"] == VARIABLES["train_loss"].description
    assert json.loads(reader.schema.metadata_str["stepbias"])["experiment_id"] == identifier
    table = reader.read_all()
    found = {name: table[name].to_pylist() for name in columns}
    rows = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    _assert_same_rows(rows, _rows(api, identifier, summaries))


@pytest.mark.parametrize("runs", [5, 12])
def test_the_archive_has_the_labelled_array(api: Service, runs: int) -> None:
    """An array for each axis and each variable, to the bit; NaN and the empty word for null."""
    identifier, summaries = _trained(api, runs, **SWEPT)
    array = _expected(api, identifier, summaries)
    with np.load(io.BytesIO(api.get(f"{EXPERIMENTS}/{identifier}/results.npz").content), allow_pickle=False) as file:
        assert set(file) == {"attrs", "dims", *array["coords"], *array["data_vars"]}
        assert json.loads(str(file["attrs"])) == array["attrs"]
        assert file["dims"].tolist() == list(array["dims"])
        for name, entry in array["coords"].items():
            assert file[name].tolist() == entry["data"]
        for name, entry in array["data_vars"].items():
            is_text = VARIABLES[name].kind is Kind.TEXT
            plain = np.array(entry["data"], dtype=object)
            plain[plain == None] = "" if is_text else math.nan  # noqa: E711 - by element
            assert file[name].tobytes() == plain.astype(file[name].dtype).tobytes()
            assert file[name].shape == plain.shape


def test_rows_go_on_after_a_run(api: Service) -> None:
    """Without the line of names, so that the answers can be put one behind the other."""
    identifier, _ = _trained(api, 12, **SWEPT)
    for form in ("csv", "ndjson"):
        url = f"{EXPERIMENTS}/{identifier}/results.{form}"
        lines = api.get(url).text.splitlines(keepends=True)
        rest = api.get(f"{url}?after=6")
        assert rest.text == "".join(lines[-5:])
        assert api.get(f"{url}?after=11").text == api.get(f"{url}?after=999").text == ""
    assert api.get(f"{EXPERIMENTS}/{identifier}/results.csv?after=6").headers["content-type"].endswith("header=absent")


def test_the_rows_that_are_missing_are_to_be_had_where_the_answer_says(api: Service) -> None:
    """Runs end in any order: it is the first missing one from which on nothing may be left out."""
    identifier, _ = _trained(api, 5, **SWEPT)
    for form in ("csv", "ndjson"):
        link = api.get(f"{EXPERIMENTS}/{identifier}/results.{form}").links["next"]["url"]
        assert link == f"{EXPERIMENTS}/{identifier}/results.{form}?after=4"
    for response in (
        api.get(f"{EXPERIMENTS}/{identifier}/results"),
        api.get(f"{EXPERIMENTS}/{_finished(api)}/results"),
    ):
        assert "link" not in response.headers


def test_there_is_more_to_come_while_the_first_run_is_missing(api: Service) -> None:
    """Nobody takes the rows that are there for all: the answer leads to itself."""
    identifier, _ = _trained(api, 0, **SWEPT)
    for form in ("csv", "ndjson"):
        url = f"{EXPERIMENTS}/{identifier}/results.{form}"
        assert api.get(url).links["next"]["url"] == api.get(f"{url}?after=3").links["next"]["url"] == url


def _finished(api: Service) -> str:
    return _trained(api, 2)[0]


@pytest.mark.parametrize(
    ("path", "accept", "form"),
    [
        ("results", None, "json"),
        ("results", "*/*", "json"),
        ("results", "text/html, */*;q=0.1", "json"),
        ("results", "text/csv", "csv"),
        ("results", "text/csv, application/json", "csv"),
        ("results", "text/csv;q=0.5, application/json", "json"),
        ("results", "application/*;q=0.3, text/*", "csv"),
        ("results", "application/json;q=0, */*", "ndjson"),
        ("results?format=parquet", None, "parquet"),
        ("results.npz", "application/*", "npz"),
        ("results.csv?format=csv", "text/csv", "csv"),
    ],
)
def test_the_format_is_that_which_is_asked_for(api: Service, path: str, accept: str | None, form: str) -> None:
    """By the ending, by the query, or by the Accept header; JSON where nothing says."""
    headers = {} if accept is None else {"Accept": accept}
    response = api.client.get(f"{EXPERIMENTS}/{_finished(api)}/{path}", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].partition(";")[0] == FORMS[form]
    assert response.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("results", "image/png", 406),
        ("results", "text/csv;q=0, image/*", 406),
        ("results.csv", "application/json", 406),
        ("results?format=csv", "application/json", 406),
        ("results.csv?format=json", None, 422),
        ("results?format=xlsx", None, 422),
        ("results?after=3", None, 422),
        ("results.parquet?after=3", None, 422),
        ("results.csv?after=-1", None, 422),
        ("results.csv?before=1", None, 422),
        ("results.xlsx", None, 404),
    ],
)
def test_what_contradicts_itself_is_refused(api: Service, path: str, accept: str | None, status: int) -> None:
    """With a sentence, and never another format without a word."""
    headers = {} if accept is None else {"Accept": accept}
    assert_problem(api.client.get(f"{EXPERIMENTS}/{_finished(api)}/{path}", headers=headers), status)


@pytest.mark.parametrize("form", FORMS)
def test_finished_results_have_an_entity_tag(api: Service, form: str) -> None:
    """One for each format; who has them is told so. Those that may still grow have none."""
    url = f"{EXPERIMENTS}/{_finished(api)}/results.{form}"
    response = api.get(url)
    assert response.headers["cache-control"] == "private, no-cache"
    again = api.client.get(url, headers={"If-None-Match": f'"other", {response.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", response.headers["etag"])
    assert api.client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    partial, _ = _trained(api, 1, name="partial")
    growing = api.get(f"{EXPERIMENTS}/{partial}/results.{form}")
    assert "etag" not in growing.headers
    assert growing.headers["cache-control"] == "private, no-cache"
    assert "partial" in growing.headers["content-disposition"]


def test_no_two_formats_share_an_entity_tag(api: Service) -> None:
    """Nor does an answer that begins later."""
    url = f"{EXPERIMENTS}/{_finished(api)}/results"
    places = [f"{url}.{form}" for form in FORMS] + [f"{url}.csv?after=0"]
    assert len({api.get(place).headers["etag"] for place in places}) == len(places)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_is_lost_is_not_left_out_in_silence(api: Service, form: str) -> None:
    """Of an experiment that has succeeded; once it is counted as missing, there are partial results."""
    identifier = _finished(api)
    api.store._runs.pop(_grid(api, identifier).run(1).key)
    url = f"{EXPERIMENTS}/{identifier}/results.{form}"
    assert assert_problem(api.get(url), 503)["type"].endswith("results-changed")
    response = api.get(url)
    assert response.status_code == 200
    assert "etag" not in response.headers


@pytest.mark.parametrize("what", ["runs", "runs/1", "curves", "curves.csv", "curves.ndjson", "report", "report.txt"])
def test_nothing_is_made_of_what_is_left_in_silence(api: Service, what: str) -> None:
    """The answer would say `succeeded` over fewer runs than were counted; the next one says what there is."""
    identifier = _finished(api)
    api.store._runs.pop(_grid(api, identifier).run(1).key)
    url = f"{EXPERIMENTS}/{identifier}/{what}"
    refused = api.get(url)
    assert assert_problem(refused, 503)["type"].endswith("results-changed")
    assert refused.headers["retry-after"] == "1"
    assert api.get(url).status_code == 200
    assert api.get(f"{EXPERIMENTS}/{identifier}").json()["status"] == "failed"


@pytest.fixture
def many(api: Service) -> tuple[Service, str, list[dict[str, Any]]]:
    """An experiment of so many runs that its finished results are kept."""
    seeds = {"start": 0, "stop": 599, "num": 600}
    data = {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2, "seed": seeds}
    identifier, summaries = _trained(api, 1200, data=data)
    return api, identifier, summaries


def _kept(api: Service, identifier: str) -> list[str]:
    return sorted(key for key in api.store._documents if identifier in key)


def _plain(response: httpx2.Response) -> bytes:
    assert response.status_code == 200, response.text
    return response.content


def test_finished_results_of_many_runs_are_made_once(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And sent as they are kept where gzip is accepted; the same bytes otherwise, with another tag and length."""
    api, identifier, summaries = many
    url = f"{EXPERIMENTS}/{identifier}/results"
    first = api.client.get(url, headers={"Accept-Encoding": "gzip"})
    kept = _kept(api, identifier)
    assert len(kept) == 2
    monkeypatch.setattr(api.store, "summaries", None)
    again = api.client.get(url, headers={"Accept-Encoding": "gzip"})
    plain = api.client.get(url, headers={"Accept-Encoding": "identity"})
    expected = JSONResponse(_expected(api, identifier, summaries)).body
    assert _plain(first) == _plain(again) == _plain(plain) == expected
    assert (first.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert int(plain.headers["content-length"]) == len(expected)
    assert first.headers["etag"] == again.headers["etag"] != plain.headers["etag"]
    assert _kept(api, identifier) == kept


def test_a_rename_makes_no_other_results(many: Any) -> None:
    """They do not say the name: no byte, tag or kept document is another one; the manifest has the new name."""
    api, identifier, _ = many
    url = f"{EXPERIMENTS}/{identifier}/results"
    before = api.get(url)
    api.get(f"{EXPERIMENTS}/{identifier}/manifest")
    kept = _kept(api, identifier)
    for number in range(3):
        edit = {"name": f"näher {number}", "tags": [str(number)], "notes": str(number)}
        assert api.client.patch(f"{EXPERIMENTS}/{identifier}", json=edit).status_code == 200
        after = api.get(url)
        assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
        assert api.get(f"{EXPERIMENTS}/{identifier}/manifest").json()["name"] == f"näher {number}"
    assert _kept(api, identifier) == kept


@pytest.mark.parametrize("form", FORMS)
def test_results_of_few_runs_are_packed_for_who_takes_it(api: Service, form: str) -> None:
    """Text as gzip, with a tag of its own; each tag is that of its own bytes, and answered with itself."""
    url = f"{EXPERIMENTS}/{_finished(api)}/results.{form}"
    plain, packed = (api.client.get(url, headers={"Accept-Encoding": each}) for each in ("identity", "gzip"))
    assert plain.content == packed.content
    is_packed = form in {"json", "ndjson", "csv"}
    assert packed.headers.get("content-encoding") == ("gzip" if is_packed else None)
    assert (plain.headers["etag"] != packed.headers["etag"]) == is_packed
    for each in (plain, packed):
        known = api.client.get(url, headers={"If-None-Match": each.headers["etag"]})
        assert (known.status_code, known.headers["etag"]) == (304, each.headers["etag"])


def test_packed_results_are_the_same_bytes_kept_or_not(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One strong tag stands for one sequence of bytes."""
    api, identifier, _ = many
    url = f"{EXPERIMENTS}/{identifier}/results"
    with monkeypatch.context() as full:
        full.setattr("api.exports.results.KEPT_FROM", 10_000)
        made = _raw(api, url)
    kept = _raw(api, url)
    assert made == kept
    assert len(_kept(api, identifier)) == 2


def _raw(api: Service, url: str) -> tuple[str, bytes]:
    """Entity tag and bytes as they are sent."""
    with api.client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as response:
        return response.headers["etag"], b"".join(response.iter_raw())


def test_kept_results_go_with_their_experiment(many: Any) -> None:
    """All pieces of them."""
    api, identifier, _ = many
    api.get(f"{EXPERIMENTS}/{identifier}/results")
    assert api.client.delete(f"{EXPERIMENTS}/{identifier}").status_code == 204
    api.store.clear_garbage(most=10)
    assert _kept(api, identifier) == []


def test_kept_results_of_which_a_piece_is_lost_are_made_anew(many: Any) -> None:
    """The reader who finds out is told to ask again."""
    api, identifier, summaries = many
    url = f"{EXPERIMENTS}/{identifier}/results"
    api.get(url)
    (piece,) = (key for key in _kept(api, identifier) if key.startswith("results-piece"))
    del api.store._documents[piece]
    assert_problem(api.get(url), 503)
    assert _plain(api.get(url)) == JSONResponse(_expected(api, identifier, summaries)).body


def test_results_that_find_no_room_are_sent_all_the_same(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made for each reader then."""
    api, identifier, summaries = many

    def full(*_: Any) -> None:
        raise StoreFull

    monkeypatch.setattr(api.store, "keep_document", full)
    url = f"{EXPERIMENTS}/{identifier}/results"
    assert _plain(api.get(url)) == JSONResponse(_expected(api, identifier, summaries)).body


@pytest.mark.parametrize("path", ["results.csv", "results.json", "manifest"])
def test_a_run_that_is_found_lost_before_the_first_is_read_is_not_left_out(
    api: Service, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The experiment had succeeded when its record was read: rows of some runs are not its results."""
    identifier, first_missing = _finished(api), api.store.first_missing
    monkeypatch.setattr(api.store, "first_missing", lambda each: first_missing(each) - 1)
    assert assert_problem(api.get(f"{EXPERIMENTS}/{identifier}/{path}"), 503)["type"].endswith("results-changed")
