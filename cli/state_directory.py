"""The directory that holds one instance's data, claimed by one live instance at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.startup_error import StartupError, StateDirectoryInUseError

REMAINS_PATIENCE = 10.0
"""Seconds granted to the processes of a killed instance to be gone before its directory is refused."""


def default_state_directory() -> Path:
    """`STEPBIAS_STATE_DIR`, or `stepbias` under `XDG_STATE_HOME`, or `~/.local/state/stepbias`."""
    if chosen := os.environ.get("STEPBIAS_STATE_DIR"):
        return Path(chosen)
    if state_home := os.environ.get("XDG_STATE_HOME"):
        return Path(state_home) / "stepbias"
    return Path.home() / ".local" / "state" / "stepbias"


@dataclass(frozen=True, kw_only=True, slots=True)
class StateDirectory:
    """A claimed state directory; `claim` makes one.

    Attributes:
        path: absolute, readable by its owner alone.
        lock: descriptor of the lock. Children that inherit it keep the directory claimed until the last of them is
            gone, so that no second server opens data that a dying one still writes.
    """

    path: Path
    lock: int

    @property
    def logs(self) -> Path:
        """Where the output of the children goes."""
        return self.path / "log"

    def write_private(self, name: str, text: str) -> Path:
        """Replace a file, readable by its owner alone, in one step: a reader sees the old text or the new one."""
        target = self.path / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        draft = target.with_name(f".{target.name}.new")
        draft.unlink(missing_ok=True)
        # The mode is given at creation: a chmod afterwards would leave a moment in which others can open the file.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return draft.replace(target)


@contextmanager
def claim(path: Path) -> Iterator[StateDirectory]:
    """Hold the directory, made where absent, until the block ends and every child that inherited the lock is gone.

    Raises:
        StateDirectoryInUseError: another live instance holds it.
        StartupError: it cannot be made or written.
    """
    try:
        path = path.expanduser().absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartupError(f"cannot use the state directory {path}: {error.strerror}") from error
    try:
        _acquire(lock, path)
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield StateDirectory(path=path, lock=lock)
    finally:
        # Closed, never unlocked: unlocking would also take the lock from the children that share the descriptor.
        os.close(lock)


def _acquire(lock: int, path: Path) -> None:
    deadline = time.monotonic() + REMAINS_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
            if _is_alive(holder) or time.monotonic() > deadline:
                raise StateDirectoryInUseError(
                    f"the state directory {path} is in use by another instance (process {holder or 'unknown'}); "
                    "stop it, or choose another directory with --state-dir"
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise StartupError(f"cannot lock the state directory {path}: {error.strerror}") from error
        else:
            return


def _is_alive(process: str) -> bool:
    if not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
