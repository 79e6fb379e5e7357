"""Answers about finished experiments that were made a moment ago, to be sent again as they are."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

MOST: Final = 256
LARGEST: Final = 100_000
"""Bytes of the largest answer that is kept: 26 MB in all at most."""


class RecentAnswers:
    """The last answers, by all that they depend on; the one that was asked for longest ago goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, bytes] = OrderedDict()
        self._lock = Lock()

    def of(self, question: object, make: Callable[[], bytes]) -> bytes:
        """The answer, made now unless it is kept. Two who ask at once may both make it."""
        with self._lock:
            if question in self._kept:
                self._kept.move_to_end(question)
                return self._kept[question]
        answer = make()
        if len(answer) <= LARGEST:
            with self._lock:
                self._kept[question] = answer
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return answer
