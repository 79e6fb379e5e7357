"""Uploaded data sets over HTTP."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import httpx2
import numpy as np
import pytest

from api.datasets.kept import described, keep, listed, remove, require_uploaded, used_documents
from api.datasets.upload import Upload, UploadQuery
from api.problems.request_errors import DatasetInUse, NothingHere, OversizedDataset, UnusableBody
from api.requests.body import READERS
from api.requests.paging import DatasetQuery
from core.analysis.data import analyse_data
from core.data.regression import Dataset
from core.data.user_arrays import UserArrays
from core.identity import NUMERICS_VERSION
from core.spec.experiment_spec import ExperimentSpec
from jobs.connection import connect
from jobs.document_keys import data_analysis_key, dataset_description_key, dataset_key
from jobs.ports import Store
from jobs.records import DATA_ANALYSIS, FigureRequest, LiveWorker, Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from tests.api.service import Service, assert_problem, pointers, service, spec
from tests.reference.memory_store import MemoryStore
from tests.stepbias.launcher.household import eventually

DATASETS = "/v1/datasets"
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal(4)
FULL = {"X": X, "y": Y, "true_predictor": np.ones(3), "held_out_X": X[:2], "held_out_y": Y[:2]}


def _json(**arrays: Any) -> bytes:
    return json.dumps({name: np.asarray(array).tolist() for name, array in arrays.items()}).encode()


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _npy_pair(**arrays: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    return file.getvalue()


def _csv(X: np.ndarray, y: np.ndarray) -> bytes:
    rows = [",".join(map(repr, [target, *row])) for row, target in zip(X.tolist(), y.tolist(), strict=True)]
    return "\r\n".join(["y,a,b,c", *rows]).encode()


def _described(answer: httpx2.Response) -> dict[str, Any]:
    """The answer to an upload, without how its file was understood."""
    document: dict[str, Any] = answer.json()
    del document["reading"]
    return document


def _post(api: Service, body: bytes, media_type: str = "application/json", query: str = "") -> httpx2.Response:
    return api.client.post(f"{DATASETS}{query}", content=body, headers={"Content-Type": media_type})


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of either kind."""
    if request.param == "memory":
        yield MemoryStore(Settings())
        return
    with connect(request.getfixturevalue("empty_valkey_url"), patience=10.0) as client:
        yield RedisStore(client, Settings())


def test_equal_data_are_one_data_set_in_whatever_file_they_come(api: Service) -> None:
    """New once, known from then on, at one address."""
    files = [
        (_json(X=X, y=Y), "application/json"),
        (_json(X=X, y=Y), "Application/JSON; charset=utf-8"),
        (_npz(X=X, y=Y), "application/zip"),
        (_npz(X=np.asfortranarray(X).astype(">f8"), y=Y), "application/x-npz"),
        (_npy_pair(X=X, y=Y), "application/octet-stream"),
        (_csv(X, Y), "text/csv; charset=utf-8"),
    ]
    answers = [_post(api, *file) for file in files]
    assert [answer.status_code for answer in answers] == [201, *[200] * (len(files) - 1)]
    (identifier,) = {answer.json()["id"] for answer in answers}
    (location,) = {answer.headers["location"] for answer in answers}
    assert location == f"{DATASETS}/{identifier}"
    assert api.get(location).json() == _described(answers[-1]) | {"used_by": []}


def test_a_data_set_is_described_without_its_numbers(api: Service) -> None:
    """Its size, what it has besides X and y, and the digest that an analysis of it as it is will have."""
    answer = _described(_post(api, _npz(**FULL), "application/zip"))
    assert answer == {
        "id": UserArrays.of(FULL).id,
        "samples": 4,
        "dimension": 3,
        "held_out_samples": 2,
        "has_true_predictor": True,
        "digest": Dataset(X=X, y=Y).digest,
        "name": "",
        "target": None,
        "columns": None,
        "created_at": answer["created_at"],
        "bytes": len(UserArrays.of(FULL).pack()),
        "links": {"self": f"{DATASETS}/{answer['id']}", "analysis": f"{DATASETS}/{answer['id']}/analysis"},
    }
    assert datetime.now(UTC) - datetime.fromisoformat(answer["created_at"]) < timedelta(minutes=5)
    assert _described(_post(api, _json(**FULL))) == answer
    plain = _post(api, _json(X=X, y=Y)).json()
    assert plain["digest"] == answer["digest"]
    assert plain["id"] != answer["id"]


