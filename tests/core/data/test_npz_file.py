"""Arrays from .npz files, honest and hostile ones."""

import ast
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy_format

from core.data.npz_file import MOST_MEMBERS, npz_arrays
from core.data.user_arrays import OversizedArrays, UnusableArrays, UserArrays

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal(4)
ARRAYS = {"X": X, "y": Y, "true_predictor": np.ones(3), "held_out_X": X[:2], "held_out_y": Y[:2]}
LIMIT = 100


def _npz(save: Callable[..., None] = np.savez, **arrays: Any) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def _npy(array: np.ndarray, version: tuple[int, int] | None = None, *, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    npy_format.write_array(file, array, version=version, allow_pickle=pickled)
    return file.getvalue()


def _zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def _npy_with_header(header: str, payload: bytes = b"") -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + payload


def _fault(body: bytes, limit: int = LIMIT) -> tuple[tuple[str | int, ...], str]:
    with pytest.raises(UnusableArrays) as caught:
        npz_arrays(body, limit=limit)
    (fault,) = caught.value.violations
    return fault.place, fault.sentence


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f4", "<f2", "<i8", ">i4", "u1"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_what_numpy_saves_is_read(save: Callable[..., None], dtype: str, layout: Any) -> None:
    """Every array that a data set may have, in any type, byte order and layout."""
    saved = {name: np.array(np.round(array), dtype=dtype, order=layout) for name, array in ARRAYS.items()}
    found, _ = npz_arrays(_npz(save, **saved), limit=LIMIT)
    assert found.keys() == saved.keys()
    for name, array in saved.items():
        assert np.array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zipped_npy_files_are_such_a_file(version: tuple[int, int], method: int) -> None:
    """As `zip data.zip X.npy y.npy` makes it."""
    body = _zip(("X.npy", _npy(X, version)), ("y.npy", _npy(Y, version)), method=method)
    found, _ = npz_arrays(body, limit=LIMIT)
    assert UserArrays.of(found).id == UserArrays.of({"X": X, "y": Y}).id


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=2),
    st.sampled_from(["<f8", ">f8", "<f4"]),
    st.integers(0, 2**32 - 1),
)
def test_any_matrix_survives(shape: list[int], dtype: str, seed: int) -> None:
    """To the bit."""
    matrix = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    assert np.array_equal(npz_arrays(_npz(X=matrix), limit=LIMIT)[0]["X"], matrix)


@pytest.mark.parametrize("kind", ["?", "f2", "<f4", "i8", "u1", "longdouble"])
def test_numbers_of_another_kind_become_float64_and_that_is_said(kind: str) -> None:
    """As NumPy converts them; float64 of either byte order is float64."""
    whole = np.array([[1, 0], [0, 1]]).astype(kind)
    arrays, reading = npz_arrays(_npz(X=whole, y=Y[:2].astype(">f8")), limit=LIMIT)
    assert reading.converted == (f"X: {whole.dtype.name} became float64",)
    assert np.array_equal(UserArrays.of(arrays).X, whole.astype(np.float64))


@pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz` file required additional header parsing")
def test_a_file_of_an_old_python_is_read() -> None:
    """Its whole numbers end with L."""
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (4L, 3L), }"
    found, _ = npz_arrays(_zip(("X.npy", _npy_with_header(header, X.tobytes()))), limit=LIMIT)
    assert np.array_equal(found["X"], X)


def test_a_header_that_claims_a_terabyte_costs_nothing() -> None:
    """It is held against the limit first."""
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 125000), }"
    tracemalloc.start()
    with pytest.raises(OversizedArrays):
        npz_arrays(_zip(("X.npy", _npy_with_header(header))), limit=LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_single_npy_file_is_told_what_to_do() -> None:
    """It has one array, and two are needed."""
    assert "X.npy and y.npy" in _fault(_npy(X))[1]


class _Bomb:
    """Whoever unpickles this runs it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was unpickled",)


def test_nothing_is_unpickled() -> None:
    """An array of objects is refused by its header."""
    objects = np.array([[_Bomb()]], dtype=object)
    place, sentence = _fault(_zip(("X.npy", _npy(objects, pickled=True)), ("y.npy", _npy(Y))))
    assert place == ("X",)
    assert "never unpickled" in sentence


@pytest.mark.parametrize(
    "array", [X.astype(complex), X.astype(str), X.astype("M8[s]"), np.zeros(2, dtype=[("a", "f8")])]
)
def test_what_are_no_real_numbers_is_refused(array: np.ndarray) -> None:
    """By its header."""
    assert _fault(_npz(X=array))[0] == ("X",)


def test_the_limit_counts_entries() -> None:
    """Of each array; at the limit is allowed."""
    assert npz_arrays(_npz(X=X), limit=12)[0]["X"].shape == (4, 3)
    with pytest.raises(OversizedArrays, match="4 × 3 are 12 entries; at most 11"):
        npz_arrays(_npz(X=X), limit=11)


@pytest.mark.parametrize("name", ["X", "y", "true_predictor"])
def test_an_archive_that_would_unfold_to_much_is_not_unfolded(name: str) -> None:
    """Forty million zeros in 40 kB, refused by what the header declares."""
    zeros = _npy_with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (5000, 1000), }", bytes(40_000_000))
    body = _zip((f"{name}.npy", zeros))
    assert len(body) < 100_000
    tracemalloc.start()
    with pytest.raises(OversizedArrays):
        npz_arrays(body, limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_what_follows_the_declared_numbers_is_not_unfolded() -> None:
    """A header that declares little before forty million zeros."""
    body = _zip(("X.npy", _npy(X) + bytes(40_000_000)))
    tracemalloc.start()
    place, sentence = _fault(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert place == ("X",)
    assert "fewer or more numbers" in sentence
    assert peak < 1_000_000


def test_a_directory_of_very_many_files_is_not_read() -> None:
    """Nor is an archive with more files than a data set could have arrays."""
    assert "files are in this archive" in _fault(_zip(*((f"{n}.npy", b"") for n in range(MOST_MEMBERS + 1))))[1]


@pytest.mark.parametrize("name", ["z.npy", "x.npy", "../X.npy", "data/X.npy", "X", "X.npy.npy", "X.txt", " "])
def test_other_files_are_refused_by_name(name: str) -> None:
    """Whatever is in them; `X` without an ending is what NumPy itself accepts."""
    body = _zip(("X.npy", _npy(X)), ("y.npy", _npy(Y)), (name, b"no array"))
    if name == "X":
        assert "twice" in _fault(body)[1]
    else:
        assert "should be among X.npy" in _fault(body)[1]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused() -> None:
    """Which one would count?"""
    assert _fault(_zip(("X.npy", _npy(X)), ("X.npy", _npy(X)))) == (("X",), "this array is there twice")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(method: int) -> None:
    """Its decoders take as much memory as the file asks for."""
    assert _fault(_zip(("X.npy", _npy(X)), method=method))[0] == ("X",)


def test_an_encrypted_file_is_refused() -> None:
    """By its flag, in the directory and before the file."""
    body = bytearray(_zip(("X.npy", _npy(X))))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + flags] |= 1
    assert "password" in _fault(bytes(body))[1]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{",
        "(" * 500 + ")" * 500,
        "-" * 900 + "1",
        "[]",
        "{}",
        "{[]: 1}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), 'more': 1}",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (4, 3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': [4, 3]}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4, -3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4.0, 3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 400 + ", 0)}",
        "{'descr': '<f9', 'fortran_order': False, 'shape': (4, 3)}",
        "{'descr': '__import__', 'fortran_order': False, 'shape': (4, 3)}",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (4, 3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), }" + " " * 20_000,
    ],
)
def test_a_header_of_anything_else_is_refused(header: str) -> None:
    """With a sentence, whatever Python would make of it."""
    assert _fault(_zip(("X.npy", _npy_with_header(header, X.tobytes()))))[0] == ("X",)


@pytest.mark.parametrize("start", [b"", b"\x93NUMPY", b"\x93NUMPY\x04\x00", b"\x93NUMPY\x01\x00", b"NUMPY\x93\x01\x00"])
def test_a_file_that_is_no_npy_file_is_refused(start: bytes) -> None:
    """Nor is one of a version that is not known."""
    with pytest.raises(UnusableArrays):
        npz_arrays(_zip(("X.npy", start)), limit=LIMIT)


def test_a_header_in_another_order_is_read() -> None:
    """Its keys are sorted by convention only."""
    header = "{'shape': (4, 3), 'fortran_order': False, 'descr': '<f8'}"
    assert ast.literal_eval(header)
    found, _ = npz_arrays(_zip(("X.npy", _npy_with_header(header, X.tobytes()))), limit=LIMIT)
    assert np.array_equal(found["X"], X)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_cut_anywhere_is_refused(save: Callable[..., None]) -> None:
    """With a sentence, at every byte."""
    whole = _npz(save, X=X[:2], y=Y[:2])
    assert npz_arrays(whole, limit=LIMIT)[0].keys() == {"X", "y"}
    for length in range(len(whole)):
        with pytest.raises(UnusableArrays):
            npz_arrays(whole[:length], limit=LIMIT)


_WHOLE = (_npz(np.savez, X=X[:2], y=Y[:2]), _npz(np.savez_compressed, X=X[:2], y=Y[:2]))


@given(
    st.sampled_from(_WHOLE),
    st.lists(st.tuples(st.integers(0, len(_WHOLE[0]) - 1), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_a_damaged_file_is_read_or_refused(whole: bytes, changes: list[tuple[int, int]]) -> None:
    """Never another error; what is read after a change that does not matter are the same numbers."""
    body = bytearray(whole)
    for place, value in changes:
        body[place % len(body)] = value
    try:
        found, _ = npz_arrays(bytes(body), limit=LIMIT)
    except UnusableArrays:
        return
    assert len(found) == 2
    for name, array in found.items():
        # The checksum covers header and numbers alike: only a name can change unnoticed.
        assert array.tobytes() in {X[:2].tobytes(), Y[:2].tobytes()}, name


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(body: bytes) -> None:
    """As an archive, and as the one file in an archive."""
    for attempt in (body, b"PK\x03\x04" + body, _zip(("X.npy", body))):
        with pytest.raises(UnusableArrays):
            npz_arrays(attempt, limit=LIMIT)
