"""A clock that can be set, by libfaketime where this machine has it.

For the server, by whose clock leases run. Workers measure time by their monotonic clocks; under libfaketime 0.9.10
`time.sleep` of Python fails with EINVAL, so that theirs cannot be set by it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PLACES: Final = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")


def library() -> Path | None:
    """Where libfaketime is; None where it is not."""
    return next((found for place in _PLACES for found in sorted(Path("/").glob(place[1:]))), None)


class FakeClock:
    """The time of day of every process that has its environment; how long something takes is not touched."""

    def __init__(self, path: Path, faketime: Path) -> None:
        self._path = path
        self._path.write_text("+0")
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(faketime),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    @contextmanager
    def set_by(self, seconds: int) -> Iterator[None]:
        """Let it go before or after for the block; the processes see it within a second."""
        self._path.write_text(f"{seconds:+d}")
        try:
            yield
        finally:
            self._path.write_text("+0")