def test_null_stands_for_an_array_that_is_not_there(api: Service) -> None:
    """As in a spec."""
    body = json.dumps({"X": [[1, 2]], "y": [3], "true_predictor": None, "held_out_X": None, "held_out_y": None})
    assert _post(api, body.encode()).json()["id"] == _post(api, _json(X=[[1, 2]], y=[3])).json()["id"]


def test_the_target_of_a_csv_file_may_be_named(api: Service) -> None:
    """Any of its columns."""
    named = _post(api, b"a,b,y\n1,2,3\n", "text/csv", "?target=a")
    assert named.status_code == 201
    assert named.json()["id"] == _post(api, _json(X=[[2, 3]], y=[1])).json()["id"]


@pytest.mark.parametrize(
    ("body", "media_type", "query"),
    [
        (b"a,b\n1,2\n", "text/csv", "?target=c"),
        (b"a,a\n1,2\n", "text/csv", "?target=a"),
        (b"a,b\n1,2\n", "text/csv", "?drop=c"),
        (b"a,b\n1,2\n", "text/csv", "?keep=c"),
        (b"a,b\n1,2\n", "text/csv", "?one_hot=c"),
        (b"a,b\n1,2\n", "text/csv", "?delimiter=x"),
        (b"a,b\n1,2\n", "text/csv", "?missing=x"),
        (_json(X=X, y=Y), "application/json", "?decimal=comma"),
        (_json(X=X, y=Y), "application/json", "?target=y"),
        (_npz(X=X, y=Y), "application/zip", "?target=y"),
        (b"a,b\n1,2\n", "text/csv", "?tarhet=a"),
    ],
)
def test_a_target_that_is_not_there_is_refused(api: Service, body: bytes, media_type: str, query: str) -> None:
    """The parameter is named."""
    document = assert_problem(_post(api, body, media_type, query), 422)
    assert [error["parameter"] for error in document["errors"]] == [query[1:].partition("=")[0]]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data"}])
def test_a_file_of_another_type_is_refused_with_those_that_are_read(api: Service, headers: dict[str, str]) -> None:
    """All of them."""
    response = api.client.post(DATASETS, content=b"a", headers=headers)
    assert_problem(response, 415)
    assert {"application/json", "text/csv", "application/zip"} <= set(response.headers["accept"].split(", "))


def test_a_compressed_body_is_refused(api: Service) -> None:
    """A zip archive is compressed already."""
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    assert_problem(api.client.post(DATASETS, content=b"a", headers=headers), 415)


def test_a_file_at_the_limit_is_read_and_a_longer_one_is_not(api: Service) -> None:
    """Whether its length is declared or not."""
    fitting = _json(X=X, y=Y).ljust(20_000)
    assert _post(api, fitting).status_code == 201
    assert_problem(_post(api, fitting + b" "), 413)
    chunks = (piece for piece in (fitting, b" "))
    headers = {"Content-Type": "application/json"}
    assert_problem(api.client.post(DATASETS, content=chunks, headers=headers), 413)


