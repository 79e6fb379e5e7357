"""The command that a forked process is: run, and shown in lists of processes."""

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_ARGUMENTS_START: Final = 47
_ARGUMENTS_END: Final = 48
"""Fields of /proc/self/stat, counted from 0."""


def show_command_line(words: Sequence[str]) -> None:
    """Show these words instead of those that the process was started with, cut to the room of those; Linux only."""
    start, end = _place()
    shown = b"\0".join(word.encode() for word in words)[: end - start - 1]
    ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)


def run_command(arguments: Sequence[str]) -> int:
    """The command of `stepbias` with these arguments, in a process that was forked for it."""
    from stepbias.cli.main import app  # noqa: PLC0415 - which imports the launcher, by name, for its commands

    sys.argv[1:] = arguments
    app()
    return 0


def _place() -> tuple[int, int]:
    # The name of the program, in brackets, may hold spaces; fields are counted from the one after it.
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[_ARGUMENTS_START - 2]), int(fields[_ARGUMENTS_END - 2])
