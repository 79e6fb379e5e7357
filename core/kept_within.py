"""What was made a moment ago, to be given again, within so many bytes."""

from collections import OrderedDict
from threading import Lock
from typing import Final, Generic, TypeVar

ENTRY_BYTES: Final = 4000
"""What an entry is counted as beside what it is said to take: its question, the record of an experiment, headers."""

_Value = TypeVar("_Value")


class KeptWithin(Generic[_Value]):
    """The last values, by what was asked; the one that was asked for longest ago goes first.

    Args:
        most: bytes of all together.
        largest: bytes of one; what is larger is not kept.
    """

    def __init__(self, *, most: int, largest: int) -> None:
        self._most, self._largest = most, largest
        self._kept: OrderedDict[object, tuple[_Value, int]] = OrderedDict()
        self._lock = Lock()
        self.size = 0

    def found(self, question: object) -> _Value | None:
        """The value, if it is kept."""
        with self._lock:
            if question not in self._kept:
                return None
            self._kept.move_to_end(question)
            return self._kept[question][0]

    def keep(self, question: object, value: _Value, size: int) -> None:
        """Keep a value of so many bytes, in place of the one that was kept for the question."""
        with self._lock:
            self.size -= self._kept.pop(question, (None, 0))[1]
            if size <= self._largest:
                self._kept[question] = value, size + ENTRY_BYTES
                self.size += size + ENTRY_BYTES
            while self.size > self._most:
                self.size -= self._kept.popitem(last=False)[1][1]