@pytest.mark.parametrize(
    ("body", "media_type", "places"),
    [
        (b"[]", "application/json", [""]),
        (b"{}", "application/json", ["/X", "/y"]),
        (b'{"X": [[1]], "y": [1], "q/~": 1}', "application/json", ["/q~1~0"]),
        (b'{"X": [[1], [1, 2], [3]], "y": [1, 2, 3]}', "application/json", ["/X/1"]),
        (b'{"X": [[1, "a"]], "y": ["b"]}', "application/json", ["/X/0/1", "/y/0"]),
        (b'{"X": [[1, 2]], "y": [1, 2]}', "application/json", ["/y"]),
        (b'{"X": [[1, 1e200]], "y": [1]}', "application/json", ["/X/0/1"]),
        (b'{"X": [[1, NaN]], "y": [1]}', "application/json", ["/X/0/1"]),
        (b'{"X": [[1]], "y": [1], "held_out_X": [[1]]}', "application/json", ["/held_out_y"]),
        (_npz(X=np.full((1, 2), np.nan), y=Y[:1]), "application/zip", ["/X/0/0"]),
        (_npz(X=X.astype(object), y=Y), "application/zip", ["/X"]),
        (_npz(**{"X": X, "y": Y, "a/~": Y}), "application/zip", ["/a~1~0"]),
        (_npz(X=X, y=Y)[:-9], "application/zip", [""]),
        (b"", "application/zip", [""]),
        (b"1,2\n3,4\n", "text/csv", [""]),
        (b"a,y\n1\n2,x\n", "text/csv", [""]),
        (b"a,b,y\n1,x,2\n2,3,x\n", "text/csv", ["", ""]),
        (b"a,y\n1,2\n1e999,2\n", "text/csv", ["/X/1/0"]),
    ],
)
def test_a_fault_is_pointed_at(api: Service, body: bytes, media_type: str, places: list[str]) -> None:
    """In a document as in an archive; in a CSV file by the number of the line."""
    document = assert_problem(_post(api, body, media_type), 422)
    assert document["type"] == "urn:stepbias:problem:invalid-dataset"
    assert pointers(document) == places
    if media_type == "text/csv" and "" in places:
        assert all("line" in error["detail"] for error in document["errors"])


def test_a_body_that_is_no_json_is_malformed(api: Service) -> None:
    """As for a spec."""
    assert_problem(_post(api, b'{"X": '), 400)


@pytest.mark.parametrize("name", ["X", "held_out_X"])
def test_data_over_the_limit_are_refused_with_the_numbers(name: str) -> None:
    """In every format; at the limit they are taken."""
    arrays = {"X": X[:2], "y": Y[:2], "held_out_X": X[:2], "held_out_y": Y[:2]} | {name: X, name.replace("X", "y"): Y}
    for body, media_type in ((_json(**arrays), "application/json"), (_npz(**arrays), "application/zip")):
        small, fitting = service(max_data_entries=11), service(max_data_entries=12)
        with small.client, fitting.client:
            document = assert_problem(_post(small, body, media_type), 422)
            assert document["type"] == "urn:stepbias:problem:over-limit"
            assert pointers(document) == [f"/{name}"]
            assert "12 entries; at most 11" in document["errors"][0]["detail"]
            assert _post(fitting, body, media_type).status_code == 201
    small = service(max_data_entries=11)
    with small.client:
        assert pointers(assert_problem(_post(small, _csv(X, Y), "text/csv"), 422)) == ["/X"]


@pytest.mark.parametrize("identifier", ["none", "0" * 64, "A" * 64, "a%3Ab", "é", "0" * 65])
def test_a_data_set_that_is_not_there_is_a_problem(api: Service, identifier: str) -> None:
    """Also what cannot be an id."""
    assert_problem(api.get(f"{DATASETS}/{identifier}"), 404)


def test_a_data_set_is_kept_once_and_for_good(store: Store) -> None:
    """Arrays and description, in either store; the second upload writes nothing."""
    arrays = UserArrays.of(FULL)
    document, is_new = keep(arrays, store=store)
    assert is_new
    assert keep(arrays, store=store) == (document, False)
    assert described(arrays.id, store=store).model_dump(exclude={"used_by"}) == document.model_dump(exclude={"reading"})
    block = store.document(dataset_key(arrays.id))
    assert block is not None
    assert UserArrays.unpack(block).id == arrays.id


def test_arrays_without_a_description_are_an_upload_that_was_cut_off(store: Store) -> None:
    """The next one of the same data finishes it."""
    arrays = UserArrays.of(FULL)
    store.put_document(dataset_key(arrays.id), arrays.pack())
    with pytest.raises(NothingHere):
        described(arrays.id, store=store)
    assert keep(arrays, store=store)[1]
    assert store.document(dataset_description_key(arrays.id)) is not None


