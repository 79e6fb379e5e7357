"""How a CSV file is written: what separates its fields, what marks decimals, which lines are comments.

The standard library's `csv` splits the lines. Its sniffer is not asked: it takes decimal commas for separators.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.data.user_arrays import UnusableArrays, unusable

DELIMITERS: Final[Mapping[str, str]] = MappingProxyType(
    {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
)
"""What may separate fields; of spaces any number."""

DECIMALS: Final[Mapping[str, str]] = MappingProxyType({"point": ".", "comma": ","})

LONGEST_FIELD: Final = 64
"""Most characters of a field that is read; the longest float64 has 24."""

MOST_FIELDS: Final = 1_000_000
"""Most fields of a line: what has more is refused before it is taken apart."""

LARGEST_WHOLE: Final = 2.0**53
"""From here on two whole numbers may be one double."""

_MOST_LINES, _FEWEST_LINES, _MOST_CHARACTERS, _MOST_JUDGED = 500, 3, 100_000, 1000
"""What of a file a dialect is judged by, comments aside. What breaks it later is refused, by its line."""

MISSING: Final = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "None", "none", ".", "?"}
)
"""What stands where there is no value."""

_POINTED: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMAED: Final = re.compile(r"[+-]?(?:\d+(?:,\d+)?|,\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:[.,]\d{3})+", re.ASCII)
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:[.,'\u2019 \u00a0\u202f]\d{3})+(?:[.,]\d*)?", re.ASCII)
_DECLARED: Final = re.compile(r"\"?sep=(.)\"?[\r\n]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What separates fields and what marks decimals, by their names."""

    delimiter: str
    decimal: str


class Records:
    """The fields of each line that is neither blank nor a comment; `line` and `comment` are the last ones read.

    `folds` are the lines that begin inside quotes.

    Raises:
        UnusableArrays: quotes do not match, a field is as long as a file, or a line has too many.
    """

    def __init__(self, text: str, delimiter: str) -> None:
        self._text, self._delimiter = text, delimiter
        self.line = 0
        self.comments = 0
        self.comment = ""
        self.folds: list[int] = []
        self._is_between = True

    def __iter__(self) -> Iterator[list[str]]:
        separator = DELIMITERS[self._delimiter]
        reader = csv.reader(self._lines(), delimiter=separator, skipinitialspace=separator != " ", strict=True)
        try:
            for fields in reader:
                self._is_between = True
                stripped = [field.strip() for field in fields]
                if len(stripped) > 1 or any(stripped):
                    yield stripped
        except csv.Error:
            raise unusable(
                f"line {self.line}: the quotes do not match, or a field is too long: each quote "
                "that is opened is closed, and one inside a field is written twice"
            ) from None

    def _lines(self) -> Iterator[str]:
        for line_number, line in enumerate(io.StringIO(self._text, newline=""), start=1):
            self.line = line_number
            # Asked for a line while a record is not complete, the reader is inside quotes.
            if self._is_between and _is_comment(line):
                self.comments, self.comment = self.comments + 1, line
                continue
            if line_number == 1 and _DECLARED.fullmatch(line):
                continue
            if not self._is_between:
                self.folds.append(line_number)
            self._is_between = False
            record = " ".join(line.split()) if self._delimiter == "space" else line
            _require_fields(record, line_number, DELIMITERS[self._delimiter])
            yield record


def _require_fields(line: str, line_number: int, separators: str) -> None:
    """Return if the line has no more of any separator than it may have fields."""
    if len(line) >= MOST_FIELDS and any(line.count(each) >= MOST_FIELDS for each in separators):
        raise unusable(f"line {line_number} has more than {MOST_FIELDS} fields")


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def declared_delimiter(text: str) -> str | None:
    """What the first line says of the delimiter, where it is the `sep=;` of a spreadsheet.

    Raises:
        UnusableArrays: it is a character that separates nothing here.
    """
    declared = _DECLARED.fullmatch(next(io.StringIO(text, newline=""), ""))
    if declared is None:
        return None
    for name, character in DELIMITERS.items():
        if character == declared[1]:
            return name
    raise unusable(f"line 1 says sep=, and then none of {', '.join(DELIMITERS)}")


def commented_names(comment: str, delimiter: str) -> list[str]:
    """The fields of a comment."""
    return next(iter(Records(comment.strip().lstrip("#"), delimiter)), [])


