"""The arrays of a user's data set in their one form, and the identity that follows from it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
from jaxtyping import Float64, Shaped

from core.array_block import pack_arrays, unpack_arrays
from core.data.regression import Dataset
from core.errors import StepbiasError

LARGEST_ENTRY: Final = 1e100
"""Its square is still far from overflow; so says the interface of every number that it takes."""

LARGEST_WHOLE: Final = 2**53
"""Up to it every whole number is a float64."""

NUMBER_OF_AXES: Final[Mapping[str, int]] = MappingProxyType(
    {"X": 2, "y": 1, "true_predictor": 1, "held_out_X": 2, "held_out_y": 1}
)
"""The arrays that make up a data set; the first two must be there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrayViolation:
    """One thing that is wrong: `place` is an array's name and, for one entry, its indices; empty for the whole."""

    place: tuple[str | int, ...] = ()
    sentence: str


class UnusableArrays(StepbiasError):
    """Arrays, or the file that they should be in, that are no data set; `violations` says why.

    Of what was given only a field of a CSV file is repeated, cut where it is long: a line number does not show it.
    """

    def __init__(self, *violations: ArrayViolation) -> None:
        super().__init__("; ".join(violation.sentence for violation in violations))
        self.violations = violations


def unusable(sentence: str, name: str | None = None) -> UnusableArrays:
    """The error of one thing that is wrong, with an array or with the whole file."""
    return UnusableArrays(ArrayViolation(place=() if name is None else (name,), sentence=sentence))


class OversizedArrays(UnusableArrays):
    """Arrays with more entries than are taken; found from what a file declares, before anything is unfolded."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UserArrays:
    """X (N, d) and y (N,), with β* (d,) and held-out samples (M, d), (M,) where the user has them: finite float64."""

    X: Float64[np.ndarray, "sample dim"]
    y: Float64[np.ndarray, " sample"]
    true_predictor: Float64[np.ndarray, " dim"] | None = None
    held_out_X: Float64[np.ndarray, "held_out dim"] | None = None
    held_out_y: Float64[np.ndarray, " held_out"] | None = None

    @classmethod
    def of(cls, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> Self:
        """The data set of these arrays, by name, whatever their kind of real number, byte order and layout.

        Raises:
            UnusableArrays: names, shapes or numbers that do not make one; every violation with its place.
        """
        violations = (*_misnamed(arrays), *_misshapen(arrays), *_unusable_numbers(arrays))
        if violations:
            raise UnusableArrays(*violations)
        return cls(**{name: _canonical(array) for name, array in arrays.items()})

    @classmethod
    def unpack(cls, block: bytes) -> Self:
        """The data set that `pack` was asked of.

        Raises:
            MalformedArrays: `pack` did not write these bytes.
        """
        return cls(**unpack_arrays(block))

    def pack(self) -> bytes:
        """The arrays as one block of bytes."""
        return pack_arrays(self.arrays)

    @property
    def arrays(self) -> dict[str, Float64[np.ndarray, "..."]]:
        """Those that are there, by name."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in known.items() if array is not None}

    @property
    def id(self) -> str:
        """SHA-256, in hexadecimal, of the names and shapes and of the numbers as little-endian float64.

        Equal data have one id whatever file they came in.
        """
        named = sorted(self.arrays.items())
        digest = hashlib.sha256(json.dumps([[name, array.shape] for name, array in named]).encode())
        for _, array in named:
            digest.update(array.astype("<f8", copy=False).tobytes())
        return digest.hexdigest()

    def about(self) -> dict[str, Any]:
        """What there is to know of the data set without its numbers; `digest` is that of X and y without transforms."""
        return {
            "id": self.id,
            "samples": self.X.shape[0],
            "dimension": self.X.shape[1],
            "held_out_samples": 0 if self.held_out_y is None else len(self.held_out_y),
            "has_true_predictor": self.true_predictor is not None,
            "digest": Dataset(X=self.X, y=self.y).digest,
        }


