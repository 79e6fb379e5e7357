"""What each process of a pool does, where its main process sees it."""

import json
import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

_HEAD: Final = struct.Struct("<IBIH")
"""The process, whether it is at work, how often it has begun to be, and the length of the text after it."""

_ROW: Final = 1024


class PoolTable:
    """A row for each process, in memory that those share which are forked after it was made.

    Each process writes its own row, and nothing is ever locked: one that is killed leaves a row that is nobody's until
    its successor takes it over. Who reads while a row is written may see no text.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._memory = mmap.mmap(-1, rows * _ROW)

    def row(self, index: int) -> "TableRow":
        """The row of the process of this number, for this process to write."""
        return TableRow(self._memory, index % self._rows * _ROW)

    def busy(self, processes: AbstractSet[int]) -> int:
        """How many of these are at work."""
        return sum(is_busy for pid, is_busy, _, _ in self._heads() if pid in processes)

    def begun(self) -> int:
        """How often processes have begun to work, all of them together."""
        return sum(begun for _, _, begun, _ in self._heads())

    def texts(self, processes: AbstractSet[int]) -> Iterator[Mapping[str, Any]]:
        """What those of these processes say that have said something."""
        for index, (pid, _, _, length) in enumerate(self._heads()):
            if pid in processes and length:
                start = index * _ROW + _HEAD.size
                try:
                    yield json.loads(self._memory[start : start + length]) | {"pid": pid}
                except ValueError:
                    continue

    def _heads(self) -> Iterator[tuple[int, int, int, int]]:
        return (_HEAD.unpack_from(self._memory, index * _ROW) for index in range(self._rows))


class TableRow:
    """The row of this process."""

    def __init__(self, memory: mmap.mmap, start: int) -> None:
        self._memory, self._start = memory, start
        self._begun = _HEAD.unpack_from(memory, start)[2]
        self._write(is_busy=False)

    def begin(self) -> None:
        """This process is at work."""
        self._begun += 1
        self._write(is_busy=True)

    def end(self) -> None:
        """It is not any more."""
        self._write(is_busy=False)

    def say(self, text: Mapping[str, Any]) -> None:
        """What it works on."""
        encoded = json.dumps(text).encode()
        start = self._start + _HEAD.size
        if len(encoded) <= _ROW - _HEAD.size:
            self._write(is_busy=True)
            self._memory[start : start + len(encoded)] = encoded
            self._write(is_busy=True, length=len(encoded))

    def say_nothing(self) -> None:
        """It is at work on nothing that has a name."""
        self._write(is_busy=True)

    def _write(self, *, is_busy: bool, length: int = 0) -> None:
        _HEAD.pack_into(self._memory, self._start, os.getpid(), is_busy, self._begun & 0xFFFFFFFF, length)
