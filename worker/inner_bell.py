"""Rings that the main process of a worker gives its own processes, past any broker."""

import os
import select
from typing import Final

from jobs.records import Queue

_ORDER: Final = tuple(Queue)

MOST_WAITING: Final = 256
"""Rings at once: as many as processes may hear together, and far fewer than a pipe holds."""


class InnerBell:
    """Bytes in a pipe that every process has which is forked after it was made: one byte, one process that looks.

    A process that is killed leaves nothing locked behind, and one that works leaves the rings to the others.
    """

    def __init__(self) -> None:
        self._hearing, self._ringing = os.pipe()
        os.set_blocking(self._hearing, False)
        os.set_blocking(self._ringing, False)

    def ring(self, queue: Queue, times: int) -> None:
        """Wake so many processes, to look at this queue."""
        try:
            os.write(self._ringing, bytes([_ORDER.index(queue)]) * min(times, MOST_WAITING))
        except BlockingIOError:
            return  # nobody has heard thousands of them: nobody hears

    def wait(self) -> None:
        """Return when there is a ring, which another process may hear first."""
        select.select([self._hearing], [], [])

    def hear(self) -> Queue | None:
        """Take a ring, if there is one."""
        try:
            heard = os.read(self._hearing, 1)
        except BlockingIOError:
            return None
        return _ORDER[heard[0]]
