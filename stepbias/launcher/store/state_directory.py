"""The directory that holds one instance's data, claimed by one live instance at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from stepbias.launcher.startup_error import StartupError, StateDirectoryInUseError
from stepbias.launcher.store.disk_room import free_bytes
from stepbias.state_home import ADDRESS_FILE, INSTANCE_FILE

_LOCKS = (INSTANCE_FILE, "children.lock")

MOVED_FILE = "moved"
"""Somebody's note of where the directory lives now: nothing starts here while it is there."""

REMAINS_PATIENCE = 10.0
"""Seconds granted to the processes of a killed instance to be gone before its directory is refused."""

LOOKS_PATIENCE = 0.1
"""Seconds granted to those who only look whether an instance lives (`is_claimed`)."""


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
        """Replace a file, readable by its owner alone, in one step: a reader sees the old text or the new one.

        Raises:
            StartupError: it cannot be written.
        """
        try:
            return self._written(self.path / name, text)
        except OSError as error:
            free = free_bytes(self.path) / 1e6
            raise StartupError(f"cannot write to {self.path}, {free:.0f} MB free: {error.strerror}") from error

    @staticmethod
    def _written(target: Path, text: str) -> Path:
        make_lasting(target.parent)
        draft = target.with_name(f".{target.name}.new")
        draft.unlink(missing_ok=True)
        # The mode is given at creation: a chmod afterwards would leave a moment in which others can open the file.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _sync_entries(target.parent)
        return target


def make_lasting(directory: Path) -> None:
    """Make a directory and those above it where they are absent, readable by their owner alone.

    On return they are on disk, where a power cut leaves them: what is in a directory may be synced as often as one
    likes, it is gone if the entry of the directory itself is.
    """
    for each in reversed([directory, *directory.parents]):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)
            _sync_entries(each.parent)


def _sync_entries(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def claim(path: Path) -> Iterator[StateDirectory]:
    """Hold the directory, made where absent, until the block ends and every child that inherited the lock is gone.

    Raises:
        StateDirectoryInUseError: another live instance holds it, or processes that a killed one left will not go.
        StartupError: it has moved, or cannot be made, written or locked.
    """
    path = path.expanduser().absolute()
    with ExitStack() as held:
        try:
            make_lasting(path)
            refuse_moved(path)
            # Two locks. The instance's own falls with it, so that the question whether one lives has an answer at once;
            # its children's falls with the last of them, moments after an instance that was killed.
            instance, children = (_lock_file(path / name, held) for name in _LOCKS)
            _claim_instance(instance, path)
            # Of an instance that has ended; who answers there now may be another.
            (path / ADDRESS_FILE).unlink(missing_ok=True)
            _await_children(children, path)
        except OSError as error:
            raise StartupError(f"cannot use the state directory {path}: {error.strerror}") from error
        yield StateDirectory(path=path, lock=children)


def is_free(path: Path) -> bool:
    """Whether neither an instance nor a process that one has left uses the directory."""
    with ExitStack() as held:
        return all(_try_lock(_lock_file(path / name, held)) for name in _LOCKS)


def refuse_moved(path: Path) -> None:
    """Raise if somebody has noted that what was here lives elsewhere now.

    Raises:
        StartupError: with where.
    """
    if (note := path / MOVED_FILE).exists():
        where = note.read_text(encoding="utf-8", errors="replace").strip() or "nobody has noted where"
        raise StartupError(
            f"the state directory {path} has moved ({where}), and two services that go on from one store compute twice "
            f"and tell every end twice; delete {note} to use it here all the same"
        )


def _lock_file(path: Path, held: ExitStack) -> int:
    """A descriptor that is closed at the end and never unlocked: that would take the lock from children as well."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    held.callback(os.close, descriptor)
    return descriptor


def _claim_instance(lock: int, path: Path) -> None:
    if not _is_locked_within(LOOKS_PATIENCE, lock):
        holder = os.pread(lock, 32, 0).decode(errors="replace") or "unknown"
        raise StateDirectoryInUseError(
            f"the state directory {path} is in use by another instance (process {holder}); "
            "stop it, or choose another directory with --state-dir"
        )
    os.truncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _await_children(lock: int, path: Path) -> None:
    if not _is_locked_within(REMAINS_PATIENCE, lock):
        raise StateDirectoryInUseError(
            f"processes of an earlier instance still use the state directory {path}; "
            "end them, or choose another directory with --state-dir"
        )


def _is_locked_within(seconds: float, lock: int) -> bool:
    deadline = time.monotonic() + seconds
    while not _try_lock(lock):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
