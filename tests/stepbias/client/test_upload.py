"""Data sets on their way to the service."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import polars as pl
import pytest

from core.data.user_arrays import UserArrays
from stepbias import Client, ProblemError, UnknownFile, UnusableValue
from stepbias.upload import encoded
from tests.stepbias.client.living_service import LivingService, living_service
from tests.stepbias.client.stub import ScriptedService, ok, refused

RNG = np.random.default_rng(0)
ARRAYS = {"X": RNG.standard_normal((4, 6)), "y": RNG.standard_normal(4)}
ID = UserArrays.of(ARRAYS).id


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file."""
    with living_service() as service:
        yield service


def _files(directory: Path) -> dict[str, Any]:
    """The same data in every form that can be sent."""
    lists = {name: array.tolist() for name, array in ARRAYS.items()}
    (directory / "data.json").write_text(json.dumps(lists))
    np.savez(directory / "data.npz", X=ARRAYS["X"], y=ARRAYS["y"])
    for name, array in ARRAYS.items():
        np.save(directory / f"{name}.npy", array)
    rows = [",".join(map(repr, [*row, target])) for row, target in zip(lists["X"], lists["y"], strict=True)]
    (directory / "data.csv").write_text("\n".join(["a,b,c,d,e,f,y", *rows]))
    (directory / "data.zip").write_bytes((directory / "data.npz").read_bytes())
    files: dict[str, Any] = {name: directory / name for name in ("data.json", "data.npz", "data.csv", "data.zip")}
    return files | {
        "a path in words": str(directory / "data.npz"),
        "npy files": [directory / "X.npy", str(directory / "y.npy")],
        "arrays": ARRAYS,
        "lists": lists,
        "lists of arrays": {"X": list(ARRAYS["X"]), "y": list(ARRAYS["y"])},
    }


def test_the_same_data_have_one_id_whatever_they_are_sent_as(service: LivingService, tmp_path: Path) -> None:
    """And are described under it."""
    with Client(service.url) as client:
        documents = {name: client.upload_dataset(data) for name, data in _files(tmp_path).items()}
        assert {name: document["id"] for name, document in documents.items()} == dict.fromkeys(documents, ID)
        assert client.dataset(ID)["samples"] == 4
        assert (documents["arrays"]["samples"], documents["arrays"]["dimension"]) == (4, 6)


def test_the_target_of_a_csv_file_is_named(service: LivingService, tmp_path: Path) -> None:
    """Or, if it is not there, refused."""
    file = tmp_path / "data.csv"
    file.write_text("a,b,c\n1,2,3\n")
    with Client(service.url) as client:
        named = client.upload_dataset(file, target="a")
        assert named["id"] == client.upload_dataset({"X": [[2, 3]], "y": [1]})["id"]
        with pytest.raises(ProblemError) as caught:
            client.upload_dataset(file, target="z")
    assert [error.parameter for error in caught.value.errors] == ["target"]


def test_a_refusal_says_where(service: LivingService) -> None:
    """By a pointer into the data."""
    with Client(service.url) as client, pytest.raises(ProblemError) as caught:
        client.upload_dataset({"X": [[1, 2], [3]], "y": [1, 2]})
    assert [error.pointer for error in caught.value.errors] == ["/X/1"]


def test_an_upload_is_sent_again_until_it_is_answered() -> None:
    """The same bytes: equal data are one data set."""
    document = dict.fromkeys(("id", "samples", "dimension", "held_out_samples", "has_true_predictor", "reading"))
    scripted = ScriptedService([refused(), httpx2.Response(503), ok(document)])
    with scripted.client() as client:
        assert client.upload_dataset({"X": [[1]], "y": [1]}) == document
    assert scripted.lines == ["POST /v1/datasets"] * 3
    assert {request.headers["content-type"] for request in scripted.requests} == {"application/json"}
    assert len({request.content for request in scripted.requests}) == 1


def test_npy_files_travel_in_one_archive(tmp_path: Path) -> None:
    """Unchanged, under their names."""
    _files(tmp_path)
    content, media_type = encoded([tmp_path / "y.npy", tmp_path / "X.npy"])
    assert media_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["y.npy", "X.npy"]
        assert archive.read("X.npy") == (tmp_path / "X.npy").read_bytes()


def test_an_ending_may_be_in_capitals(tmp_path: Path) -> None:
    """As some systems write it; of arrays the service reads the members' names."""
    file = tmp_path / "DATA.CSV"
    file.write_bytes(b"a,y\n1,2\n")
    assert encoded(file) == (b"a,y\n1,2\n", "text/csv")
    for name in ("X", "y"):
        with (tmp_path / f"{name}.NPY").open("wb") as array:
            np.save(array, ARRAYS[name])
    content, media_type = encoded([tmp_path / "X.NPY", tmp_path / "y.NPY"])
    assert media_type == "application/zip"
    with np.load(io.BytesIO(content)) as members:
        assert sorted(members) == ["X", "y"]


@pytest.mark.parametrize("data", ["data.txt", "data", [], ["a.csv", "b.csv"], ["X.npy", "data.csv"]])
def test_files_that_do_not_say_what_they_are_are_not_sent(data: Any) -> None:
    """Nothing is read, either."""
    with pytest.raises(UnknownFile):
        encoded(data)


