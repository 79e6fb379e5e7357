"""Where the service of this machine keeps its data, and where it says that it answers."""

import os
from pathlib import Path
from typing import Final

ADDRESS_FILE: Final = "address"


def default_state_directory() -> Path:
    """`STEPBIAS_STATE_DIR`, or `stepbias` under `XDG_STATE_HOME`, or `~/.local/state/stepbias`."""
    if chosen := os.environ.get("STEPBIAS_STATE_DIR"):
        return Path(chosen)
    if state_home := os.environ.get("XDG_STATE_HOME"):
        return Path(state_home) / "stepbias"
    return Path.home() / ".local" / "state" / "stepbias"


def address_in(directory: Path) -> str | None:
    """Where the service of this directory answers, or did when it was last ready; None where none has been."""
    try:
        return (directory / ADDRESS_FILE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
