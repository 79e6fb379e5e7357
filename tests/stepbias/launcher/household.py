"""What the tests of the supervisor ask about processes of this machine: who is there, and has it come true yet."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0

# Signals that are ignored are so in children too: what a child hears must not depend on how the tests were started.
_HEARING = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN if number.name in sys.argv[1].split() else signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""


def hearing(*command: str, ignored: Collection[signal.Signals] = ()) -> list[str]:
    """The command, an absolute path first, as one that hears all stopping signals but those that it finds ignored."""
    return [sys.executable, "-I", "-S", "-c", _HEARING, " ".join(number.name for number in ignored), *command]


def eventually(condition: Callable[[], object], *, patience: float = PATIENCE) -> bool:
    """Whether the condition comes true before the patience ends."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Household:
    """A Python program and all its descendants, known by a mark in their environment that fork and exec hand on."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._mark = f"HOUSEHOLD_OF_TEST={uuid.uuid4().hex}"

    @contextmanager
    def head(
        self, program: str, *arguments: str, ignored: Collection[signal.Signals] = ()
    ) -> Iterator[subprocess.Popen[str]]:
        """Run the program, in a session of its own; whoever is left at the end of the block is killed.

        It finds the given stopping signals ignored, and no others.
        """
        name, value = self._mark.split("=")
        head = subprocess.Popen(
            hearing(sys.executable, "-c", program, *arguments, ignored=ignored),
            env=dict(os.environ) | {name: value},
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            with head:
                try:
                    yield head
                finally:
                    head.kill()
        finally:
            for member in self.members():
                os.kill(member, 9)

    def members(self) -> list[int]:
        """Process ids of those that run; a zombie has no environment any more and does not count."""
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and self._marks(entry)]

    def is_gone(self) -> bool:
        """Whether nobody is left."""
        return not self.members()

    def numbers(self, name: str) -> list[int]:
        """The numbers that members have written to a file of the directory, one a line."""
        path = self.directory / name
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _marks(self, entry: Path) -> bool:
        try:
            return self._mark.encode() in (entry / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False
