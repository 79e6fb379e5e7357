"""The body of an upload: a data set in one of several formats, of which the media type says which."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import Depends, Request
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from api.contract.json_schema import PLAIN_TEXT
from api.problems.pointers import MOST_VIOLATIONS, escaped
from api.problems.request_errors import InvalidQuery, OversizedDataset, UnusableBody, UnusableDataset, Violation
from api.requests import i_json
from api.requests.body import JSON, limited_body, require_media_type
from api.requests.labels import LINES, flaw, plain
from api.requests.paging import QueryModel
from api.settings_here import SettingsHere
from core.data.csv_dialect import DECIMALS, DELIMITERS
from core.data.csv_file import CsvOptions, Missing, NoSuchColumn, csv_arrays
from core.data.npz_file import npz_arrays
from core.data.reading import Reading
from core.data.user_arrays import NUMBER_OF_AXES, OversizedArrays, UnusableArrays, UserArrays, require_entries
from core.spec.experiment_spec import Matrix, Name
from core.spec.swept import Document, Vector

CSV: Final = "text/csv"
NPZ: Final = ("application/zip", "application/x-npz", "application/octet-stream")


def _named(names: Mapping[str, str]) -> Callable[[Any], Any]:
    """Take a character for its name."""
    by_character = {character: name for name, character in names.items()}
    return lambda given: by_character.get(given, given)


Column = Annotated[str, Field(min_length=1, max_length=200)]
Columns = Annotated[list[Column], Field(max_length=100)]


class UploadQuery(QueryModel):
    """The query of an upload: the name of the data set and, for CSV files, what their columns mean."""

    name: Annotated[
        Annotated[Name, AfterValidator(plain)] | None,
        Field(
            json_schema_extra={"pattern": PLAIN_TEXT},
            description="What the data set is called in lists; default: none.",
        ),
    ] = None
    target: Annotated[Column | None, Field(description="The column that is y; default: y, or the last.")] = None
    drop: Annotated[Columns, Field(default_factory=list, description="Columns to leave out.")]
    keep: Annotated[
        Columns,
        Field(default_factory=list, description="Columns that count the rows, or have no name, and are features."),
    ]
    one_hot: Annotated[
        Columns, Field(default_factory=list, description="Columns of categories: each becomes a column of 0 and 1.")
    ]
    delimiter: Annotated[
        Literal["comma", "semicolon", "tab", "bar", "space"] | None,
        BeforeValidator(_named(DELIMITERS)),
        Field(description="What separates fields; default: found out, and said."),
    ] = None
    decimal: Annotated[
        Literal["point", "comma"] | None,
        BeforeValidator(_named(DECIMALS)),
        Field(description="What marks decimals; default: found out, and said."),
    ] = None
    missing: Annotated[
        Missing, Field(description="What becomes of samples with missing values; `mean`: of the column.")
    ] = Missing.REFUSE

    @property
    def options(self) -> CsvOptions:
        """Those of a CSV file."""
        return CsvOptions(**self.model_dump(exclude={"name"}))


class DatasetBody(Document):
    """A data set as JSON: X has one row for each sample."""

    model_config = ConfigDict(title="Dataset")

    X: Matrix
    y: Vector
    true_predictor: Vector | None = None
    held_out_X: Matrix | None = None
    held_out_y: Vector | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """The bytes of a file and what they are declared to be."""

    media_type: str
    body: bytes

    def read(self, query: UploadQuery, limit: int) -> tuple[UserArrays, Reading]:
        """The data set in the file, and how it was understood; no array has more than `limit` entries.

        Raises:
            MalformedBody: it should be JSON, and is not.
            UnusableDataset: it is no data set; each violation with its place.
            OversizedDataset: an array has more entries, or declares them.
            InvalidQuery: a column that the query names is not there, or the file has no columns with names.
        """
        try:
            arrays, reading = _READERS[self.media_type](self.body, query.options, limit)
            return UserArrays.of(arrays), reading
        except OversizedArrays as error:
            raise OversizedDataset(
                "An array is larger than this deployment takes.", violations=_violations(error)
            ) from None
        except UnusableArrays as error:
            raise _unusable(*_violations(error)) from None


async def upload(request: Request, settings: SettingsHere) -> Upload:
    """The file that is being sent.

    Raises:
        WrongMediaType: it is declared to be something that is not read, or compressed.
        BodyTooLarge: it is longer than the deployment allows; the rest is not read.
    """
    media_type = require_media_type(request, _READERS)
    return Upload(media_type=media_type, body=await limited_body(request, limit=settings.max_body_bytes))


UploadHere = Annotated[Upload, Depends(upload)]


Arrays = dict[str, np.ndarray]


def _read_json(body: bytes, options: CsvOptions, limit: int) -> tuple[Arrays, Reading]:
    _require_no_options(options)
    _require_countable(body, limit)
    document = i_json.parsed(body)
    given = {name: rows for name, rows in document.items() if rows is not None} if isinstance(document, dict) else None
    if violations := tuple(islice(_faults(given), MOST_VIOLATIONS + 1)):
        raise _unusable(*violations)
    try:
        i_json.require_interoperable(document)
    except UnusableBody as error:
        raise _unusable(*error.violations) from None
    known = given or {}
    for name, rows in known.items():
        shape = (len(rows), len(rows[0])) if NUMBER_OF_AXES[name] == 2 else (len(rows),)
        require_entries(name, shape, limit=limit)
    return {name: np.array(rows, dtype=np.float64) for name, rows in known.items()}, Reading(target="y")


def _require_countable(body: bytes, limit: int) -> None:
    """Refuse what has more entries than all arrays together may have, before any is made an object."""
    matrices = list(NUMBER_OF_AXES.values()).count(2)
    if body.count(b",") > len(NUMBER_OF_AXES) * limit or body.count(b"[") > matrices * limit + 2 * len(NUMBER_OF_AXES):
        raise OversizedDataset(f"An array may have at most {limit} entries; these have more together than all may.")


def _read_csv(body: bytes, options: CsvOptions, limit: int) -> tuple[Arrays, Reading]:
    try:
        arrays, reading = csv_arrays(body, options, limit=limit)
    except NoSuchColumn as error:
        violation = Violation(parameter=error.option, detail=error.message)
        raise InvalidQuery("The query names a column that is not in the file.", violations=(violation,)) from None
    _require_plain_names(reading)
    return arrays, reading


def _require_plain_names(reading: Reading) -> None:
    """Refuse columns whose names read as others; a line may break in the heading of a table."""
    names = {f"feature {place}": name for place, name in enumerate(reading.columns or ())}
    names["the target"] = reading.target or ""
    flaws = ((which, flaw(name, allowed=LINES)) for which, name in names.items())
    violations = [Violation(pointer="", detail=f"the name of {which}: {why}") for which, why in flaws if why]
    if violations:
        raise _unusable(*violations[:MOST_VIOLATIONS])


def _read_npz(body: bytes, options: CsvOptions, limit: int) -> tuple[Arrays, Reading]:
    _require_no_options(options)
    return npz_arrays(body, limit=limit)


_READERS: Final[Mapping[str, Callable[[bytes, CsvOptions, int], tuple[Arrays, Reading]]]] = MappingProxyType(
    {JSON: _read_json, CSV: _read_csv} | dict.fromkeys(NPZ, _read_npz)
)


def _unusable(*violations: Violation) -> UnusableDataset:
    return UnusableDataset("The data set breaks the rules listed under errors.", violations=violations)


def _require_no_options(options: CsvOptions) -> None:
    given = ((each.name, getattr(options, each.name), each.default) for each in fields(options))
    if unsuited := [name for name, value, default in given if value and value != default]:
        violations = tuple(Violation(parameter=name, detail=f"only {CSV} has columns with names") for name in unsuited)
        raise InvalidQuery("These parameters speak of the columns of a CSV file.", violations=violations)


def _faults(given: Mapping[str, Any] | None) -> Iterator[Violation]:
    """What is no array of the shape that its name has, at the speed of C where nothing is wrong."""
    if given is None:
        yield Violation(pointer="", detail="an object is wanted, with the arrays as members")
    for name, rows in (given or {}).items():
        if name not in NUMBER_OF_AXES:
            detail = f"there is no such array; the names here are {', '.join(NUMBER_OF_AXES)}"
            yield Violation(pointer=f"/{escaped(name)}", detail=detail)
        elif NUMBER_OF_AXES[name] == 1 or not isinstance(rows, list):
            yield from _row_faults(rows, f"/{name}")
        else:
            yield from _matrix_faults(rows, f"/{name}")


def _matrix_faults(rows: list[Any], pointer: str) -> Iterator[Violation]:
    if not rows:
        yield Violation(pointer=pointer, detail="at least one row is wanted")
    for index, row in enumerate(rows):
        yield from _row_faults(row, f"{pointer}/{index}")
        if isinstance(row, list) and isinstance(rows[0], list) and len(row) != len(rows[0]):
            detail = f"this row has {len(row)} entries, the first one {len(rows[0])}; all rows have as many"
            yield Violation(pointer=f"{pointer}/{index}", detail=detail)


def _row_faults(row: Any, pointer: str) -> Iterator[Violation]:
    if not isinstance(row, list):
        yield Violation(pointer=pointer, detail="a list is wanted")
    elif not row:
        yield Violation(pointer=pointer, detail="at least one entry is wanted")
    elif not set(map(type, row)) <= {int, float}:
        for index, item in enumerate(row):
            if type(item) not in {int, float}:
                yield Violation(pointer=f"{pointer}/{index}", detail="a number is wanted")


def _violations(error: UnusableArrays) -> tuple[Violation, ...]:
    return tuple(
        Violation(pointer="".join(f"/{escaped(str(token))}" for token in violation.place), detail=violation.sentence)
        for violation in error.violations
    )
