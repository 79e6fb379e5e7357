"""What a library writes, taken piece by piece."""

import threading
from collections.abc import Generator
from typing import cast

import pytest

from core.exports.written import Sink, written

BLOCK = bytes(range(256)) * 256


def test_what_is_written_is_read() -> None:
    """All of it, in order, in pieces."""
    pieces = list(written(lambda sink: [sink.write(BLOCK) for _ in range(30)]))
    assert b"".join(pieces) == BLOCK * 30
    assert len(pieces) > 1


def test_nothing_is_written_far_ahead_of_the_reader() -> None:
    """A megabyte at most lies between the two; a writer who looks finds that the reader has left."""
    written_bytes, ended = [0], threading.Event()

    def write(sink: Sink) -> None:
        while not sink.is_left and written_bytes[0] < 1 << 26:
            written_bytes[0] += sink.write(BLOCK)
        ended.set()

    pieces = cast("Generator[bytes]", written(write))
    next(pieces)
    pieces.close()
    assert ended.wait(60.0)
    assert written_bytes[0] < 1 << 21


def test_a_reader_who_leaves_is_no_error_of_the_writer() -> None:
    """Neither where it writes, nor where it flushes and closes."""
    outcome: list[object] = []

    def write(sink: Sink) -> None:
        try:
            for _ in range(100):
                sink.write(BLOCK)
            sink.flush()
            outcome.append(sink.is_left)
        except OSError as error:
            outcome.append(error)

    pieces = cast("Generator[bytes]", written(write))
    next(pieces)
    pieces.close()
    assert outcome == [True]


def test_the_error_of_a_writer_is_no_end_of_the_file() -> None:
    """It comes after what was written before it."""

    def write(sink: Sink) -> None:
        sink.write(BLOCK)
        raise ValueError("no more")

    pieces = written(write)
    assert next(pieces) == BLOCK
    with pytest.raises(ValueError, match="no more"):
        next(pieces)
