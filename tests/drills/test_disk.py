"""What a power cut leaves by the rules of POSIX: of files what was synced, of names those whose directory was."""

import random
from pathlib import Path

import pytest

from tests.drills.disk import Disk, Tail, cut


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A directory with an old file in it, and one for its inodes."""
    root, inodes = tmp_path / "root", tmp_path / "inodes"
    (root / "log").mkdir(parents=True)
    inodes.mkdir()
    (root / "log" / "old").write_bytes(b"old")
    return root, inodes


def write(places: tuple[Path, Path], name: str, content: bytes) -> int:
    """Write a file as the recorded program does; its inode."""
    root, inodes = places
    (root / name).write_bytes(content)
    inode = (root / name).stat().st_ino
    (inodes / str(inode)).hardlink_to(root / name)
    return inode


def left(places: tuple[Path, Path], disk: Disk, lines: list[str], tail: Tail, seed: int = 0) -> dict[str, bytes]:
    """The files after these lines of the log and a cut."""
    root, inodes = places
    disk.play(lines, root)
    cut(root, inodes, disk, tail, random.Random(seed))
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_of_a_file_is_left_what_was_synced(places: tuple[Path, Path]) -> None:
    """If its name was, too."""
    disk = Disk.at_rest(*places)
    inode = write(places, "log/new", b"abcdef")
    lines = [f"C {inode} log/new", f"S {inode} 4", f"D {places[0] / 'log'}"]
    assert left(places, disk, lines, Tail.DROPPED) == {"log/old": b"old", "log/new": b"abcd"}


def test_of_a_name_whose_directory_was_not_synced_nothing_is_left(places: tuple[Path, Path]) -> None:
    """However often the file itself was; and what was removed or renamed is there as before."""
    disk = Disk.at_rest(*places)
    inode = write(places, "log/new", b"abcdef")
    (places[0] / "log" / "old").unlink()
    lines = [f"C {inode} log/new", f"S {inode} 6", "U log/old", "R log/new log/old"]
    (places[0] / "log" / "new").rename(places[0] / "log" / "old")
    assert left(places, disk, lines, Tail.DROPPED) == {"log/old": b"old"}


def test_with_a_directory_goes_what_is_in_it(places: tuple[Path, Path]) -> None:
    """To sync what is in it does not help."""
    disk = Disk.at_rest(*places)
    (places[0] / "young").mkdir()
    inode = write(places, "young/file", b"x")
    lines = ["M young", f"C {inode} young/file", f"S {inode} 1", f"D {places[0] / 'young'}"]
    assert left(places, disk, lines, Tail.DROPPED) == {"log/old": b"old"}


def test_of_what_was_not_synced_any_beginning_may_be_left(places: tuple[Path, Path]) -> None:
    """Every length from what was synced on, and names that nobody has synced."""
    root, inodes = places
    found = set()
    for seed in range(60):
        for directory in (root / "log", inodes):
            directory.mkdir(exist_ok=True)
        inode = write(places, "log/new", b"abcdef")
        disk = Disk(entries={"log": 0}, synced={inode: 4})
        found.add(left(places, disk, [f"C {inode} log/new"], Tail.PREFIX, seed).get("log/new"))
    assert found == {None, b"abcd", b"abcde", b"abcdef"}


def test_holes_are_pages_of_zeros(places: tuple[Path, Path]) -> None:
    """What was synced is none of them."""
    disk = Disk.at_rest(*places)
    inode = write(places, "log/new", b"x" * 4096 * 8)
    lines = [f"C {inode} log/new", f"S {inode} 100", f"D {places[0] / 'log'}"]
    content = left(places, disk, lines, Tail.HOLES)["log/new"]
    assert len(content) == 4096 * 8
    assert content[:100] == b"x" * 100
    assert {content[at : at + 4096] for at in range(4096, 4096 * 8, 4096)} == {b"x" * 4096, bytes(4096)}
