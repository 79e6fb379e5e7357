"""Whether there is room where the data of the embedded server are kept."""

import os
import re
import shutil
from itertools import chain
from pathlib import Path
from typing import Final

SCARCE: Final = 500_000_000
"""Bytes below which there may soon be none: one large experiment with its arrays."""

NONE_LEFT: Final = 10_000_000
"""Bytes so few that a write has failed for the lack of them, or will: the server rewrites what it has appended."""

_WRITE_ERROR: Final = re.compile(r"no space left|error writing|short write|file too large", re.IGNORECASE)


def free_bytes(path: Path) -> int:
    """What this user may still write at the path, or in the directory in which it would be made."""
    places = chain([path], path.absolute().parents)
    there = next(each for each in places if os.path.exists(each))  # noqa: PTH110 - says no where it may not look
    return shutil.disk_usage(there).free


def write_failure(path: Path, tail: str) -> str | None:
    """Why a server that wrote to the path ended, if it could not write, by the room there and the end of its log."""
    errors = [line.strip() for line in tail.splitlines() if _WRITE_ERROR.search(line)][-1:]
    free = free_bytes(path)
    is_full = free < NONE_LEFT or any("no space left" in error.lower() for error in errors)
    room = [f"no space left at {path}: {free / 1e6:.0f} MB free"] if is_full else []
    return "; ".join(room + errors) or None
