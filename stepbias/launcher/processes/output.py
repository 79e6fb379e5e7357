"""Where one child process writes its output to, over all of its lives."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

LARGEST_LOG = 10 * 1024**2
"""Bytes above which a log is set aside, as `<name>.log.1`, when its process is started."""

_LONGEST_TAIL = 16 * 1024


class ProcessLog:
    """`<directory>/<name>.log`, bounded in size at each start of the process.

    Args:
        directory: made where absent.
        name: of the process.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / f"{name}.log"
        self._start = 0

    def open(self) -> BinaryIO:
        """The file for one life of the process, at its end; what was written before is no longer in the tail.

        Raises:
            OSError: it cannot be written.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > LARGEST_LOG:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        file = self.path.open("ab")
        self._start = file.tell()
        return file

    def tail(self, lines: int = 20) -> str:
        """The last lines written since the latest `open`, each indented by two spaces."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(self._start, size - _LONGEST_TAIL))
                text = file.read().decode(errors="replace")
        except OSError:
            # Somebody has removed it; the process that wrote it is to be started again all the same.
            return ""
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


class InheritedLog:
    """Where this process complains, as the log of its only child: a container's output is one stream."""

    path = "the output above"

    def open(self) -> BinaryIO:
        """A descriptor of it, for one life of the process."""
        return os.fdopen(os.dup(sys.stderr.fileno()), "wb", buffering=0)

    def tail(self) -> str:
        """Nothing: it has been read as it was written."""
        return ""
