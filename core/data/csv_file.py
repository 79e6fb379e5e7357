"""Arrays from the bytes of a CSV file: a line of names, then a line for each sample.

Nothing is guessed without a word: what was understood is part of the answer, and what may mean two things is refused.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.data.csv_dialect import (
    LONGEST_FIELD,
    PointedNumbers,
    Records,
    commented_names,
    declared_delimiter,
    dialect_of,
    is_grouped,
    is_value,
    three_digits,
)
from core.data.csv_table import MOST_LEVELS, MOST_VIOLATIONS, Fault, Table, filled, shown
from core.data.reading import Reading
from core.data.user_arrays import ArrayViolation, UnusableArrays, require_entries, unusable
from core.errors import StepbiasError

TARGET: Final = "y"
"""The column that is y where no other is named; without one of this name, the last."""

FEWEST_COUNTED: Final = 3
"""A named column that counts fewer rows than this does so by chance."""

_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060"


class NoSuchColumn(StepbiasError):
    """A column that an option names is not in the file, not only once, or left out; `option` is which."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


class Missing(StrEnum):
    """What becomes of a sample with a value that is missing: a reason to refuse, left out, or the column's mean."""

    REFUSE = "refuse"
    DROP = "drop"
    MEAN = "mean"


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvOptions:
    """What the user says of a CSV file; None is to be found out.

    `drop` names columns to leave out, `keep` ones that count the rows and are features all the same, `one_hot` those
    with categories. `delimiter` and `decimal` are keys of `core.data.csv_dialect.DELIMITERS` and `DECIMALS`.
    """

    target: str | None = None
    drop: Sequence[str] = ()
    keep: Sequence[str] = ()
    one_hot: Sequence[str] = ()
    delimiter: str | None = None
    decimal: str | None = None
    missing: Missing = Missing.REFUSE


_NO_OPTIONS: Final = CsvOptions()


def csv_arrays(
    body: bytes, options: CsvOptions = _NO_OPTIONS, *, limit: int
) -> tuple[dict[str, Float64[np.ndarray, "..."]], Reading]:
    """X, of at most `limit` entries, and y from the target; every other column is a feature, in order.

    Raises:
        NoSuchColumn: an option names a column that is not there, is there twice, or is left out by another option.
        OversizedArrays: X has more entries.
        UnusableArrays: these bytes are no such file; with the names of the columns, or the lines, at fault.
    """
    file = _File(_text(body), options)
    return _Meaning(file, file.table(limit)).arrays(limit)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = "a spreadsheet or an archive" if body.startswith(b"PK") else "not UTF-8"
        sentence = f"the file is {what}: byte {error.start} does not belong there; save it as CSV, in UTF-8"
        raise unusable(sentence) from None