@pytest.mark.parametrize(
    ("y", "pointer"),
    [
        (np.array([0.0, np.nan]), "/y/1"),
        ([float("inf")], "/y/0"),
        (np.array([1j]), "/y/0"),
        (np.array(["a"]), "/y"),
        ([np.ones(2), np.ones(1)], "/y"),
        (object(), "/y"),
    ],
)
@pytest.mark.parametrize("X", [[[1]], np.array([[1]])])
def test_what_are_no_numbers_are_not_sent(X: Any, y: Any, pointer: str) -> None:
    """In JSON as in binary, and are pointed at; a text or a ragged list of lists by the service, where it is JSON."""
    is_binary = hasattr(X, "__array__") or hasattr(y, "__array__")
    if is_binary or pointer != "/y" or not isinstance(y, list):
        with pytest.raises(UnusableValue) as refused:
            encoded({"X": X, "y": y})
        assert refused.value.pointer == pointer


def test_arrays_travel_in_binary() -> None:
    """An array as large as the service takes is half as large as its digits; of extended precision float64 is sent."""
    arrays = {"X": np.eye(2, dtype=np.longdouble), "y": np.arange(2), "held_out_y": [1.5]}
    content, media_type = encoded(arrays)
    assert media_type == "application/zip"
    with np.load(io.BytesIO(content)) as members:
        found = dict(members)
    assert {name: (array.dtype, array.tolist()) for name, array in found.items()} == {
        "X": (np.float64, [[1.0, 0.0], [0.0, 1.0]]),
        "y": (np.float64, [0.0, 1.0]),
        "held_out_y": (np.float64, [1.5]),
    }


class Pandas:
    """A table that writes itself as that of pandas does."""

    def to_csv(self, *, index: bool) -> str:
        """With the numbers of its rows, unless told not to."""
        assert not index
        return "age,paint,y\n0.1,red,2\n3,blue,4\n"


class Polars:
    """A table that writes itself as that of polars does."""

    def write_csv(self) -> str:
        """Without numbers of rows."""
        return "age,paint,y\n0.1,red,2\n3,blue,4\n"


@pytest.mark.parametrize("table", [Pandas(), Polars()])
def test_tables_keep_the_names_of_their_columns(service: LivingService, table: Any) -> None:
    """And take the options of CSV files."""
    with Client(service.url) as client:
        described = client.upload_dataset(table, target="y", one_hot=["paint"], name="paints")
    assert (described["name"], described["target"], described["samples"]) == ("paints", "y", 2)
    assert "age" in described["columns"]


TABLE = {"age": [0.1, 3.0], "height": [1.5, 2.5]}


@pytest.mark.parametrize("table", [pd.DataFrame(TABLE), pl.DataFrame(TABLE)])
@pytest.mark.parametrize("y", [[2, 4], np.array([2.0, 4.0]), pd.Series([2, 4], name="price", index=[7, 8])])
def test_samples_and_targets_are_uploaded_as_they_are(service: LivingService, table: Any, y: Any) -> None:
    """Equal data have one id whether or not their columns have names; an index of rows plays no part."""
    with Client(service.url) as client:
        named = client.upload(table, y)
        plain = client.upload(table.to_numpy(), y)
    assert named["id"] == plain["id"]
    assert (named["columns"], named["target"]) == (["age", "height"], getattr(y, "name", "y"))


def test_a_table_has_its_target_and_arrays_their_companions(service: LivingService) -> None:
    """Options of a table travel; arrays beside X and y are arrays of the data set."""
    with Client(service.url) as client:
        whole = client.upload(pd.DataFrame(TABLE), target="height", name="mine")
        held = client.upload([[1.0]], [1.0], held_out_X=[[2.0]], held_out_y=[2.0])
        with pytest.raises(UnusableValue, match="has a column age"):
            client.upload(pd.DataFrame(TABLE), [1, 2], target="age")
    assert (whole["name"], whole["target"], whole["columns"]) == ("mine", "height", ["age"])
    assert held["held_out_samples"] == 1


def test_a_client_with_other_options_is_of_the_same_service(service: LivingService) -> None:
    """And leaves the first as it is."""
    with Client(service.url, timeout=30.0) as client, client.with_options(timeout=5.0, patience=1.0) as other:
        assert other.version() == client.version()
        assert (other._options["timeout"], client._options["timeout"]) == (5.0, 30.0)
        assert other._options["base_url"] == service.url


def test_what_is_neither_arrays_nor_a_table_nor_a_file_is_refused() -> None:
    """In a sentence."""
    with pytest.raises(UnusableValue, match="a float is no data set"):
        encoded(3.5)  # type: ignore[arg-type]


def test_options_of_a_file_travel_and_its_name_is_that_of_the_data_set(service: LivingService, tmp_path: Path) -> None:
    """Unless another is given; data sets are listed under it."""
    file = tmp_path / "paints.csv"
    file.write_text(";colour;a;z\n0;red;1,5;2\n1;blue;;3\n2;blue;4;4\n")
    with Client(service.url) as client:
        found = client.upload_dataset(file, one_hot=["colour"], missing="drop", drop=["Unnamed: 0"])
        assert found["reading"]["columns"] == ["colour=blue", "colour=red", "a"]
        assert [each["id"] for each in client.datasets(name="paints.csv")] == [found["id"]]
        client.upload_dataset({"X": [[0, 1, 1.5], [1, 0, 4]], "y": [2, 4]}, name="by hand")
        assert [each["id"] for each in client.datasets(name="by hand", page_size=1)] == [found["id"]]


def test_a_data_set_is_analysed_by_a_worker(service: LivingService) -> None:
    """Before any experiment."""
    with Client(service.url) as client, service.at_work():
        identifier = client.upload_dataset({"X": [[1, 2, 3]], "y": [1]})["id"]
        analysis = client.dataset_analysis(identifier)
    assert (analysis["samples"], analysis["dimension"], analysis["rank"]) == (1, 3, 1)
    assert analysis["max_stable_step"] > 0
