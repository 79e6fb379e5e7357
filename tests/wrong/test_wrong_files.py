"""Every refusal of a file says where it is wrong, and what to do."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepbias import Client, StepbiasError
from tests.stepbias.client.living_service import living_service


def _npz(**arrays: Any) -> bytes:
    written = io.BytesIO()
    np.savez(written, **arrays)
    return written.getvalue()


def _workbook() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>" * 9)
    return written.getvalue()


X, y = np.eye(3), np.ones(3)

FILES: dict[str, tuple[bytes, str, str]] = {
    "empty.csv": (b"", "first line", "wanted"),
    "header.csv": (b"a,b,y\n", "names of the columns", "a line for each sample is wanted"),
    "one-column.csv": (b"y\n1\n2\n", "first line", "two or more columns is wanted"),
    "ragged.csv": (b"a,b,y\n1,2,3\n1,2\n", "line 3 has 2 fields", "a field is empty"),
    "words.csv": (b"a,b,y\n1,x,3\n2,z,4\n", "column 'b', line 2: 'x'", "one_hot= takes it for categories"),
    "missing.csv": (b"a,b,y\n1,,3\n2,3,4\n", "column 'b', line 2", "missing=mean puts the mean"),
    "infinite.csv": (b"a,b,y\n1,inf,3\n2,3,4\n", "column 'b', line 2: 'inf'", "drop= leaves the column out"),
    "twice.csv": (b"a,a,y\n1,2,3\n2,3,4\n", "'a'", "names must differ"),
    "quotes.csv": (b'a,b,y\n1,"2,3\n4,5,6\n', "line 3", "is written twice"),
    "utf-16.csv": ("a,b,y\n1,2,3\n".encode("utf-16"), "byte 0", "save it as CSV, in UTF-8"),
    "latin-1.csv": ("größe,b,y\n1,2,3\n".encode("latin-1"), "byte 2", "save it as CSV, in UTF-8"),
    "workbook.csv": (_workbook(), "a spreadsheet or an archive", "save it as CSV, in UTF-8"),
    "dates.csv": (b"t,b,y\n2020-01-01,2,3\n2020-01-02,3,4\n", "column 't', line 2: '2020-01-01'", "drop="),
    "large.csv": (b"a,b,y\n1e400,2,3\n2,2,2\n", "/X/0/0", "a finite number of size at most 1e+100 is wanted"),
    "nameless.csv": (b"1,2,3\n4,5,6\n", "line 1", "put a line with the names of the columns before it"),
    "no-X.npz": (_npz(y=y), "/X", "a row of numbers for each sample"),
    "lengths.npz": (_npz(X=X, y=np.ones(4)), "/y: 4 entries", "the 3 rows of X"),
    "cube.npz": (_npz(X=np.ones((2, 2, 2)), y=np.ones(2)), "/X", "one row for each sample, (N, d), is wanted"),
    "complex.npz": (_npz(X=X + 1j, y=y), "/X", "real numbers are wanted"),
    "texts.npz": (_npz(X=np.array([["a", "b"]]), y=np.ones(1)), "/X", "real numbers are wanted"),
    "objects.npz": (_npz(X=np.array([[1, None]], dtype=object), y=np.ones(1)), "/X", "save this array with a numeric"),
    "nan.npz": (_npz(X=np.full((3, 3), np.nan), y=y), "/X/0/0", "a finite number"),
    "cut.npz": (_npz(X=X, y=y)[:-60], ".npz file", "as numpy.savez writes it"),
    "no-archive.npz": (b"hello", ".npz file", "as numpy.savez writes it"),
    "others.npz": (_npz(X=X, y=y, z=y), "/z", "should be among X.npy, y.npy"),
    "no-rows.npz": (_npz(X=np.ones((0, 3)), y=np.ones(0)), "/X", "at least one entry is wanted"),
    "truth.npz": (_npz(X=X, y=y, true_predictor=np.ones(5)), "/true_predictor: 5 entries", "the 3 columns of X"),
    "held-out.npz": (_npz(X=X, y=y, held_out_X=np.eye(3)), "/held_out_y", "required where there is held_out_X"),
    "cut.json": (b'{"X": [[1,2]', "line 1, column 13", "Expecting ','"),
    "list.json": (b"[1,2]", "the document", "an object is wanted, with the arrays as members"),
    "no-y.json": (b'{"X": [[1,2]]}', "/y", "a number for each sample"),
    "ragged.json": (b'{"X": [[1,2],[1]], "y":[1,2]}', "/X/1: this row has 1", "all rows have as many"),
    "word.json": (b'{"X": [[1,"a"]], "y":[1]}', "/X/0/1", "a number is wanted"),
    "nan.json": (b'{"X": [[1,NaN]], "y":[1]}', "/X/0/1", "a finite number of size at most 1e+100 is wanted"),
    "others.json": (b'{"X": [[1,2]], "y":[1], "Z": 1}', "/Z", "the names here are X, y"),
    "twice.json": (b'{"X": [[1,2]], "y":[1], "y":[2]}', "a name stands twice", "keep one of the two"),
    "notes.txt": (b"1 2 3", "one file that ends with", ".csv"),
    "table.parquet": (b"PAR1", "one file that ends with", ".csv"),
}
"""What is in each file, and of what is said of it the place and the remedy."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of a service for the tests of this file."""
    with living_service() as service, Client(service.url) as client:
        yield client


@pytest.mark.parametrize("name", FILES)
def test_a_refusal_says_where_and_what_to_do(name: str, client: Client, tmp_path: Path) -> None:
    """In the sentence that the client raises."""
    content, place, remedy = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StepbiasError) as refused:
        client.upload_dataset(tmp_path / name)
    assert place in str(refused.value)
    assert remedy in str(refused.value)
