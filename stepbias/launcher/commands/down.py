"""`stepbias down`: stop the instance of a state directory."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from stepbias.cli.failure import explained
from stepbias.cli.output import remark
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.state_directory import is_free
from stepbias.state_home import INSTANCE_FILE, default_state_directory, is_claimed

PATIENCE: Final = 90.0
"""Seconds: what is trained is handed back, and the server writes what it has."""

_LOOK_SECONDS: Final = 0.05
_LAST_SECONDS: Final = 2.0


def down(state_dir: Path | None = None) -> int:
    """Ask the instance to stop, and return when nothing of it is left; 0 also where none runs."""
    directory = (state_dir or default_state_directory()).expanduser()
    with explained(StartupError):
        if not is_claimed(directory):
            remark(f"nothing runs in {directory}")
            return 0
        holder = _holder(directory)
        deadline = time.monotonic() + PATIENCE
        with suppress(ProcessLookupError):
            os.kill(holder, signal.SIGTERM)
        while not is_free(directory):
            if time.monotonic() > deadline:
                raise StartupError(f"process {holder} was asked to stop, and still uses {directory}")
            time.sleep(_LOOK_SECONDS)
        _await_end(holder)
    remark(f"the service in {directory} has stopped")
    return 0


def _await_end(process: int) -> None:
    """Return when the process is gone, too, or only waits for its parent to hear of it."""
    deadline = time.monotonic() + _LAST_SECONDS
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(process, 0)
            time.sleep(_LOOK_SECONDS)


def _holder(directory: Path) -> int:
    text = (directory / INSTANCE_FILE).read_text(encoding="ascii").strip()
    if not text.isdecimal():
        raise StartupError(f"{directory} is only looked at by another command; try again")
    return int(text)
