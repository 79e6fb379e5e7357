"""Named arrays as one block of bytes: a JSON header and raw little-endian numbers, compressed.

The bytes of an array are sorted by their place in a number: signs and exponents of neighbours are alike, which is most
of what there is to compress in curves and parameters.

A block of a stored run is not compressed by itself, for it is kept with others that are much like it: its numbers are
there as they are, and `numbers_in_block` says where.

No pickle: bytes from a store are read without running anything they contain.
"""

import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from core.errors import StepbiasError

MAGIC: Final = b"sba2"
PLAIN_MAGIC: Final = b"sba1"
"""Of blocks whose bytes are in their own order, as they were written before."""

BARE_MAGIC: Final = b"sba4"
"""Of blocks that are not compressed, the bytes of all numbers in their own order."""

FORMER_BARE_MAGIC: Final = b"sba3"
"""Of bare blocks as they were written before: all numbers of a type together, and of all but float64 as differences."""

DTYPES: Final = ("<f4", "<f8", "<i8")
MAX_BYTES: Final = 1 << 30
"""Most bytes a block may unfold to: a few bytes of compressed zeros can claim any amount of memory."""

_HEADER_LENGTH: Final = struct.Struct("<I")


class Numbers(NamedTuple):
    """Numbers side by side in bytes: where the first begins, how many there are, and how many bytes each has."""

    start: int
    length: int
    itemsize: int


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


def bare_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """`arrays` in one block that is not compressed; equal arrays give equal bytes.

    Raises:
        TypeError: as `pack_arrays`.
    """
    ordered = {name: _little_endian(name, arrays[name]) for name in sorted(arrays)}
    header = _header(tuple((name, array.dtype.str, array.shape) for name, array in ordered.items()))
    return b"".join([BARE_MAGIC, header, *(array.tobytes() for array in ordered.values())])


def numbers_in_block(block: bytes) -> tuple[Numbers, ...]:
    """Where the numbers of a bare block lie, array by array; of any other bytes none are told."""
    if not block.startswith(BARE_MAGIC):
        return ()
    start = len(BARE_MAGIC) + _HEADER_LENGTH.size
    (length,) = _HEADER_LENGTH.unpack_from(block, len(BARE_MAGIC))
    return _numbers_behind(block[start : start + length])


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
    if block.startswith(FORMER_BARE_MAGIC):
        return _parts(content[start:], entries)
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


@lru_cache(maxsize=1024)
def _header(entries: tuple[tuple[str, str, tuple[int, ...]], ...]) -> bytes:
    """That of a bare block: the same for all runs that recorded as often."""
    text = json.dumps([[name, kind, list(shape)] for name, kind, shape in entries], separators=(",", ":")).encode()
    return _HEADER_LENGTH.pack(len(text)) + text


@lru_cache(maxsize=1024)
def _numbers_behind(header: bytes) -> tuple[Numbers, ...]:
    """Those of a bare block with this header; arrays without any are passed over."""
    numbers, start = list[Numbers](), len(BARE_MAGIC) + _HEADER_LENGTH.size + len(header)
    for _, dtype, shape in _entries(json.loads(header)):
        own = Numbers(start=start, length=math.prod(shape), itemsize=dtype.itemsize)
        numbers += [own] if own.length else []
        start += own.length * own.itemsize
    return tuple(numbers)


def _summed(differences: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """The numbers whose differences these are."""
    if dtype.str == "<f8":
        return differences.view(dtype)
    steps = (differences >> 1) ^ (0 - (differences & 1))
    return np.cumsum(steps, dtype=differences.dtype).view(dtype)


def _inflated(block: bytes) -> bytes:
    if block.startswith((BARE_MAGIC, FORMER_BARE_MAGIC)):
        return block[len(BARE_MAGIC) :]
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


def _parts(body: bytes, entries: list[tuple[str, np.dtype[Any], tuple[int, ...]]]) -> dict[str, np.ndarray]:
    """The arrays of a bare block, read-only."""
    arrays, start = {}, 0
    for kind in DTYPES:
        dtype, own = np.dtype(kind), [entry for entry in entries if entry[1].str == kind]
        lengths = [math.prod(shape) for _, _, shape in own]
        stop = start + sum(lengths) * dtype.itemsize
        if stop > len(body):
            raise MalformedArrays("an array block has fewer numbers than its header says")
        rows = np.frombuffer(body[start:stop], dtype=np.uint8).reshape(dtype.itemsize, -1)
        numbers = _summed(np.frombuffer(rows.T.tobytes(), dtype=f"<u{dtype.itemsize}"), dtype)
        numbers.flags.writeable = False
        first = 0
        for (name, _, shape), length in zip(own, lengths, strict=True):
            arrays[name] = numbers[first : first + length].reshape(shape)
            first += length
        start = stop
    if start != len(body):
        raise MalformedArrays("an array block has more numbers than its header says")
    return arrays


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
