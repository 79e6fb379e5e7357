"""Pages: what is stored of several runs, packed together.

Runs of one batch are much alike: they have their problem, their kernel and most of their names in common. Values of one
length are laid beside each other, first the first byte of all, then the second: what is equal, or nearly, is then a
long stretch of equal bytes.
"""

import struct
import zlib
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np

MOST_BYTES: Final = 450_000
"""Of a page before it is packed, unless one run has more: who reads a run unpacks its page, in a millisecond or two."""

LEVEL: Final = 4
"""Of zlib."""

_NUMBER: Final = struct.Struct("<I")


def packed_page(values: Sequence[bytes]) -> bytes:
    """The values in one, in their order."""
    lengths = np.array([len(values), *map(len, values)], dtype="<u4").tobytes()
    stretches = (b"".join(group) if not length else _turned(list(group)) for length, group in groupby(values, len))
    return zlib.compress(lengths + b"".join(stretches), LEVEL)


def unpacked_page(page: bytes) -> list[bytes]:
    """The values of `packed_page`."""
    content = zlib.decompress(page)
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


def _turned(values: Sequence[bytes]) -> bytes:
    """The first bytes of values of one length, then the second ones, and so on."""
    return np.frombuffer(b"".join(values), dtype=np.uint8).reshape(len(values), -1).T.tobytes()
