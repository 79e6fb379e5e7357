"""What a library writes into a file, as pieces to be sent."""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from typing_extensions import Buffer, override  # in the standard library from Python 3.12 on

_PIECE: Final = 1 << 18
"""Bytes."""


class Sink(io.BufferedWriter):
    """A file to write into; `is_left` once nobody reads any more, from when on nothing is kept of what is written.

    No error is raised then: a library in another language may take it for a fault of its own.
    """

    is_left = False

    @override
    def write(self, data: Buffer, /) -> int:
        """Write all of it, as soon as the reader has taken what was before."""
        try:
            return super().write(data)
        except BrokenPipeError:
            self.is_left = True
            return memoryview(data).nbytes

    @override
    def flush(self) -> None:
        """Send what is held back."""
        try:
            super().flush()
        except BrokenPipeError:
            self.is_left = True


def written(write: Callable[[Sink], object]) -> Iterator[bytes]:
    """What `write` writes, through a pipe: it goes no faster than the pieces are taken."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as thread, open(reading, "rb") as source:  # noqa: PTH123 - a pipe has no path
        ending = thread.submit(_write, write, writing)
        while piece := source.read(_PIECE):
            yield piece
        # An error of the writer, which looks like the end of the file from here.
        ending.result()


def _write(write: Callable[[Sink], object], writing: int) -> None:
    with Sink(io.FileIO(writing, "w"), _PIECE) as sink:
        write(sink)