def _spec(**parts: Any) -> ExperimentSpec:
    data = {"kind": "dataset", "id": UserArrays.of(FULL).id}
    return ExperimentSpec.model_validate(spec(data=data) | parts)


def test_a_spec_may_name_what_is_uploaded(store: Store) -> None:
    """And nothing else; a spec with data of another kind is none of our business."""
    with pytest.raises(UnusableBody) as caught:
        require_uploaded(_spec(), store=store, settings=Settings())
    assert [violation.pointer for violation in caught.value.violations] == ["/data/id"]
    require_uploaded(ExperimentSpec.model_validate(spec()), store=store, settings=Settings())
    keep(UserArrays.of(FULL), store=store)
    require_uploaded(_spec(), store=store, settings=Settings())


def test_a_spec_must_fit_the_data_set_that_it_names(store: Store) -> None:
    """Batches are no larger than the data set, an initial vector as long as its rows."""
    keep(UserArrays.of(FULL), store=store)
    settings = Settings()
    sgd = {"kind": "sgd", "step_size": 0.1}
    vector = {"kind": "vector", "scale": 1.0}
    fitting = _spec(
        optimizer=sgd | {"batch_size": {"values": [1, 4]}}, initialization=vector | {"vector": [1.0, 2.0, 3.0]}
    )
    require_uploaded(fitting, store=store, settings=settings)
    given = sgd | {"batch_size": 1, "sampling": "indices", "indices": [[0], [4]]}
    with pytest.raises(UnusableBody) as refused:
        require_uploaded(_spec(optimizer=given), store=store, settings=settings)
    assert [violation.pointer for violation in refused.value.violations] == ["/optimizer/indices"]
    one_pass = sgd | {"batch_size": 2, "sampling": "one_pass"}
    require_uploaded(_spec(optimizer=one_pass, stopping={"steps": 2}), store=store, settings=settings)
    with pytest.raises(UnusableBody) as longer:
        require_uploaded(_spec(optimizer=one_pass, stopping={"steps": 3}), store=store, settings=settings)
    assert [violation.detail for violation in longer.value.violations] == ["the stream of samples ends after 2 steps"]
    misfit = _spec(optimizer=sgd | {"batch_size": {"values": [1, 5]}}, initialization=vector | {"vector": [1.0]})
    with pytest.raises(UnusableBody) as caught:
        require_uploaded(misfit, store=store, settings=settings)
    assert [violation.pointer for violation in caught.value.violations] == [
        "/optimizer/batch_size",
        "/initialization/vector",
    ]


def test_a_data_set_from_before_a_lower_limit_is_refused(store: Store) -> None:
    """With the numbers."""
    keep(UserArrays.of(FULL), store=store)
    require_uploaded(_spec(), store=store, settings=Settings(max_data_entries=12))
    with pytest.raises(OversizedDataset) as caught:
        require_uploaded(_spec(), store=store, settings=Settings(max_data_entries=11))
    assert ["12 entries" in violation.detail for violation in caught.value.violations] == [True]


def test_uploaded_data_are_accepted_once_they_are_there(api: Service) -> None:
    """Before that, the id is pointed at."""
    upload = {"X": [[1, 0.5], [0, 1]], "y": [1, 2]}
    identifier = api.post(upload, "/v1/datasets").json()["id"]
    unknown = spec(data={"kind": "dataset", "id": "0" * 64})
    assert pointers(assert_problem(api.post(unknown), 422)) == ["/data/id"]
    known = spec(data={"kind": "dataset", "id": identifier, "transform": {"X": "offset", "offset": 5}})
    assert api.post(known).status_code == 202


