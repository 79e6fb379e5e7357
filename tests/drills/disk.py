"""What a power cut leaves of a directory, by what its writer has synced: the log of `sync_log.c`, played back.

Promised is what POSIX promises, and no more: of a file what was there when it was last synced, of a directory its
entries when it was. Of what came later any part may be there. Lengths and entries change in order, as on a disk with a
journal; a directory knows nothing of another one.
"""

import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

PAGE: Final = 4096

Change = tuple[str, int | None]
"""An entry of a directory that is now this inode, or none; 0 for a directory."""


class Tail(StrEnum):
    """What is left of bytes that were written and not synced.

    Holes are what no disk leaves whose file system writes data before it says that the file is longer: they are here to
    show what becomes of it on others.
    """

    DROPPED = "dropped"
    PREFIX = "a prefix"
    HOLES = "holes"


@dataclass(kw_only=True)
class Disk:
    """What is on disk for certain, and what may be.

    Attributes:
        entries: the inode of each name for certain; 0 for a directory.
        pending: of each directory the changes that may be there or not, those of one step together.
        synced: of each inode the bytes that are there for certain.
        now: the inode of each name as the writer has it.
    """

    entries: dict[str, int] = field(default_factory=dict)
    pending: dict[str, list[list[Change]]] = field(default_factory=lambda: defaultdict(list))
    synced: dict[int, int] = field(default_factory=dict)
    now: dict[str, int] = field(default_factory=dict)

    @classmethod
    def at_rest(cls, root: Path, inodes: Path) -> "Disk":
        """The directory after a restart, all of which is on disk; its files are linked by their inodes."""
        disk = cls()
        for path in sorted(root.rglob("*")):
            found = path.stat()
            disk.entries[str(path.relative_to(root))] = 0 if path.is_dir() else found.st_ino
            if path.is_file():
                disk.synced[found.st_ino] = found.st_size
                os.link(path, inodes / str(found.st_ino))
        disk.now = dict(disk.entries)
        return disk

    def play(self, lines: Iterable[str], root: Path) -> None:
        """Let the lines of the log happen."""
        for line in lines:
            what, *words = line.split()
            match what:
                case "C" | "M":
                    self._change((words[-1], int(words[0]) if what == "C" else 0))
                case "R":
                    self._change((words[0], None), (words[1], self.now[words[0]]))
                case "U":
                    self._change((words[0], None))
                case "S":
                    self.synced[int(words[0])] = int(words[1])
                case "T":
                    self.synced[int(words[0])] = min(self.synced.get(int(words[0]), 0), int(words[1]))
                case "D":
                    self._sync(os.path.relpath(words[0], root))

    def _change(self, *changes: Change) -> None:
        together: dict[str, list[Change]] = defaultdict(list)
        for name, inode in changes:
            together[str(Path(name).parent)].append((name, inode))
            _apply(self.now, (name, inode))
        for directory, its_changes in together.items():
            self.pending[directory].append(its_changes)

    def _sync(self, directory: str) -> None:
        for step in self.pending.pop(directory, []):
            for change in step:
                _apply(self.entries, change)

    def after_cut(self, rng: random.Random, *, is_strict: bool) -> dict[str, int]:
        """Entries as a power cut may leave them; only those for certain where it is strict."""
        left = dict(self.entries)
        for _, steps in sorted(self.pending.items()):
            for step in steps[: 0 if is_strict else rng.randint(0, len(steps))]:
                for change in step:
                    _apply(left, change)
        # With a directory goes what is in it.
        return {name: inode for name, inode in left.items() if str(Path(name).parent) in {".", *left}}


def _apply(entries: dict[str, int], change: Change) -> None:
    name, inode = change
    if inode is None:
        entries.pop(name, None)
    else:
        entries[name] = inode


def cut(root: Path, inodes: Path, disk: Disk, tail: Tail, rng: random.Random) -> int:
    """Leave of the directory what a power cut may; the bytes that were written, not synced, and are lost."""
    entries = disk.after_cut(rng, is_strict=tail is Tail.DROPPED)
    files = {inode: inodes / str(inode) for inode in entries.values() if inode}
    left = {inode: _left_of(path, disk.synced.get(inode, 0), tail, rng) for inode, path in files.items()}
    written = sum(path.stat().st_size for path in files.values())
    _clear(root, disk.entries.keys() | disk.now.keys())
    for name, inode in sorted(entries.items()):
        (root / name).write_bytes(left[inode]) if inode else (root / name).mkdir()
    shutil.rmtree(inodes)
    return written - sum(map(len, left.values()))


def _left_of(path: Path, synced: int, tail: Tail, rng: random.Random) -> bytes:
    content = path.read_bytes()
    match tail:
        case Tail.DROPPED:
            return content[:synced]
        case Tail.PREFIX:
            return content[: rng.randint(min(synced, len(content)), len(content))]
        case Tail.HOLES:
            return content[:synced] + b"".join(_some_pages(content, synced, rng))


def _some_pages(content: bytes, synced: int, rng: random.Random) -> Iterator[bytes]:
    """The rest of the content, with zeros for the pages that did not reach the disk."""
    place = synced
    while place < len(content):
        page = content[place : place - place % PAGE + PAGE]
        yield page if rng.random() < 0.5 else bytes(len(page))
        place += len(page)


def _clear(root: Path, names: Iterable[str]) -> None:
    for name in sorted(names, reverse=True):
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