class _File:
    """The names of a file's columns, what the options say of each, and the records that follow."""

    def __init__(self, text: str, options: CsvOptions) -> None:
        self.options = options
        self.dialect = dialect_of(text, delimiter=options.delimiter, decimal=options.decimal)
        self.is_declared = options.delimiter is None and declared_delimiter(text) is not None
        self._source = Records(text, self.dialect.delimiter)
        self._records: Iterator[tuple[int, list[str]]] = ((self._source.line, fields) for fields in self._source)
        names = self._first_names()
        self.nameless = {column for column, name in enumerate(names) if not name or name == f"Unnamed: {column}"}
        self.names = [name or f"Unnamed: {column}" for column, name in enumerate(names)]
        self._require_names()
        self.dropped = self._places("drop", options.drop)
        self.kept = self._places("keep", options.keep)
        self.unnamed = self.nameless - self.kept
        self.target = self._target()
        self.categories = self._places("one_hot", options.one_hot)
        if self.target in self.dropped | self.categories:
            raise NoSuchColumn("target", "the target is a column of numbers, and not left out")
        for option, wanted in (("keep", self.kept), ("one_hot", self.categories)):
            for column in sorted(wanted & self.dropped):
                raise NoSuchColumn(option, f"drop leaves out {shown(self.names[column])}: name it once")

    @property
    def comments(self) -> int:
        """How many lines are comments, without the one that has the names; known once all is read."""
        return self._source.comments - self.has_commented_names

    @property
    def folds(self) -> Sequence[int]:
        """The lines that were taken for the rest of a field in quotes; known once all is read."""
        return self._source.folds

    def table(self, limit: int) -> Table:
        """The fields that follow the names."""
        width = len(self.names)
        read = set(range(width)) - self.dropped
        require_entries("X", (1, len(read) - 1), limit=limit)
        features = len(read - self.nameless - {self.target})
        table = Table(width, self.dialect.decimal, read=read, categories=self.categories, points=self._points(read))
        for rows in filled(table, self._records, width):
            if rows * features > limit:
                require_entries("X", (rows, features), limit=limit)
        if not len(table):
            raise unusable("no line follows the names of the columns: a line for each sample is wanted")
        return table

    def _points(self, read: set[int]) -> PointedNumbers | None:
        """Semicolons come from places where the comma marks decimals, and a point thousands."""
        is_sure = self.dialect.delimiter != "semicolon" or self.options.decimal is not None
        return None if is_sure or self.dialect.decimal == "comma" else PointedNumbers(read - self.categories)

    def _first_names(self) -> list[str]:
        """The first line that is no comment; where that reads as a sample, the comment above it."""
        first = next(self._records, (0, []))
        self.has_commented_names = _is_sample(first[1])
        if not self.has_commented_names:
            return [_name(name) for name in first[1]]
        names = [_name(name) for name in commented_names(self._source.comment, self.dialect.delimiter)]
        if len(names) != len(first[1]) or _is_sample(names):
            raise unusable(
                f"line {first[0]} reads as a sample: put a line with the names of the columns before it "
                "(numbers, truths and missing values are no names)"
            )
        self._records = chain([first], self._records)
        return names

    def _require_names(self) -> None:
        if len(self.names) < 2:
            raise unusable("a first line with the names of two or more columns is wanted")
        if self.dialect.delimiter == "space" and any(name[0] in ",;|" or name[-1] in ",;|" for name in self.names):
            raise unusable("names are separated by one character, and the samples by spaces: write both one way")
        for name, count in Counter(self.names).items():
            if count > 1 and name != (self.options.target or TARGET):
                raise unusable(f"{count} columns are called {shown(name)}: names must differ")

    def _places(self, option: str, names: Sequence[str]) -> set[int]:
        return {self._place(option, name) for name in names}

    def _place(self, option: str, name: str) -> int:
        if (found := self.names.count(name)) != 1:
            raise NoSuchColumn(option, f"{found} columns are called {shown(name)}; one is wanted")
        return self.names.index(name)

    def _target(self) -> int:
        """Where y stands."""
        if self.options.target is not None or TARGET in self.names:
            return self._place("target", TARGET if self.options.target is None else self.options.target)
        others = self.dropped | self.nameless
        named = [column for column in range(len(self.names)) if column not in others]
        if not named:
            raise NoSuchColumn("target", "no column has a name")
        return named[-1]


def _is_sample(fields: Sequence[str]) -> bool:
    """Whether a first line reads as a sample rather than as names: a name is no number, and one is not missing."""
    return any(map(is_value, filter(None, fields)))


def _name(field: str) -> str:
    return field.strip().strip(_INVISIBLE).strip().strip('"').strip()


