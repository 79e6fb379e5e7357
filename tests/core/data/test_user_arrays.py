"""The arrays of a user's data set: one form, one identity, and every fault with its place."""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.array_block import MalformedArrays
from core.data.regression import Dataset
from core.data.user_arrays import OversizedArrays, UnusableArrays, UserArrays, require_entries

X = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, 0.25]])
Y = np.array([1.0, 2.0])
FULL = {"X": X, "y": Y, "true_predictor": np.ones(3), "held_out_X": X[:1], "held_out_y": Y[:1]}


def _faults(arrays: dict[str, Any]) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(UnusableArrays) as caught:
        UserArrays.of(arrays)
    return {fault.place: fault.sentence for fault in caught.value.violations}


def test_the_id_is_a_hash_of_names_shapes_and_numbers() -> None:
    """Written out: the ids of users' specs must not change with the code."""
    numbers = np.concatenate([X.ravel(), Y]).astype("<f8").tobytes()
    expected = hashlib.sha256(b'[["X", [2, 3]], ["y", [2]]]' + numbers).hexdigest()
    assert UserArrays.of({"y": Y, "X": X}).id == expected


@pytest.mark.parametrize("dtype", [">f8", "<f4", ">f4", "<f2", "<i8", ">i2", "i1"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_equal_numbers_are_one_data_set(dtype: str, layout: Any) -> None:
    """Whatever their type, byte order and layout."""
    whole = np.array([[1, -2, 0], [3, 4, 0]])
    other = UserArrays.of({"X": np.array(whole, dtype=dtype, order=layout), "y": Y.astype(dtype)})
    assert other.id == UserArrays.of({"X": whole.astype("<f8"), "y": Y}).id
    assert other.X.dtype == np.float64


def test_a_negative_zero_is_zero() -> None:
    """Two spellings of one number."""
    assert UserArrays.of({"X": np.array([[-0.0, 1.0]]), "y": Y[:1]}).id == (
        UserArrays.of({"X": np.array([[0.0, 1.0]]), "y": Y[:1]}).id
    )


@pytest.mark.parametrize(
    "change",
    [
        {"X": np.nextafter(X, 9)},
        {"y": Y[::-1]},
        {"true_predictor": np.zeros(3)},
        {"held_out_X": X, "held_out_y": Y},
        {"X": X.T.reshape(2, 3)},
    ],
)
def test_any_other_number_is_another_data_set(change: dict[str, np.ndarray]) -> None:
    """What judges a predictor belongs to the data set, too."""
    assert UserArrays.of(FULL | change).id != UserArrays.of(FULL).id


@given(st.lists(st.floats(-1e100, 1e100), min_size=6, max_size=6), st.booleans())
def test_what_is_packed_is_unpacked(numbers: list[float], full: bool) -> None:  # noqa: FBT001 - drawn
    """To the bit, with the same id."""
    arrays = UserArrays.of((FULL if full else {"y": Y}) | {"X": np.array(numbers).reshape(2, 3)})
    again = UserArrays.unpack(arrays.pack())
    assert again.arrays.keys() == arrays.arrays.keys()
    for name, array in arrays.arrays.items():
        assert again.arrays[name].tobytes() == array.tobytes()
    assert again.id == arrays.id


def test_damaged_bytes_are_no_data_set() -> None:
    """With the error of the packing."""
    with pytest.raises(MalformedArrays):
        UserArrays.unpack(UserArrays.of(FULL).pack()[:-1])


def test_a_description_has_the_sizes_and_the_digest_of_the_training_set() -> None:
    """And says what there is besides it."""
    assert UserArrays.of(FULL).about() == {
        "id": UserArrays.of(FULL).id,
        "samples": 2,
        "dimension": 3,
        "held_out_samples": 1,
        "has_true_predictor": True,
        "digest": Dataset(X=X, y=Y).digest,
    }
    plain = UserArrays.of({"X": X, "y": Y}).about()
    assert (plain["held_out_samples"], plain["has_true_predictor"]) == (0, False)


@pytest.mark.parametrize(
    ("arrays", "places"),
    [
        ({}, [("X",), ("y",)]),
        ({"X": X}, [("y",)]),
        ({"X": X, "y": Y, "z": Y}, [("z",)]),
        ({"X": X, "y": Y, "held_out_y": Y}, [("held_out_X",)]),
        ({"X": X, "y": Y, "held_out_X": X}, [("held_out_y",)]),
        ({"X": Y, "y": X}, [("X",), ("y",)]),
        ({"X": X, "y": Y[:, None]}, [("y",)]),
        ({"X": X[None], "y": Y}, [("X",)]),
        ({"X": X[:0], "y": Y[:0]}, [("X",), ("y",)]),
        ({"X": X, "y": np.ones(3)}, [("y",)]),
        ({"X": X, "y": Y, "true_predictor": Y}, [("true_predictor",)]),
        (FULL | {"held_out_X": np.ones((1, 2))}, [("held_out_X",)]),
        (FULL | {"held_out_y": Y}, [("held_out_y",)]),
        ({"X": X.astype(complex), "y": Y}, [("X",)]),
        ({"X": X > 0, "y": Y}, [("X",)]),
        ({"X": X.astype(np.longdouble), "y": Y}, [("X",)]),
        ({"X": X.astype(str), "y": Y}, [("X",)]),
        ({"X": np.array([[1.0, np.nan], [np.inf, 1.0]]), "y": np.array([1.0, -np.inf])}, [("X", 0, 1), ("y", 1)]),
        ({"X": np.array([[1.0, 1e101]]), "y": Y[:1]}, [("X", 0, 1)]),
        ({"X": np.array([[2**53 + 1, 1]]), "y": Y[:1]}, [("X", 0, 0)]),
        ({"X": np.array([[1, np.iinfo(np.int64).min]]), "y": Y[:1]}, [("X", 0, 1)]),
        ({"X": np.array([[1, 2**64 - 1]], dtype=np.uint64), "y": Y[:1]}, [("X", 0, 1)]),
    ],
)
def test_every_fault_has_its_place(arrays: dict[str, np.ndarray], places: list[tuple[str | int, ...]]) -> None:
    """All of them at once, and never a value that was given."""
    faults = _faults(arrays)
    assert list(faults) == places
    assert not any("nan" in sentence or "inf " in sentence or "1e+101" in sentence for sentence in faults.values())


def test_several_entries_that_are_no_numbers_are_counted() -> None:
    """One place stands for them."""
    (sentence,) = _faults({"X": np.full((2, 3), np.nan), "y": Y}).values()
    assert "6 entries" in sentence


def test_a_single_one_is_not_counted() -> None:
    """Its place says it all."""
    (sentence,) = _faults({"X": np.array([[1.0, np.nan]]), "y": Y[:1]}).values()
    assert sentence.endswith("is wanted")


def test_a_wrong_shape_is_said() -> None:
    """The commonest slip is a column for y."""
    (sentence,) = _faults({"X": X, "y": Y[:, None]}).values()
    assert "(N,)" in sentence
    assert "(2, 1)" in sentence


@given(st.lists(st.integers(0, 2**53), max_size=2), st.integers(0, 10**6))
def test_entries_are_limited_by_their_number(shape: list[int], limit: int) -> None:
    """At the limit is allowed; above it the numbers are said."""
    entries = int(np.prod(np.array(shape, dtype=object))) if shape else 1
    if entries <= limit:
        require_entries("X", tuple(shape), limit=limit)
    else:
        with pytest.raises(OversizedArrays, match=f"{entries} entries; at most {limit}"):
            require_entries("X", tuple(shape), limit=limit)
