"""Processor time of this process that results may take while others are answered."""

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from api.http.metrics import Metrics

SHARE: Final = 0.2
"""Of the time, while somebody else is answered: every piece is a lock of the interpreter for which a poll waits."""

Made = TypeVar("Made")


class Courtesy:
    """Who makes pieces, and lets others go first: after each piece it says for how long to do nothing."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._answered = metrics.answered
        self._taken = 0.0

    def timed(self, call: Callable[[], Made]) -> Made:
        """What the call gives; the processor time that it took this thread is remembered."""
        begun = time.thread_time()
        try:
            return call()
        finally:
            self._taken = time.thread_time() - begun

    def pause(self) -> float:
        """Seconds to do nothing now; 0 where nobody else was answered since the piece before."""
        answered, self._answered = self._answered, self._metrics.answered
        return self._taken * (1.0 / SHARE - 1.0) if answered != self._answered else 0.0

    def slowed(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces, with these pauses between them, for a thread of its own."""
        while (piece := self.timed(lambda: next(pieces, None))) is not None:
            yield piece
            time.sleep(self.pause())
