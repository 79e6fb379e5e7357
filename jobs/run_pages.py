"""Pages: what is stored of several runs, packed together.

Runs of one batch are much alike: they have their problem, their kernel and most of their names in common, and their
numbers are those of neighbours in a grid. Values of one form are laid beside each other: of numbers their differences
(`jobs.number_differences`), the lowest byte of all, then the next; and what is equal in all runs is there once.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64, Shaped, UInt8

from core.array_block import Numbers
from jobs.number_differences import Differences

MAGIC: Final = b"sbp2"

MOST_BYTES: Final = 450_000
"""Of a page before it is packed, unless one run has more: who reads a run unpacks its page, in a millisecond or two."""

LEVEL: Final = 4
"""Of zlib."""

_SIZES: Final = (4, 8)
"""Bytes of a number."""

_NUMBER: Final = struct.Struct("<I")
_GROUP: Final = struct.Struct("<III")
_STRETCH: Final = np.dtype([("gap", "<i4"), ("length", "<u4"), ("itemsize", "u1"), ("along", "u1"), ("across", "u1")])
"""Numbers side by side: bytes from the end of those before to them, and of which order differences were taken."""

Rows = UInt8[np.ndarray, "byte run"]
Table = Shaped[np.ndarray, " stretch"]


def packed_page(values: Sequence[bytes], numbers_in: Callable[[bytes], Sequence[Numbers]] = lambda _: ()) -> bytes:
    """The values in one, in their order; `numbers_in` says where in one of them numbers lie, of 4 or 8 bytes each."""
    groups = groupby(values, lambda value: (len(value), tuple(numbers_in(value))))
    return MAGIC + zlib.compress(b"".join(_group(list(alike), numbers) for (_, numbers), alike in groups), LEVEL)


def unpacked_page(page: bytes) -> list[bytes]:
    """The values of `packed_page`, in this version or the one before."""
    if not page.startswith(MAGIC):
        return _former_page(zlib.decompress(page))
    content, values, start = zlib.decompress(page[len(MAGIC) :]), list[bytes](), 0
    while start < len(content):
        runs, length, stretches = _GROUP.unpack_from(content, start)
        start += _GROUP.size
        stop = start + stretches * _STRETCH.itemsize
        table = np.frombuffer(_turned(content[start:stop], _STRETCH.itemsize), dtype=_STRETCH)
        rows, start = _read(content, stop, length, runs)
        values += [value.tobytes() for value in _put_together(rows, table).T]
    return values


def _group(values: Sequence[bytes], numbers: Sequence[Numbers]) -> bytes:
    """Values of one length, with numbers at the same places of all."""
    table = np.zeros(len(numbers), dtype=_STRETCH)
    table["length"], table["itemsize"] = [each.length for each in numbers], [each.itemsize for each in numbers]
    stops = [0, *(each.start + each.length * each.itemsize for each in numbers)]
    table["gap"] = [each.start - stop for each, stop in zip(numbers, stops, strict=False)]
    rows = _taken_apart(np.frombuffer(b"".join(values), dtype=np.uint8).reshape(len(values), -1).T, table)
    head = _GROUP.pack(len(values), len(rows), len(table)) + _turned(table.tobytes(), len(table))
    return head + _written(rows)


def _taken_apart(values: Rows, table: Table) -> Rows:
    """The bytes of no number, then those of the numbers; the orders of their differences are noted in the table."""
    kinds = _by_size(table)
    parts = [values[_is_rest(len(values), kinds)]]
    for size, stretches, cuts in kinds:
        of_numbers = np.concatenate([values[cut] for cut in cuts]).reshape(-1, size, values.shape[1])
        numbers = np.ascontiguousarray(of_numbers.transpose(0, 2, 1)).view(f"<u{size}")[..., 0]
        differences = Differences.worth_taking(numbers, table["length"][stretches].astype(np.int64))
        table["along"][stretches], table["across"][stretches] = differences.along, differences.across
        left = np.ascontiguousarray(differences.of(numbers)).view(np.uint8).reshape(*numbers.shape, size)
        parts.append(left.transpose(2, 0, 1).reshape(-1, values.shape[1]))
    return np.concatenate(parts)


def _put_together(rows: Rows, table: Table) -> Rows:
    """What `_taken_apart` was given."""
    kinds = _by_size(table)
    values, is_rest = np.empty_like(rows), _is_rest(len(rows), kinds)
    start = np.count_nonzero(is_rest)
    values[is_rest] = rows[:start]
    for size, stretches, cuts in kinds:
        own = table[stretches]
        lengths, along, across = (own[name].astype(np.int64) for name in ("length", "along", "across"))
        planes = rows[start : start + size * int(lengths.sum())].reshape(size, -1, rows.shape[1])
        left = np.ascontiguousarray(planes.transpose(1, 2, 0)).view(f"<u{size}")[..., 0]
        numbers = Differences(lengths=lengths, along=along, across=across).undone(left)
        of_numbers = np.ascontiguousarray(numbers).view(np.uint8).reshape(*numbers.shape, size)
        taken = of_numbers.transpose(0, 2, 1).reshape(-1, rows.shape[1])
        start, first = start + len(taken), 0
        for cut in cuts:
            stop = first + cut.stop - cut.start
            values[cut], first = taken[first:stop], stop
    return values


Kind = tuple[int, Int64[np.ndarray, " own"], list[slice]]


def _by_size(table: Table) -> list[Kind]:
    """Sizes of numbers, the stretches of each, and where their bytes lie: those of neighbours in one."""
    taken = table["length"].astype(np.int64) * table["itemsize"]
    stops = np.cumsum(table["gap"] + taken)
    kinds = list[Kind]()
    for size in _SIZES:
        own = np.flatnonzero(table["itemsize"] == size)
        if len(own):
            firsts, lasts = (stops - taken)[own], stops[own]
            is_apart = firsts[1:] != lasts[:-1]
            ends = [*firsts[:1], *firsts[1:][is_apart]], [*lasts[:-1][is_apart], *lasts[-1:]]
            kinds.append((size, own, list(map(slice, *ends))))
    return kinds


def _is_rest(length: int, kinds: Sequence[Kind]) -> Bool[np.ndarray, " byte"]:
    """Which bytes belong to no number."""
    is_rest = np.ones(length, dtype=bool)
    for _, _, cuts in kinds:
        for cut in cuts:
            is_rest[cut] = False
    return is_rest


def _written(rows: Rows) -> bytes:
    """Those of the first two runs; of the others which rows are not all as those of the second, and these.

    Of numbers that are equal in all runs the differences are zero from the second on.
    """
    first, others = rows[:, :2], rows[:, 2:]
    vary = (others != rows[:, 1:2]).any(axis=1) if others.size else np.zeros(len(rows), dtype=bool)
    return b"".join([first.T.tobytes(), np.packbits(vary).tobytes(), others[vary].tobytes()])


def _read(content: bytes, start: int, length: int, runs: int) -> tuple[Rows, int]:
    """What `_written` wrote, and where it ends."""
    few = min(runs, 2)
    first = np.frombuffer(content, np.uint8, few * length, offset=start).reshape(few, length).T
    start += first.size
    mask = np.frombuffer(content, np.uint8, -(-length // 8), offset=start)
    vary = np.unpackbits(mask, count=length).astype(bool)
    start += mask.size
    others = np.repeat(first[:, -1:], runs - few, axis=1)
    varying = np.frombuffer(content, np.uint8, np.count_nonzero(vary) * (runs - few), offset=start)
    others[vary] = varying.reshape(np.count_nonzero(vary), runs - few)
    return np.concatenate([first, others], axis=1), start + varying.size


def _turned(values: bytes, count: int) -> bytes:
    """Of so many values of one length the first bytes, then the second ones, and so on."""
    return np.frombuffer(values, dtype=np.uint8).reshape(count, -1).T.tobytes() if count else b""


def _former_page(content: bytes) -> list[bytes]:
    """The values of a page that has no differences."""
    (count,) = _NUMBER.unpack_from(content)
    lengths = np.frombuffer(content, "<u4", count, offset=_NUMBER.size).tolist()
    values, start = list[bytes](), _NUMBER.size * (count + 1)
    for length, group in groupby(lengths):
        alike = len(list(group))
        stop = start + alike * length
        columns = np.frombuffer(content[start:stop], dtype=np.uint8).reshape(length, alike)
        values += [row.tobytes() for row in columns.T]
        start = stop
    return values