@pytest.mark.parametrize("kind", [{"kind": "inline", "X": [[1]], "y": [1]}, {"kind": "dataset", "id": "0" * 64}])
@pytest.mark.parametrize("transform", [{"offset": 1}, {"X": "offset"}, {"X": "centre", "offset": 1}])
def test_a_transform_that_makes_no_sense_is_refused(
    api: Service, kind: dict[str, Any], transform: dict[str, Any]
) -> None:
    """An offset is added to something, and something is added."""
    document = assert_problem(api.post(spec(data=kind | {"transform": transform})), 422)
    assert pointers(document) == ["/data/transform"]


def test_how_a_csv_file_was_understood_is_answered_and_its_columns_are_kept(api: Service) -> None:
    """What was guessed, too; the options are query parameters, a character stands for its name."""
    body = b",a;b,colour,z\n".replace(b",", b"|") + b"0|1,5|red|2\n1|2,5|blue|3\n2|NA|red|4\n"
    answer = _post(api, body, "text/csv", "?one_hot=colour&missing=drop&delimiter=%7C&name=paint").json()
    assert answer["reading"] == {
        "target": "z",
        "columns": ["a;b", "colour=blue", "colour=red"],
        "delimiter": "bar",
        "decimal": "comma",
        "dropped": [
            "column 'Unnamed: 0': it has no name and counts the rows",
            "1 of 3 samples, where values are missing; the first is line 4",
        ],
        "converted": ["column 'colour': its 2 categories became columns of 0 and 1"],
        "guessed": ["target: 'z', the last column", "decimal: comma"],
    }
    assert answer["id"] == _post(api, _json(X=[[1.5, 0, 1], [2.5, 1, 0]], y=[2, 3])).json()["id"]
    kept = api.get(f"{DATASETS}/{answer['id']}").json()
    assert (kept["name"], kept["target"], kept["columns"]) == ("paint", "z", answer["reading"]["columns"])


@pytest.mark.parametrize("case", ["case-01.csv", "case-07.csv", "case-12.csv"])
def test_files_that_people_have_are_read(api: Service, case: str) -> None:
    """A row number, names behind a comment sign, semicolons with quotes and decimal commas."""
    answer = _post(api, _CASES[case], "text/csv")
    assert answer.status_code == 201
    assert answer.json()["reading"]["columns"] == ["x1", "x2"]
    assert answer.json()["reading"]["target"] == "y"


_CASES = {
    "case-01.csv": b",x1,x2,y\n0,0.5,1.5,2\n1,0.25,1.0,3\n2,0.75,2.0,4\n",
    "case-07.csv": b"# y,x1,x2\n2,0.5,1.5\n3,0.25,1.0\n4,0.75,2.0\n",
    "case-12.csv": b'"x1";"x2";"y"\n0,5;1,5;2\n0,25;1;3\n',
}


@pytest.mark.parametrize("character", ["\u202e", "\u2028", "\u2029", "\u2066", "\x1b", "\x85"])
def test_names_that_would_read_as_others_are_refused(api: Service, character: str) -> None:
    """Of a data set and of columns; the same characters as in the name of an experiment."""
    query = f"?name={quote(f'a{character}b')}"
    problem = assert_problem(_post(api, _json(X=X, y=Y), query=query), 422)
    assert problem["errors"][0]["parameter"] == "name"
    for names in (f"a{character}b,c,y", f"a,b,z{character}z"):
        problem = assert_problem(_post(api, f"{names}\n1,2.5,3\n4,5,7\n".encode(), "text/csv"), 422)
        assert f"U+{ord(character):04X}" in problem["errors"][0]["detail"]
        assert character not in str(problem)
    name = "Größe, ширина, 幅, عرض"
    assert _post(api, _json(X=X, y=Y), query=f"?name={quote(name)}").json()["name"] == name


def test_arrays_of_other_numbers_are_converted_and_that_is_said(api: Service) -> None:
    """NumPy's extended precision and truths among them."""
    answer = _post(api, _npz(X=X > 0, y=Y.astype(np.longdouble)), "application/zip").json()
    assert answer["reading"]["converted"] == ["X: bool became float64", f"y: {np.dtype('g').name} became float64"]
    assert answer["id"] == _post(api, _json(X=(X > 0).astype(float), y=Y)).json()["id"]


