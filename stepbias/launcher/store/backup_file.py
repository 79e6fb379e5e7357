"""The file of a backup: a line of JSON that says what it is, the commands that make the store again, and a checksum.

A command is the number of its words, then each word behind its length; numbers have four bytes, the least significant
first. A command without words ends them. The last 32 bytes are the SHA-256 of everything before them.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

FORMAT: Final = 1

_NUMBER: Final = struct.Struct("<I")
_DIGEST_BYTES: Final = 32
_CHUNK: Final = 1 << 20


class UnusableBackup(Exception):
    """The file is no backup, or damaged, or of a form that is not read here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a backup is of: the schema of the store, and the versions of the numbers and of stepbias that wrote it."""

    schema: str
    numerics: str
    version: str
    format: int = FORMAT


def write_backup(file: BinaryIO, header: Header, commands: Iterable[Sequence[bytes]]) -> int:
    """Write a backup; how many commands it has."""
    digest, count = hashlib.sha256(), 0

    def write(*parts: bytes) -> None:
        for part in parts:
            digest.update(part)
            file.write(part)

    write(json.dumps({"stepbias_backup": asdict(header)}).encode(), b"\n")
    for count, command in enumerate(commands, 1):  # noqa: B007 - the last one is the answer
        write(_NUMBER.pack(len(command)))
        for word in command:
            write(_NUMBER.pack(len(word)), word)
    write(_NUMBER.pack(0))
    file.write(digest.digest())
    return count


def read_header(file: BinaryIO) -> Header:
    """What the file is a backup of; the file is whole, to the last byte, and stands at its first command.

    Raises:
        UnusableBackup: it is not.
    """
    header = _header(file)
    start, end = file.tell(), file.seek(0, os.SEEK_END) - _DIGEST_BYTES
    if end < start or _digest(file, end) != file.read(_DIGEST_BYTES):
        raise UnusableBackup("the backup is damaged: it is not what was written")
    file.seek(start)
    return header


def read_commands(file: BinaryIO) -> Iterator[tuple[bytes, ...]]:
    """The commands of a file that `read_header` has read."""
    while words := _number(file):
        yield tuple(file.read(_number(file)) for _ in range(words))


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner reads, at the path once the block has ended well; until then it is `….part`."""
    draft = path.with_name(f"{path.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _header(file: BinaryIO) -> Header:
    try:
        header = Header(**json.loads(file.readline(_CHUNK))["stepbias_backup"])
    except (ValueError, TypeError, KeyError):
        raise UnusableBackup("the file is no backup of stepbias") from None
    if header.format != FORMAT:
        raise UnusableBackup(f"the backup has format {header.format}, and this version reads format {FORMAT}")
    return header


def _digest(file: BinaryIO, end: int) -> bytes:
    """Of the file up to `end`, where it then stands."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(min(_CHUNK, end - file.tell())):
        digest.update(chunk)
    return digest.digest()


def _number(file: BinaryIO) -> int:
    number: int = _NUMBER.unpack(file.read(_NUMBER.size))[0]
    return number
