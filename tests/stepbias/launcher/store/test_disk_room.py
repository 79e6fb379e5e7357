"""A full disk: what is said of it."""

import errno
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.disk_room import free_bytes, write_failure
from stepbias.launcher.store.embedded import EmbeddedServer
from stepbias.launcher.store.state_directory import claim

SHORT_WRITE = (
    "7:M 29 Nov 2026 20:21:04.252 # Short write while writing to the AOF file: (nwritten=2455, expected=26513)"
)
USAGE = namedtuple("usage", "total used free")  # noqa: PYI024 - as in shutil


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three megabytes are left."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: USAGE(10**9, 10**9 - 3_000_000, 3_000_000))


@pytest.mark.usefixtures("full")
def test_a_full_disk_is_named_with_the_write_that_failed(tmp_path: Path) -> None:
    """The last of them; nothing else that the server says matters."""
    room = f"no space left at {tmp_path}: 3 MB free"
    tail = f"  8:M # Error writing to the AOF file: of before\n  {SHORT_WRITE}\n  7:M * bye bye"
    assert write_failure(tmp_path, tail) == f"{room}; {SHORT_WRITE}"
    assert write_failure(tmp_path, "  7:M * Ready to accept connections tcp") == room


def test_where_there_is_room_only_a_failed_write_is_named(tmp_path: Path) -> None:
    """A quota, or another device; a server that was killed has no reason here."""
    assert write_failure(tmp_path, "  7:M * Ready to accept connections tcp") is None
    assert write_failure(tmp_path, f"  {SHORT_WRITE}") == SHORT_WRITE
    quota = "7:M # Error writing to the AOF file: No space left on device"
    assert str(write_failure(tmp_path, quota)).startswith(f"no space left at {tmp_path}: ")


@pytest.mark.usefixtures("full")
def test_the_server_tells_of_its_end_on_a_full_disk(tmp_path: Path) -> None:
    """So that whoever supervises it does."""
    with claim(tmp_path / "state") as state:
        reason = EmbeddedServer(state).process.diagnosis(SHORT_WRITE)
    assert reason == f"no space left at {tmp_path / 'state'}: 3 MB free; {SHORT_WRITE}"


def test_the_room_of_a_directory_that_is_not_made_yet_is_that_of_its_place(tmp_path: Path) -> None:
    """Where it would be made."""
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is a server whose log could say so."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with claim(tmp_path) as state:
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(StartupError, match=rf"cannot write to {tmp_path}, \d+ MB free: No space left on device"):
            state.write_private("name", "text")