def test_a_byte_order_mark_before_json_is_passed_over(api: Service) -> None:
    """As before CSV."""
    assert _post(api, b"\xef\xbb\xbf" + _json(X=X, y=Y)).status_code == 201


@pytest.mark.parametrize(
    "body", [b'{"X": [' + b'["a"],' * 2000 + b'[1]], "y": [1]}', b'{"X": [[1]], "y": ["' + b'","' * 4000 + b'"]}']
)
def test_what_is_wrong_everywhere_is_listed_up_to_a_number(api: Service, body: bytes) -> None:
    """The rest is not looked for."""
    document = assert_problem(_post(api, body), 422)
    assert len(document["errors"]) == 100
    assert "more than the 100" in document["detail"]


def test_more_entries_than_all_arrays_may_have_are_not_made_objects() -> None:
    """They are counted while they are text."""
    small = service(max_data_entries=3)
    with small.client:
        document = assert_problem(_post(small, b'{"X": [[' + b"1," * 20 + b"nonsense"), 422)
        assert document["type"] == "urn:stepbias:problem:over-limit"


def test_data_sets_are_listed_newest_first_by_page_and_by_name(store: Store) -> None:
    """In either store; the last name that was given is its name, an upload without one leaves it."""
    ids = []
    for number in range(5):
        arrays = UserArrays.of({"X": X + number, "y": Y})
        keep(arrays, store=store, name=f"set {number % 2}")
        ids.append(arrays.id)
    keep(UserArrays.of({"X": X, "y": Y}), store=store)
    pages, cursor = [], None
    while not pages or cursor:
        page = listed(DatasetQuery(limit=2, cursor=cursor), store=store)
        cursor = page.next_cursor
        pages.append([each.id for each in page.datasets])
    assert pages == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    odd = listed(DatasetQuery(name="set 1", limit=1), store=store)
    rest = listed(DatasetQuery(name="set 1", cursor=odd.next_cursor), store=store)
    assert [each.id for page in (odd, rest) for each in page.datasets] == [ids[3], ids[1]]
    assert {each.name for each in listed(DatasetQuery(), store=store).datasets} == {"set 0", "set 1"}
    keep(UserArrays.of({"X": X, "y": Y}), store=store, name="renamed")
    assert described(ids[0], store=store).name == "renamed"
    remove(ids[4], store=store)
    assert [each.id for each in listed(DatasetQuery(), store=store).datasets] == ids[3::-1]


def test_the_list_is_linked_and_a_wrong_cursor_refused(api: Service) -> None:
    """As for experiments."""
    for number in range(2):
        _post(api, _json(X=X + number, y=Y), query=f"?name=n{number}")
    page = api.get(f"{DATASETS}?limit=1")
    assert [each["name"] for each in page.json()["datasets"]] == ["n1"]
    assert page.json()["next_cursor"] in page.headers["link"]
    assert_problem(api.get(f"{DATASETS}?cursor=x"), 422)


def test_who_uses_a_data_set_is_told_and_keeps_it(store: Store) -> None:
    """In either store: its description lists them, a deletion is refused with them until they are gone."""
    arrays = UserArrays.of(FULL)
    keep(arrays, store=store)
    used = _spec()
    submission = store.submit(
        spec=used.canonical(),
        content_hash=used.content_hash(),
        name="",
        tags=(),
        runs=2,
        documents=used_documents(used),
    )
    user = submission.experiment.id
    assert described(arrays.id, store=store).used_by == (user,)
    with pytest.raises(DatasetInUse) as caught:
        remove(arrays.id, store=store)
    assert [violation.detail for violation in caught.value.violations] == [f"experiment {user} uses it"]
    store.cancel(user)
    store.delete(user)
    assert described(arrays.id, store=store).used_by == ()
    remove(arrays.id, store=store)
    with pytest.raises(NothingHere):
        described(arrays.id, store=store)


