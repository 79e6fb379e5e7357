"""Arrays from the bytes of an .npz file: a zip archive with one .npy file for each array (NEP 1).

The bytes come from anybody. Nothing is unpickled; only arrays of real numbers with names that are known are read, and
of each no more than its header declares, after that was held against the limit. NumPy reads the headers itself, so that
what `numpy.load(allow_pickle=False)` reads is read. `zip data.npz X.npy y.npy` makes such a file too.
"""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped
from numpy.lib import format as npy_format

from core.data.reading import Reading
from core.data.user_arrays import NUMBER_OF_AXES, require_entries, unusable

MOST_MEMBERS: Final = 64
"""Most files in an archive that is looked into."""

_MAGIC: Final = b"\x93NUMPY"
_MEMBER: Final = b"PK\x01\x02"
"""With this a file begins in the directory of a zip archive."""

_READ_HEADER: Final[Mapping[tuple[int, int], Callable[[Any], tuple[Any, ...]]]] = MappingProxyType(
    {
        (1, 0): npy_format.read_array_header_1_0,
        (2, 0): npy_format.read_array_header_2_0,
        (3, 0): npy_format.read_array_header_2_0,
    }
)
"""By the version of the format. Version 3 differs from 2 in the names of fields alone, and no record is read."""

_READABLE: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises on bytes that are no archive, or a damaged one, or one that is encrypted.
_DAMAGES: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
# What NumPy raises on a header that is none.
_NO_HEADER: Final = (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """What a .npy file declares of its array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_fortran: bool

    @property
    def payload(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def npz_arrays(body: bytes, *, limit: int) -> tuple[dict[str, Shaped[np.ndarray, "..."]], Reading]:
    """The arrays by name, of at most `limit` entries each, and which are no float64 in the file.

    Raises:
        OversizedArrays: an array declares more entries.
        UnusableArrays: these bytes are no such file, or one with something else in it.
    """
    if body.startswith(_MAGIC):
        raise unusable("a .npy file has one array; put X.npy and y.npy into one .npz or .zip file")
    # Before zipfile makes an object of each: a few megabytes of nothing but directory would be a hundred thousand.
    if body.count(_MEMBER) > MOST_MEMBERS:
        raise unusable(f"more than {MOST_MEMBERS} files are in this archive")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            arrays = {name: _array(archive, name, member, limit) for name, member in _members(archive).items()}
    except _DAMAGES as error:
        raise unusable(
            "this is no .npz file (a zip archive of .npy files, as numpy.savez writes it), or a damaged one"
        ) from error
    others = {name: array.dtype.name for name, array in arrays.items() if array.dtype.type is not np.float64}
    converted = tuple(f"{name}: {kind} became float64" for name, kind in others.items())
    return {name: _usable(array) for name, array in arrays.items()}, Reading(target="y", converted=converted)


def _usable(array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """Truths, and floats of more than 64 bits, as float64; what is too large for that becomes infinite."""
    is_wide = array.dtype.kind == "b" or array.dtype.itemsize > 8
    with np.errstate(over="ignore"):
        return array.astype(np.float64) if is_wide else array


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by the names of their arrays, every one of them known."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name not in NUMBER_OF_AXES:
            names = ", ".join(f"{known}.npy" for known in NUMBER_OF_AXES)
            raise unusable(f"the files in the archive should be among {names}", name)
        if name in members:
            raise unusable("this array is there twice", name)
        members[name] = member
    return members


def _array(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo, limit: int) -> Shaped[np.ndarray, "..."]:
    if member.compress_type not in _READABLE or member.flag_bits & 1:
        raise unusable("plain zip compression (deflate, or none) without a password is wanted", name)
    with archive.open(member) as file:
        header = _header(file, name)
        require_entries(name, header.shape, limit=limit)
        payload = file.read(header.payload)
        if len(payload) < header.payload or file.read(1):
            raise unusable("the file has fewer or more numbers than its header says", name)
    numbers = np.frombuffer(payload, dtype=header.dtype)
    return numbers.reshape(header.shape, order="F" if header.is_fortran else "C")


def _header(file: Any, name: str) -> _Header:
    try:
        version = npy_format.read_magic(file)
        shape, is_fortran, dtype = _READ_HEADER[version](file)
    except _NO_HEADER:
        raise unusable("this is no .npy file of version 1 to 3, or its header is damaged", name) from None
    if not all(type(axis) is int and 0 <= axis < 2**53 for axis in shape):
        raise unusable("the header of this .npy file is damaged", name)
    return _Header(dtype=_real(dtype, name), shape=shape, is_fortran=is_fortran)


def _real(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    if dtype.hasobject:
        raise unusable("Python objects are never unpickled; save this array with a numeric dtype", name)
    if dtype.names is not None:
        raise unusable("plain numbers are wanted, not records with fields", name)
    if dtype.kind not in "fiub":
        raise unusable("real numbers are wanted: floats, whole numbers or truths", name)
    return dtype
