"""When to ask again: what the service wishes, else pauses that grow."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

import httpx2

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0


class Clock(Protocol):
    """Time as the client sees it; seconds."""

    def now(self) -> float:
        """A time that only grows."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so much of it pass."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


def pauses() -> Iterator[float]:
    """Seconds between attempts: doubling from `FIRST_PAUSE` to `LONGEST_PAUSE`, without end."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


def polling_pause(waited: float) -> float:
    """Seconds until progress is asked for again, after waiting for so long.

    A tenth of the time waited: an experiment of a second is seen to end at once, one of an hour is asked about every
    two seconds, and no wait of more than a second is prolonged by more than a tenth.
    """
    return min(max(waited / 10, 0.1), 2.0)


def retry_after(response: httpx2.Response) -> float | None:
    """The seconds that `Retry-After` asks for (RFC 9110, section 10.2.3); None where it is absent or unreadable.

    A date counts from the response's own `Date`, so that a wrong clock here does no harm.
    """
    wish = response.headers.get("retry-after", "").strip()
    if wish.isdecimal():
        return float(wish)
    moment, origin = _date(wish), _date(response.headers.get("date", ""))
    return None if moment is None or origin is None else max(0.0, moment - origin)


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