def number(field: str, decimal: str) -> float | None:
    """The number that a field spells, without thousands separators; None where it spells none."""
    if len(field) > LONGEST_FIELD or not (_POINTED if decimal == "point" else _COMMAED).fullmatch(field):
        return None
    value = float(field if decimal == "point" else field.replace(",", "."))
    # A whole number that the nearest double is not: two of them would become one.
    return None if abs(value) >= LARGEST_WHOLE and field.lstrip("+-").isdigit() else value


def is_value(field: str) -> bool:
    """Whether a sample may have this in one of its columns: a number in any spelling, or none given, or a truth."""
    if field in MISSING or field in TRUTHS:
        return True
    return field[0] in "+-.,0123456789" and any(number(field, decimal) is not None for decimal in DECIMALS)


TRUTHS: Final[Mapping[str, float]] = MappingProxyType(
    {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}
)


def dialect_of(text: str, *, delimiter: str | None, decimal: str | None) -> Dialect:
    """The dialect of a file; what is given is not guessed.

    The delimiter is the one by which most lines have as many fields as the first one, and most fields are values.

    Raises:
        UnusableArrays: by no delimiter there are two columns, or a comma may mean two things.
    """
    head = _head(text)
    found = delimiter or declared_delimiter(text) or _delimiter(head)
    return Dialect(delimiter=found, decimal=decimal or _decimal(_records(head, found)))


def _head(text: str) -> str:
    """The lines that a dialect is judged by: some hundred, fewer where they are long, and as many comments."""
    lines: list[str] = []
    judged = length = 0
    for line_number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if judged == _MOST_LINES or (length > _MOST_CHARACTERS and judged >= _FEWEST_LINES):
            break
        if not _is_comment(line):
            _require_fields(line, line_number, "".join(DELIMITERS.values()).strip(" "))
            judged, length = judged + 1, length + len(line)
        elif len(lines) - judged == _MOST_LINES:
            continue
        lines.append(line)
    return "".join(lines)


def _delimiter(head: str) -> str:
    worth = {name: _worth(head, name) for name in DELIMITERS}
    best = max(worth, key=lambda name: worth[name])
    if worth[best] == _WORTHLESS:
        raise unusable("a first line with the names of two or more columns is wanted, separated by commas")
    return best


_WORTHLESS: Final = (0.0, 0.0)


def _worth(head: str, delimiter: str) -> tuple[float, float]:
    """The share of lines that are as wide as the first one, and that of the fields in them that are values."""
    records = _records(head, delimiter)
    width = len(records[0]) if records else 0
    if width < 2:
        return _WORTHLESS
    alike = [record for record in records if len(record) == width]
    fields = [field for record in alike[1:] for field in record[:_MOST_JUDGED]]
    share = sum(map(is_value, fields)) / (len(fields) or 1)
    return len(alike) / len(records), share


def _records(head: str, delimiter: str) -> list[list[str]]:
    """As far as they can be read."""
    records: list[list[str]] = []
    with suppress(UnusableArrays):
        records.extend(Records(head, delimiter))
    return records


def _decimal(records: Iterable[Sequence[str]]) -> str:
    numbers = [field for record in records for field in record if is_value(field) and field not in MISSING]
    commaed, pointed = ([field for field in numbers if mark in field] for mark in ",.")
    if commaed and pointed:
        raise unusable("numbers have decimal points and decimal commas: say which with decimal=, or write them one way")
    if commaed and all(map(_THOUSANDS.fullmatch, commaed)):
        raise unusable(f"every comma in a number {three_digits('comma')}")
    return "comma" if commaed else "point"


def three_digits(mark: str) -> str:
    """What is wrong with a mark that may mean two things."""
    return (
        f"has three digits behind it, and may mean decimals or thousands: decimal={mark} reads decimals, or write the "
        "numbers without thousands separators"
    )


class PointedNumbers:
    """Watches a whole file for points that may separate thousands: `doubtful` is the first, by line, column and field.

    It is None once a number has a point that can only mark decimals.
    """

    def __init__(self, columns: Iterable[int]) -> None:
        self._columns = sorted(columns)
        self._is_settled = False
        self.doubtful: tuple[int, int, str] | None = None

    def see(self, line: int, fields: Sequence[str]) -> None:
        """Watch the next row."""
        if self._is_settled:
            return
        for column in self._columns:
            field = fields[column]
            if "." not in field or number(field, "point") is None:
                continue
            if not _THOUSANDS.fullmatch(field):
                self._is_settled, self.doubtful = True, None
                return
            self.doubtful = self.doubtful or (line, column, field)


def is_grouped(field: str) -> bool:
    """Whether it is a number with something between its thousands."""
    return _GROUPED.fullmatch(field) is not None
