"""What a library writes into a file, as pieces to be sent."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Final

_PIECE: Final = 1 << 18
"""Bytes."""


def written(write: Callable[[IO[bytes]], object]) -> Iterator[bytes]:
    """What `write` writes, through a pipe: it goes no faster than the pieces are taken, and ends when nobody does."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as thread, open(reading, "rb") as source:  # noqa: PTH123 - a pipe has no path
        ending = thread.submit(_write, write, writing)
        while piece := source.read(_PIECE):
            yield piece
        # An error of the writer, which looks like the end of the file from here.
        ending.result()


def _write(write: Callable[[IO[bytes]], object], writing: int) -> None:
    with open(writing, "wb", buffering=_PIECE) as sink:
        write(sink)