class _Meaning:
    """What the columns of a table mean, and what is left out or converted for it."""

    def __init__(self, file: _File, table: Table) -> None:
        self._file, self._table = file, table
        self._numbers, self._is_missing, self._is_truth = table.numbers, table.is_missing, table.is_truth
        self._dropped = [f"column {shown(file.names[column])}: as asked" for column in sorted(file.dropped)]
        self._dropped += [f"{file.comments} comment lines"] if file.comments else []
        self._converted: list[str] = []
        self._levels: dict[int, list[str]] = {}
        self._features = [column for column in range(len(file.names)) if self._is_feature(column)]

    def arrays(self, limit: int) -> tuple[dict[str, Float64[np.ndarray, "..."]], Reading]:
        """X and y, and how they were understood."""
        faults = tuple(islice(self._faults(), MOST_VIOLATIONS))
        if faults:
            raise UnusableArrays(*faults)
        self._say_truths()
        rows = self._rows()
        self._levels = {column: self._levels_in(column, rows) for column in self._table.levels}
        columns = tuple(name for column in self._features for name in self._names(column))
        self._require_different((*columns, self._file.names[self._file.target]))
        require_entries("X", (int(rows.sum()), len(columns)), limit=limit)
        X = np.concatenate([self._columns(column, rows) for column in self._features], axis=1)
        return {"X": X, "y": self._numbers[rows, self._file.target]}, self._reading(columns)

    def _is_feature(self, column: int) -> bool:
        """Whether it is neither the target nor left out; a column without a name that says nothing is left out here."""
        file = self._file
        if column == file.target or column in file.dropped:
            return False
        if column in file.unnamed:
            empty = bool(self._is_missing[:, column].all())
            if empty or self._counts_rows(column):
                what = "has neither a name nor values" if empty else "has no name and counts the rows"
                self._dropped.append(f"column {shown(file.names[column])}: it {what}")
                return False
        return True

    def _counts_rows(self, column: int) -> bool:
        """Whether the values are 0, 1, 2, … or 1, 2, 3, … in this order."""
        values = self._numbers[:, column]
        return values[0] in {0.0, 1.0} and bool((values == values[0] + np.arange(len(values))).all())

    def _faults(self) -> Iterator[ArrayViolation]:
        """The first thing that is wrong with each column, by its name."""
        if not self._features:
            yield ArrayViolation(sentence="besides the target a column is wanted that is a feature")
        for column in (*self._features, self._file.target):
            if (fault := self._fault(column)) is not None:
                yield ArrayViolation(sentence=f"column {shown(self._file.names[column])}{fault}")

    def _fault(self, column: int) -> str | None:
        """What is wrong with a column, in the words that follow its name."""
        file, name = self._file, shown(self._file.names[column])
        if column in file.unnamed:
            return f": it has no name; name it, or leave it out with drop={file.names[column]}"
        if column in self._table.faults:
            return self._no_value(column, self._table.faults[column])
        doubtful = None if self._table.points is None else self._table.points.doubtful
        if doubtful is not None and doubtful[1] == column:
            return f", line {doubtful[0]}: {shown(doubtful[2])}, as every number with a point, {three_digits('point')}"
        is_feature = column != file.target and column not in file.kept
        if is_feature and len(self._table) >= FEWEST_COUNTED and self._counts_rows(column):
            return f": it counts the rows; leave it out with drop={name}, or say with keep={name} that it is a feature"
        truths = self._is_truth[:, column]
        if truths.any() and not (truths | self._is_missing[:, column]).all():
            return f", line {self._line(truths)}: True or False stands among numbers"
        return self._no_way_to_fill(column)

    def _no_value(self, column: int, fault: Fault) -> str:
        where = f", line {self._table.lines[fault.row]}: {shown(fault.word)}"
        if len(fault.word) > LONGEST_FIELD:
            return f"{where} has more than {LONGEST_FIELD} characters"
        if column in self._table.levels:
            return f"{where} is one category more than the {MOST_LEVELS} that are taken"
        if is_value(fault.word):
            return f"{where} has another decimal separator than the rest of the file, or one for thousands"
        if fault.word.isascii() and fault.word.lstrip("+-").isdigit():
            return f"{where} is a whole number that double precision cannot tell from its neighbours"
        if is_grouped(fault.word):
            return f"{where} has something between its thousands: write numbers without"
        ways = "" if column == self._file.target else "; drop= leaves the column out, one_hot= takes it for categories"
        return f"{where} is no finite number ({fault.fields} of {len(self._table)} values are none){ways}"

    def _no_way_to_fill(self, column: int) -> str | None:
        """Why values that are missing cannot be made up for as asked."""
        missing = self._is_missing[:, column]
        if not missing.any() or self._file.options.missing is Missing.DROP:
            return None
        where = f", line {self._line(missing)}: a value is missing ({missing.sum()} of {len(missing)} are)"
        if self._file.options.missing is Missing.REFUSE:
            return f"{where}; missing=drop leaves such lines out, missing=mean puts the mean of the column there"
        if column == self._file.target or column in self._table.levels or missing.all():
            return f"{where}, and no mean can take its place"
        return None

    def _say_truths(self) -> None:
        for column in (*self._features, self._file.target):
            if self._is_truth[:, column].any():
                self._converted.append(f"column {shown(self._file.names[column])}: True became 1, False 0")

    def _rows(self) -> Bool[np.ndarray, " row"]:
        """The samples that stay, after what is missing was made up for."""
        used = [*self._features, self._file.target]
        missing = self._is_missing[:, used]
        if self._file.options.missing is Missing.MEAN:
            for column, gaps in zip(used, missing.T, strict=True):
                self._fill(column, gaps)
            return np.ones(len(missing), dtype=bool)
        stay: Bool[np.ndarray, " row"] = np.logical_not(missing).all(axis=1)
        if not stay.any():
            raise unusable("in every line a value is missing")
        if not stay.all():
            gone, first = len(stay) - stay.sum(), self._line(~stay)
            self._dropped.append(f"{gone} of {len(stay)} samples, where values are missing; the first is line {first}")
        return stay

    def _fill(self, column: int, gaps: Bool[np.ndarray, " row"]) -> None:
        if gaps.any():
            mean = self._numbers[~gaps, column].mean()
            self._numbers[gaps, column] = mean
            name = shown(self._file.names[column])
            self._converted.append(f"column {name}: {gaps.sum()} missing values became the mean {mean:.6g}")

    def _names(self, column: int) -> list[str]:
        name = self._file.names[column]
        return [f"{name}={level}" for level in self._levels[column]] if column in self._levels else [name]

    def _levels_in(self, column: int, rows: Bool[np.ndarray, " row"]) -> list[str]:
        """The categories that the samples have which stay, in order."""
        levels = self._table.levels[column]
        found = set(self._numbers[rows, column].tolist())
        stay = sorted(level for level, place in levels.items() if place in found)
        if len(stay) < len(levels):
            where = f"{len(levels) - len(stay)} of {len(levels)} categories of column {shown(self._file.names[column])}"
            self._dropped.append(f"{where}: no sample that stays is of them")
        return stay

    @staticmethod
    def _require_different(names: Sequence[str]) -> None:
        """Refuse categories whose columns would have the name of another column."""
        for name, count in Counter(names).items():
            if count > 1:
                raise unusable(f"{count} columns would be called {shown(name)}: names must differ")

    def _columns(self, column: int, rows: Bool[np.ndarray, " row"]) -> Float64[np.ndarray, "kept feature"]:
        """A column as it stands in X: itself, or one of 0 and 1 for each category."""
        values: Float64[np.ndarray, "kept feature"] = self._numbers[rows, column, None]
        if column not in self._levels:
            return values
        name, levels = shown(self._file.names[column]), self._levels[column]
        self._converted.append(f"column {name}: its {len(levels)} categories became columns of 0 and 1")
        places = np.array([self._table.levels[column][level] for level in levels], dtype=np.float64)
        indicators: Float64[np.ndarray, "kept feature"] = (values == places).astype(np.float64)
        return indicators

    def _line(self, rows: Bool[np.ndarray, " row"]) -> int:
        """Where the first of these rows stands."""
        return self._table.lines[int(np.flatnonzero(rows)[0])]

    def _reading(self, columns: tuple[str, ...]) -> Reading:
        file = self._file
        return Reading(
            target=file.names[file.target],
            columns=columns,
            delimiter=file.dialect.delimiter,
            decimal=file.dialect.decimal,
            dropped=tuple(self._dropped),
            converted=tuple(self._converted),
            guessed=tuple(_guesses(file)),
        )


def _guesses(file: _File) -> Iterator[str]:
    options, target = file.options, file.names[file.target]
    if options.target is None and target != TARGET:
        yield f"target: {shown(target)}, the last column"
    if options.delimiter is None and file.dialect.delimiter != "comma" and not file.is_declared:
        yield f"delimiter: {file.dialect.delimiter}"
    if options.decimal is None and file.dialect.decimal != "point":
        yield f"decimal: {file.dialect.decimal}"
    if file.folds:
        count, first = len(file.folds), file.folds[0]
        yield f"quotes: {count} lines go on with a field of the line before; the first is line {first}"
    if file.has_commented_names:
        yield "names: those of the comment above the first sample"
