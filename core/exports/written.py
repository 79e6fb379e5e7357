"""What a library writes into a file, as pieces to be sent."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Queue
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


class _Line(io.RawIOBase):
    """From a writer in one thread to a reader in another, who are two pieces apart at most."""

    def __init__(self) -> None:
        self._pieces: Queue[bytes] = Queue(maxsize=2)
        self._is_left = False

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Buffer, /) -> int:
        if self._is_left:
            raise BrokenPipeError
        piece = bytes(data)
        if piece:
            self._pieces.put(piece)
        return len(piece)

    def end(self) -> None:
        """Let the reader know that nothing more comes."""
        self._pieces.put(b"")

    def pieces(self) -> Iterator[bytes]:
        """What is written, until the end."""
        return iter(self._pieces.get, b"")

    def leave(self) -> None:
        """Read no more, and keep the writer waiting no more."""
        self._is_left = True
        with suppress(Empty):
            while True:
                self._pieces.get_nowait()


def written(write: Callable[[Sink], object]) -> Iterator[bytes]:
    """What `write` writes: it goes little faster than the pieces are taken."""
    line = _Line()
    with ThreadPoolExecutor(1) as thread:
        ending = thread.submit(_write, write, line)
        try:
            yield from line.pieces()
        finally:
            line.leave()
        # An error of the writer, which looks like the end of the file from here.
        ending.result()


def _write(write: Callable[[Sink], object], line: _Line) -> None:
    try:
        with Sink(line, _PIECE) as sink:
            write(sink)
    finally:
        line.end()