def test_the_analysis_waits_for_a_worker_and_is_then_there(api: Service) -> None:
    """It is asked for by name; what a worker keeps is answered."""
    identifier = _post(api, _json(X=X, y=Y)).json()["id"]
    hasty = service(store=api.store, patience=0.0)
    with hasty.client:
        document = assert_problem(hasty.get(f"{DATASETS}/{identifier}/analysis"), 503)
        assert document["detail"] == "The analysis waits for a live worker for the interactive queue."
        busy = LiveWorker(name="busy", numerics=NUMERICS_VERSION, idle=0)
        api.store.register(busy, queues=[Queue.INTERACTIVE], seconds=60.0)
        document = assert_problem(hasty.get(f"{DATASETS}/{identifier}/analysis"), 503)
        assert document["detail"] == "The analysis is still being made; ask again."
    patient = service(store=api.store)
    request = FigureRequest(
        experiment_id=identifier, figure=DATA_ANALYSIS, format="json", key=data_analysis_key(identifier)
    )
    found = analyse_data(Dataset(X=X, y=Y))
    api.store.put_document(request.key, found.to_json())
    with patient.client:
        assert patient.get(f"{DATASETS}/{identifier}/analysis").json() == json.loads(found.to_json())


@pytest.mark.parametrize("path", [f"{'0' * 64}/analysis", "none/analysis"])
def test_nothing_is_analysed_that_is_not_there(api: Service, path: str) -> None:
    """Nor is a worker asked."""
    assert_problem(api.get(f"{DATASETS}/{path}"), 404)
    assert api.store.next_figure() is None


def test_few_bodies_are_read_at_once(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they hold in memory adds up; the others wait, and everybody else is answered."""
    at_once, most, lock, may_end = 0, 0, threading.Lock(), threading.Event()
    read = Upload.read

    def slowly(self: Upload, query: UploadQuery, limit: int) -> Any:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        assert may_end.wait(30.0)
        with lock:
            at_once -= 1
        return read(self, query, limit)

    monkeypatch.setattr(Upload, "read", slowly)
    with ThreadPoolExecutor(6) as pool:
        uploads = [pool.submit(_post, api, _json(X=X + number, y=Y)) for number in range(6)]
        assert eventually(lambda: at_once == READERS)
        assert api.get(DATASETS).status_code == 200
        may_end.set()
        assert [upload.result().status_code for upload in uploads] == [201] * 6
    assert most == READERS


def test_a_data_set_is_deleted_as_it_was_seen_or_not_at_all() -> None:
    """`If-Match` has the tag of a look at it; another upload may have renamed it since."""
    api = service()
    with api.client:
        content = _json(X=X, y=Y)
        post = {"content": content, "headers": {"Content-Type": "application/json"}}
        place = api.client.post(f"{DATASETS}?name=first", **post).headers["location"]
        seen = api.get(place).headers["etag"]
        api.client.post(f"{DATASETS}?name=second", **post)
        refused = api.client.delete(place, headers={"If-Match": seen})
        assert assert_problem(refused, 412)["type"].endswith("not-as-known")
        assert api.get(place).json()["name"] == "second"
        assert api.client.delete(place, headers={"If-Match": api.get(place).headers["etag"]}).status_code == 204
        for tag in ("*", seen):
            assert_problem(api.client.delete(place, headers={"If-Match": tag}), 404)
        place = api.client.post(DATASETS, **post).headers["location"]
        assert api.client.delete(place, headers={"If-Match": "*"}).status_code == 204


def test_a_data_set_that_is_renamed_during_its_deletion_stays() -> None:
    """Between the comparison of `If-Match` and the removal."""
    api = service()
    with api.client:
        post = {"content": _json(X=X, y=Y), "headers": {"Content-Type": "application/json"}}
        place = api.client.post(f"{DATASETS}?name=first", **post).headers["location"]
        seen, remove = api.get(place).headers["etag"], api.store.drop_documents

        def renamed_before(*keys: Any, **expected: Any) -> None:
            api.client.post(f"{DATASETS}?name=second", **post)
            remove(*keys, **expected)

        with patch.object(api.store, "drop_documents", renamed_before):
            assert_problem(api.client.delete(place, headers={"If-Match": seen}), 412)
        assert api.get(place).json()["name"] == "second"
