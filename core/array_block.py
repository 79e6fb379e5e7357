"""Named arrays as one block of bytes: a JSON header and raw little-endian numbers, compressed.

The bytes of an array are sorted by their place in a number: signs and exponents of neighbours are alike, which is most
of what there is to compress in curves and parameters.

No pickle: bytes from a store are read without running anything they contain.
"""

import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from core.errors import StepbiasError

MAGIC: Final = b"sba2"
PLAIN_MAGIC: Final = b"sba1"
"""Of blocks whose bytes are in their own order, as they were written before."""

DTYPES: Final = ("<f4", "<f8", "<i8")
MAX_BYTES: Final = 1 << 30
"""Most bytes a block may unfold to: a few bytes of compressed zeros can claim any amount of memory."""

_HEADER_LENGTH: Final = struct.Struct("<I")


class MalformedArrays(StepbiasError):
    """Bytes that `pack_arrays` did not write, or not all of them."""


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """`arrays` (float64, float32 or int64, any shape) in one block; equal arrays give equal bytes.

    Raises:
        TypeError: an array has another type of entry.
    """
    ordered = {name: _little_endian(name, arrays[name]) for name in sorted(arrays)}
    header = json.dumps([[name, array.dtype.str, list(array.shape)] for name, array in ordered.items()]).encode()
    body = b"".join(_sorted_bytes(array) for array in ordered.values())
    return MAGIC + zlib.compress(_HEADER_LENGTH.pack(len(header)) + header + body)


def unpack_arrays(block: bytes) -> dict[str, np.ndarray]:
    """The arrays that `pack_arrays` was given, bit for bit; read-only.

    Raises:
        MalformedArrays: the block is damaged, cut short, too long or no such block.
    """
    content = _inflated(block)
    try:
        (length,) = _HEADER_LENGTH.unpack_from(content)
        start = _HEADER_LENGTH.size + length
        entries = list(_entries(json.loads(content[_HEADER_LENGTH.size : start])))
    except (struct.error, ValueError, RecursionError) as error:
        raise MalformedArrays("the header of an array block is damaged") from error
    return _views(content, start, entries, is_sorted=block.startswith(MAGIC))


def _little_endian(name: str, array: np.ndarray) -> np.ndarray:
    plain = np.asarray(array, order="C")
    dtype = plain.dtype.newbyteorder("<")
    if dtype.str not in DTYPES:
        raise TypeError(f"array {name} has entries of type {plain.dtype}; float64, float32 and int64 can be packed")
    return plain.astype(dtype, copy=False)


def _sorted_bytes(array: np.ndarray) -> bytes:
    """The first bytes of all numbers, then the second ones, and so on."""
    return np.frombuffer(array.tobytes(), dtype=np.uint8).reshape(-1, array.itemsize).T.tobytes()


def _inflated(block: bytes) -> bytes:
    if not block.startswith((MAGIC, PLAIN_MAGIC)):
        raise MalformedArrays("these bytes are no array block")
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(block[len(MAGIC) :], MAX_BYTES)
    except zlib.error as error:
        raise MalformedArrays("an array block is damaged") from error
    if not stream.eof or stream.unused_data:
        raise MalformedArrays("an array block is cut short, or longer than it should be")
    return content


def _entries(header: Any) -> Iterator[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    """The header's entries, each checked; a ValueError says that one is wrong."""
    seen: set[str] = set()
    if not isinstance(header, list):
        raise ValueError("no list")  # noqa: TRY004 - every fault of the bytes is one kind of error here
    for entry in header:
        match entry:
            case [str(name), str(dtype), [*shape]] if dtype in DTYPES and name not in seen and _is_shape(shape):
                seen.add(name)
                yield name, np.dtype(dtype), tuple(shape)
            case _:
                raise ValueError("no entry")


def _is_shape(lengths: list[Any]) -> bool:
    # NumPy refuses more than 64 dimensions, and lengths beyond the address space even where another one is zero.
    return len(lengths) <= 32 and all(type(length) is int and 0 <= length <= MAX_BYTES for length in lengths)


def _views(
    content: bytes, start: int, entries: list[tuple[str, np.dtype[Any], tuple[int, ...]]], *, is_sorted: bool
) -> dict[str, np.ndarray]:
    arrays = {}
    for name, dtype, shape in entries:
        count = math.prod(shape)
        stop = start + count * dtype.itemsize
        if stop > len(content):
            raise MalformedArrays("an array block has fewer numbers than its header says")
        numbers = content[start:stop]
        if is_sorted:
            numbers = np.frombuffer(numbers, dtype=np.uint8).reshape(dtype.itemsize, count).T.tobytes()
        arrays[name] = np.frombuffer(numbers, dtype=dtype).reshape(shape)
        start = stop
    if start != len(content):
        raise MalformedArrays("an array block has more numbers than its header says")
    return arrays
