"""Where the service of this machine keeps its data, and where it says that it answers."""

import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

ADDRESS_FILE: Final = "address"
INSTANCE_FILE: Final = "instance.lock"
"""Locked for as long as an instance lives."""


def default_state_directory() -> Path:
    """`STEPBIAS_STATE_DIR`, or `stepbias` under `XDG_STATE_HOME`, or `~/.local/state/stepbias`."""
    if chosen := os.environ.get("STEPBIAS_STATE_DIR"):
        return Path(chosen)
    if state_home := os.environ.get("XDG_STATE_HOME"):
        return Path(state_home) / "stepbias"
    return Path.home() / ".local" / "state" / "stepbias"


def address_in(directory: Path) -> str | None:
    """Where the service of this directory answers, or did when it was last ready; None where none has been.

    Raises:
        OSError: nobody but its owner may know.
    """
    try:
        return (directory / ADDRESS_FILE).read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_claimed(directory: Path) -> bool:
    """Whether a live instance holds the directory.

    Raises:
        OSError: it cannot be told: the directory is somebody else's.
    """
    if sys.platform == "win32":
        return False  # No service runs there.
    import fcntl  # noqa: PLC0415 - argued above

    with ExitStack() as held, suppress(FileNotFoundError, NotADirectoryError):
        descriptor = os.open(directory.expanduser() / INSTANCE_FILE, os.O_RDONLY)
        held.callback(os.close, descriptor)
        try:
            # Shared: who looks at the same time is no instance.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
