"""What goes wrong, and when: all of it from one seed."""

from dataclasses import dataclass
from random import Random


class Killed(BaseException):
    """The end of a process: no handler of the product catches it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Odds:
    """How probable each mishap is at one call of the store."""

    killed_before: float = 0.01
    killed_after: float = 0.01
    unavailable: float = 0.02
    reply_lost: float = 0.02
    sent_again: float = 0.03
    full: float = 0.01
    interrupted: float = 0.4
    """Somebody else comes in between."""


CALM = Odds(killed_before=0, killed_after=0, unavailable=0, reply_lost=0, sent_again=0, full=0, interrupted=0)


class Clock:
    """Virtual seconds; the store's clock may be set, the others only grow."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._store_offset = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds, a little later at each reading, as with any clock."""
        self._now += 1e-6
        return self._now

    def store_time(self) -> float:
        """What the store's clock shows."""
        self._now += 1e-6
        return self._now + self._store_offset

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._now += seconds

    def set_store_clock(self, by: float) -> None:
        """Somebody sets the clock of the store's machine."""
        self._store_offset += by
