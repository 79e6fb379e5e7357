"""Arrays from the bytes of a CSV file (RFC 4180): a line of names, then a line for each sample."""

import csv
import io
import re
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.data.user_arrays import ArrayViolation, UnusableArrays, require_entries
from core.errors import StepbiasError

TARGET: Final = "y"
"""The column that is y where no other is named; without one of this name, the last."""

MOST_VIOLATIONS: Final = 20
"""A file with more bad lines than this is bad for one reason."""

_NUMBER: Final = re.compile(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*", re.ASCII)
_OTHER_SEPARATORS: Final = ((";", "semicolons"), ("\t", "tabs"))


class NoSuchColumn(StepbiasError):
    """The column that should be y is not in the file, or not only once."""


def csv_arrays(body: bytes, *, target: str | None, limit: int) -> dict[str, Float64[np.ndarray, "..."]]:
    """X, of at most `limit` entries, and y from the column `target`; every other column is a feature, in order.

    Raises:
        NoSuchColumn: no column is called `target`, or several are.
        OversizedArrays: X has more entries.
        UnusableArrays: these bytes are no such file; with the numbers of the lines at fault.
    """
    lines = _lines(_text(body))
    _, names = next(lines, (0, []))
    _require_names(names)
    column = _column(names, target)
    numbers = _numbers(lines, len(names))
    table = numbers.reshape(-1, len(names))
    require_entries("X", (len(table), len(names) - 1), limit=limit)
    return {"X": np.delete(table, column, axis=1), "y": table[:, column]}


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(f"the file is not UTF-8: byte {error.start} does not belong there") from None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line that is not blank, with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            if len(fields) > 1 or any(field.strip() for field in fields):
                yield reader.line_num, fields
    except csv.Error:
        raise _unusable(f"line {reader.line_num}: the quotes do not match, or a field is too long") from None


def _require_names(names: Sequence[str]) -> None:
    if len(names) == 1:
        for separator, plural in _OTHER_SEPARATORS:
            if separator in names[0]:
                raise _unusable(f"commas between fields and decimal points are wanted; this file has {plural}")
    if len(names) < 2:
        raise _unusable("a first line with the names of two or more columns is wanted")
    if all(_NUMBER.fullmatch(name) for name in names):
        raise _unusable("the first line should name the columns; this one has numbers")


def _column(names: Sequence[str], target: str | None) -> int:
    """Where y stands."""
    stripped = [name.strip() for name in names]
    if target is None and TARGET not in stripped:
        return len(names) - 1
    wanted = TARGET if target is None else target
    if (found := stripped.count(wanted)) != 1:
        raise NoSuchColumn(f"{found} columns have the name of the target; one is wanted")
    return stripped.index(wanted)


def _numbers(lines: Iterator[tuple[int, list[str]]], width: int) -> Float64[np.ndarray, " entry"]:
    """The numbers of all lines, one line after the other."""
    numbers = array("d")
    violations: list[ArrayViolation] = []
    for line, fields in lines:
        if (violation := _violation(fields, width)) is None:
            numbers.extend(map(float, fields))
        elif len(violations) < MOST_VIOLATIONS:
            violations.append(ArrayViolation(sentence=f"line {line}{violation}"))
    if violations:
        raise UnusableArrays(*violations)
    if not numbers:
        raise _unusable("no line follows the names of the columns")
    return np.array(numbers)


def _violation(fields: Sequence[str], width: int) -> str | None:
    """What is wrong with a line, in the words that follow its number."""
    if len(fields) != width:
        reason = "; are there decimal commas?" if len(fields) == 2 * width else ""
        return f": it has {len(fields)} fields, where the first line names {width} columns{reason}"
    for number, field in enumerate(fields, start=1):
        if not _NUMBER.fullmatch(field):
            return f", column {number}: {_wanted(field)}"
    return None


def _wanted(field: str) -> str:
    if not field.strip():
        return "a number is missing"
    return "a decimal point is wanted, not a comma" if "," in field else "a finite number is wanted"


def _unusable(sentence: str) -> UnusableArrays:
    return UnusableArrays(ArrayViolation(sentence=sentence))
