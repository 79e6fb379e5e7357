"""Arrays from the bytes of an .npz file: a zip archive with one .npy file for each array (NEP 1).

The bytes come from anybody. Nothing is unpickled; only arrays of real numbers with names that are known are read, and
of each no more than its header declares, after that was held against the limit. `zip data.npz X.npy y.npy` makes such a
file too.
"""

import ast
import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped

from core.data.user_arrays import NUMBER_OF_AXES, ArrayViolation, UnusableArrays, require_entries

MOST_MEMBERS: Final = 64
"""Most files in an archive that is looked into."""

LONGEST_HEADER: Final = 1024
"""Most bytes of a .npy header; NumPy's own have 118."""

_MAGIC: Final = b"\x93NUMPY"
_MEMBER: Final = b"PK\x01\x02"
"""With this a file begins in the directory of a zip archive."""

_LENGTH: Final[Mapping[int, struct.Struct]] = MappingProxyType({1: struct.Struct("<H"), 2: struct.Struct("<I")})
"""How a header's length is written, by the major version of the format; version 3 is for names of fields."""

_REAL: Final = re.compile(r"[<>](f[248]|[iu][248])|[<>|]?[iu]1", re.ASCII)
_READABLE: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises on bytes that are no archive, or a damaged one, or one that is encrypted.
_DAMAGES: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """What a .npy file declares of its array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_fortran: bool

    @property
    def payload(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def npz_arrays(body: bytes, *, limit: int) -> dict[str, Shaped[np.ndarray, "..."]]:
    """The arrays by name, of at most `limit` entries each.

    Raises:
        OversizedArrays: an array declares more entries.
        UnusableArrays: these bytes are no such file, or one with something else in it.
    """
    if body.startswith(_MAGIC):
        raise _unusable("a .npy file has one array; put X.npy and y.npy into one .npz or .zip file")
    # Before zipfile makes an object of each: a few megabytes of nothing but directory would be a hundred thousand.
    if body.count(_MEMBER) > MOST_MEMBERS:
        raise _unusable(f"more than {MOST_MEMBERS} files are in this archive")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return {name: _array(archive, name, member, limit) for name, member in _members(archive).items()}
    except _DAMAGES as error:
        raise _unusable("this is no .npz file (a zip archive of .npy files), or a damaged one") from error


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by the names of their arrays, every one of them known."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name not in NUMBER_OF_AXES:
            names = ", ".join(f"{known}.npy" for known in NUMBER_OF_AXES)
            raise _unusable(f"the files in the archive should be among {names}", name)
        if name in members:
            raise _unusable("this array is there twice", name)
        members[name] = member
    return members


def _array(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo, limit: int) -> Shaped[np.ndarray, "..."]:
    if member.compress_type not in _READABLE or member.flag_bits & 1:
        raise _unusable("plain zip compression (deflate, or none) without a password is wanted", name)
    with archive.open(member) as file:
        header = _header(file, name)
        require_entries(name, header.shape, limit=limit)
        payload = file.read(header.payload)
        if len(payload) < header.payload or file.read(1):
            raise _unusable("the file has fewer or more numbers than its header says", name)
    numbers = np.frombuffer(payload, dtype=header.dtype)
    return numbers.reshape(header.shape, order="F" if header.is_fortran else "C")


def _header(file: Any, name: str) -> _Header:
    start = file.read(len(_MAGIC) + 2)
    length = _LENGTH.get(start[-2]) if start.startswith(_MAGIC) and len(start) == len(_MAGIC) + 2 else None
    if length is None:
        raise _unusable("this is no .npy file of version 1 or 2", name)
    (declared,) = length.unpack(file.read(length.size))
    if declared > LONGEST_HEADER:
        raise _unusable("the header of this .npy file is longer than any array of numbers needs", name)
    match _literal(file.read(declared)):
        case {"descr": str(descr), "fortran_order": bool(is_fortran), "shape": tuple(shape), **rest} if not rest:
            if len(shape) > 2 or not all(type(axis) is int and 0 <= axis < 2**53 for axis in shape):
                raise _unusable("an array of one or two axes is wanted", name)
            return _Header(dtype=_dtype(descr, name), shape=shape, is_fortran=is_fortran)
        case {"descr": list()}:
            raise _unusable("plain numbers are wanted, not records with fields", name)
        case _:
            raise _unusable("the header of this .npy file is damaged", name)


def _literal(text: bytes) -> Any:
    """The Python literal that the text spells, None where it spells none."""
    try:
        return ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _dtype(descr: str, name: str) -> np.dtype[Any]:
    if descr.endswith("O"):
        raise _unusable("Python objects are never unpickled; save this array with a numeric dtype", name)
    if not _REAL.fullmatch(descr):
        raise _unusable("real numbers of at most 64 bits are wanted: floats or whole numbers", name)
    return np.dtype(descr)


def _unusable(sentence: str, name: str | None = None) -> UnusableArrays:
    return UnusableArrays(ArrayViolation(place=() if name is None else (name,), sentence=sentence))