def require_entries(name: str, shape: tuple[int, ...], *, limit: int) -> None:
    """Return if an array of this shape has at most `limit` entries.

    Raises:
        OversizedArrays: it has more; with the numbers.
    """
    entries = 1
    for length in shape:
        entries *= length
    if entries > limit:
        sentence = f"{' × '.join(map(str, shape))} are {entries} entries; at most {limit} are taken"
        raise OversizedArrays(ArrayViolation(place=(name,), sentence=sentence))


def _canonical(array: Shaped[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    # -0.0 is the number 0.0 in another spelling, and would be another data set.
    canonical = np.array(array, dtype=np.float64, order="C") + 0.0
    canonical.setflags(write=False)
    return canonical


def _misnamed(arrays: Mapping[str, Any]) -> Iterator[ArrayViolation]:
    names = ", ".join(NUMBER_OF_AXES)
    for name in arrays:
        if name not in NUMBER_OF_AXES:
            yield ArrayViolation(place=(name,), sentence=f"there is no such array; the names here are {names}")
    for name, wanted in (("X", "a row of numbers for each sample"), ("y", "a number for each sample")):
        if name not in arrays:
            yield ArrayViolation(place=(name,), sentence=f"this array is required: {wanted}")
    for name, other in (("held_out_X", "held_out_y"), ("held_out_y", "held_out_X")):
        if name not in arrays and other in arrays:
            yield ArrayViolation(place=(name,), sentence=f"this array is required where there is {other}")


def _misshapen(arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> Iterator[ArrayViolation]:
    shapes = {name: array.shape for name, array in arrays.items() if name in NUMBER_OF_AXES}
    known = {}
    for name, shape in shapes.items():
        if len(shape) != NUMBER_OF_AXES[name]:
            wanted = "one row for each sample, (N, d)," if NUMBER_OF_AXES[name] == 2 else "one list of numbers, (N,),"
            yield ArrayViolation(place=(name,), sentence=f"{wanted} is wanted; the shape is {shape}")
        elif 0 in shape:
            yield ArrayViolation(place=(name,), sentence=f"at least one entry is wanted; the shape is {shape}")
        else:
            known[name] = shape
    for name, axis, other, other_axis in _AGREEMENTS:
        if name in known and other in known and known[name][axis] != known[other][other_axis]:
            what, where = ("columns" if axis else "entries"), ("columns" if other_axis else "rows")
            sentence = f"{known[name][axis]} {what} do not fit the {known[other][other_axis]} {where} of {other}"
            yield ArrayViolation(place=(name,), sentence=sentence)


_AGREEMENTS: Final = (
    ("y", 0, "X", 0),
    ("true_predictor", 0, "X", 1),
    ("held_out_X", 1, "X", 1),
    ("held_out_y", 0, "held_out_X", 0),
)
"""Which axis of which array is as long as which of which other."""


def _unusable_numbers(arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> Iterator[ArrayViolation]:
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            sentence = "real numbers of at most 64 bits are wanted: floats or whole numbers"
            yield ArrayViolation(place=(name,), sentence=sentence)
            continue
        if array.dtype.kind == "f":
            wanted = f"a finite number of size at most {LARGEST_ENTRY:g}"
            usable = np.abs(array.astype(np.float64)) <= LARGEST_ENTRY  # which NaN is not
        else:
            wanted = f"a whole number of size at most {LARGEST_WHOLE}, or a float,"
            usable = (array <= LARGEST_WHOLE) & (array >= -LARGEST_WHOLE)  # the least int64 has no absolute value
        unusable = np.argwhere(~usable)
        if len(unusable):
            more = f"; {len(unusable)} entries of this array are none" if len(unusable) > 1 else ""
            place = (name, *unusable[0].tolist())
            yield ArrayViolation(place=place, sentence=f"{wanted} is wanted{more}")
