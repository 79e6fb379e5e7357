"""What a library writes, taken piece by piece."""

import threading
from collections.abc import Generator
from typing import IO, cast

import pytest

from api.exports.written import written

BLOCK = bytes(range(256)) * 256


def test_what_is_written_is_read() -> None:
    """All of it, in order, in pieces."""
    pieces = list(written(lambda file: [file.write(BLOCK) for _ in range(30)]))
    assert b"".join(pieces) == BLOCK * 30
    assert len(pieces) > 1


def test_nothing_is_written_far_ahead_of_the_reader() -> None:
    """A megabyte at most lies between the two; a reader who leaves ends the writer."""
    written_bytes, ended = [0], threading.Event()

    def write(file: IO[bytes]) -> None:
        try:
            while written_bytes[0] < 1 << 26:
                written_bytes[0] += file.write(BLOCK)
        finally:
            ended.set()

    pieces = cast("Generator[bytes]", written(write))
    next(pieces)
    pieces.close()
    assert ended.wait(60.0)
    assert written_bytes[0] < 1 << 21


def test_the_error_of_a_writer_is_no_end_of_the_file() -> None:
    """It comes after what was written before it."""

    def write(file: IO[bytes]) -> None:
        file.write(BLOCK)
        raise ValueError("no more")

    pieces = written(write)
    assert next(pieces) == BLOCK
    with pytest.raises(ValueError, match="no more"):
        next(pieces)
