"""The fields of a CSV file as numbers: what they spell, 1 and 0 for True and False, or the category they name."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.data.csv_dialect import LONGEST_FIELD, MISSING, TRUTHS, PointedNumbers, number
from core.data.user_arrays import ArrayViolation, UnusableArrays

MOST_LEVELS: Final = 100
"""Most categories of one column."""

MOST_VIOLATIONS: Final = 20
"""A file with more bad lines, or bad columns, than this is bad for one reason."""

_LONGEST_SHOWN: Final = 40
_IN_NUMBERS: Final = str.maketrans("", "", "0123456789+-.eE")


@dataclass(slots=True)
class Fault:
    """The first field of a column that is no value, and how many there are."""

    row: int
    word: str
    fields: int = 1


class Table:
    """The fields of the columns in `read`, row by row; NaN stands where there is no value. Others are passed over.

    `points` watches the rows where nobody has said what a point means.
    """

    def __init__(
        self,
        width: int,
        decimal: str,
        *,
        read: Collection[int],
        categories: Collection[int],
        points: PointedNumbers | None = None,
    ) -> None:
        self._width, self._decimal = width, decimal
        self._read = sorted(read)
        self._is_plain = decimal == "point" and len(read) == width and not categories
        self._numbers = array("d")
        self._missing, self._truths = array("q"), array("q")
        self.levels: dict[int, dict[str, int]] = {column: {} for column in categories}
        self.faults: dict[int, Fault] = {}
        self.lines = array("q")
        self.points = points

    def __len__(self) -> int:
        return len(self.lines)

    def append(self, line: int, fields: Sequence[str]) -> None:
        """The next row, which stands in this line."""
        self.lines.append(line)
        if self.points is not None:
            self.points.see(line, fields)
        if self._is_plain and (numbers := _plain_numbers(fields)) is not None:
            self._numbers.extend(numbers)
            return
        start = len(self._numbers)
        self._numbers.extend([np.nan] * self._width)
        for column in self._read:
            self._numbers[start + column] = self._value(fields[column], column, start + column)

    @property
    def numbers(self) -> Float64[np.ndarray, "row column"]:
        """What the fields spell; of a column with categories their places among its levels."""
        return np.array(self._numbers).reshape(len(self), self._width)

    @property
    def is_missing(self) -> Bool[np.ndarray, "row column"]:
        """Where there is no value."""
        return self._marked(self._missing)

    @property
    def is_truth(self) -> Bool[np.ndarray, "row column"]:
        """Where True or False stands."""
        return self._marked(self._truths)

    def _value(self, field: str, column: int, place: int) -> float:
        if column in self.levels:
            return self._level(field, column, place)
        if field in MISSING:
            self._missing.append(place)
            return np.nan
        if field in TRUTHS:
            self._truths.append(place)
            return TRUTHS[field]
        value = number(field, self._decimal)
        if value is None:
            self._blame(column, field)
            return np.nan
        return value

    def _level(self, field: str, column: int, place: int) -> float:
        levels = self.levels[column]
        if field in MISSING:
            self._missing.append(place)
            return np.nan
        if len(field) > LONGEST_FIELD or (len(levels) == MOST_LEVELS and field not in levels):
            self._blame(column, field)
            return np.nan
        return levels.setdefault(field, len(levels))

    def _blame(self, column: int, field: str) -> None:
        if column in self.faults:
            self.faults[column].fields += 1
        elif len(self.faults) < MOST_VIOLATIONS:
            self.faults[column] = Fault(len(self) - 1, field)

    def _marked(self, places: Sequence[int]) -> Bool[np.ndarray, "row column"]:
        marked = np.zeros(len(self._numbers), dtype=bool)
        marked[np.array(places, dtype=np.int64)] = True
        return marked.reshape(len(self), self._width)


def filled(table: Table, records: Iterable[tuple[int, list[str]]], width: int) -> Iterator[int]:
    """Fill the table with the records of this width, by their lines; how many it has after each.

    Raises:
        UnusableArrays: lines have fewer or more fields; found from the twentieth on, the rest is not read.
    """
    ragged: list[ArrayViolation] = []
    for line, fields in records:
        if len(fields) == width:
            table.append(line, fields)
            yield len(table)
            continue
        hint = "; row names need a name, too" if len(fields) == width + 1 else ""
        counts = f"line {line} has {len(fields)} fields, where {width} columns have names"
        sentence = f"{counts}{hint}; where a value is missing a field is empty"
        ragged.append(ArrayViolation(sentence=sentence))
        if len(ragged) == MOST_VIOLATIONS:
            break
    if ragged:
        raise UnusableArrays(*ragged)


def shown(text: str) -> str:
    """What a user wrote, in quotes, cut where it is long."""
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return "'" + "".join(character if character.isprintable() else "\ufffd" for character in cut) + "'"


PLAIN_FIELD: Final = 15
"""Characters of a number that a double holds whatever it is."""


def _plain_numbers(fields: Sequence[str]) -> "array[float] | None":
    """The numbers of a row, fast, where all fields are plainly numbers; None where one is to be looked at."""
    if "".join(fields).translate(_IN_NUMBERS) or len(max(fields, key=len)) > PLAIN_FIELD:
        return None
    try:
        return array("d", map(float, fields))
    except ValueError:
        return None
