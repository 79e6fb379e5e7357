"""What a command writes: its answer on stdout, what is said beside it on stderr, JSON for programs."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from stepbias.variables import unread


def tell(line: object) -> None:
    """A line of the answer, on stdout."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def mute(_line: object) -> None:
    """Nothing: the answer is told otherwise."""


def remark(line: object) -> None:
    """A line for people, on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def remark_unread() -> None:
    """Say which variables look like ours and are read by nothing: one misspelt changes nothing, without a word."""
    for sentence in unread(os.environ):
        remark(f"stepbias: {sentence}")


def tell_json(document: Any) -> None:
    """The answer as one JSON document."""
    tell(json.dumps(document, indent=2, ensure_ascii=not _writes_all(sys.stdout)))


def tell_json_line(document: Any) -> None:
    """One of many JSON documents (NDJSON), at once."""
    tell(json.dumps(document, ensure_ascii=not _writes_all(sys.stdout)))


def _writes_all(stream: TextIO) -> bool:
    """Whether every character can be written; what a stream puts in place of others is no JSON."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def tell_table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table of the answer."""
    for line in table_lines(header, rows):
        tell(line)


def table_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Columns beside each other, each as wide as its widest cell: an id is there to be copied, and is never cut."""
    cells = [list(header), *([_one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def _one_line(cell: object) -> str:
    """With what moves a terminal, or is a line end, by its code point."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(cell))
