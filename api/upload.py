"""The body of an upload: a data set in one of several formats, of which the media type says which."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

import numpy as np
from fastapi import Depends, Request
from pydantic import ConfigDict, Field, ValidationError

from api import i_json, spec_violations
from api.body import JSON, limited_body, require_media_type
from api.dependencies import SettingsHere
from api.paging import NoQuery
from api.request_errors import InvalidQuery, OversizedDataset, UnusableBody, UnusableDataset, Violation
from core.data.csv_file import NoSuchColumn, csv_arrays
from core.data.npz_file import npz_arrays
from core.data.user_arrays import NUMBER_OF_AXES, OversizedArrays, UnusableArrays, UserArrays, require_entries
from core.spec.experiment_spec import Matrix, Vector
from core.spec.swept import Document

CSV: Final = "text/csv"
NPZ: Final = ("application/zip", "application/x-npz", "application/octet-stream")


class UploadQuery(NoQuery):
    """The query of an upload."""

    target: Annotated[
        str | None, Field(max_length=200, description="The column of a CSV file that is y; default: y, or the last.")
    ] = None


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

    def arrays(self, *, target: str | None, limit: int) -> UserArrays:
        """The data set in the file; no array has more than `limit` entries.

        Raises:
            MalformedBody: it should be JSON, and is not.
            UnusableDataset: it is no data set; each violation with its place.
            OversizedDataset: an array has more entries, or declares them.
            InvalidQuery: no column is called `target`, or the file has no columns with names.
        """
        try:
            return UserArrays.of(_READERS[self.media_type](self.body, target, limit))
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


def _read_json(body: bytes, target: str | None, limit: int) -> dict[str, np.ndarray]:
    _require_no_target(target)
    try:
        document = i_json.read(body)
    except UnusableBody as error:
        raise _unusable(*error.violations) from None
    if unknown := tuple(_unknown_names(document)):
        raise _unusable(*unknown)
    try:
        given = DatasetBody.model_validate_json(body)
    except ValidationError as error:
        raise _unusable(*spec_violations.violations(error, document)) from None
    if ragged := tuple(_ragged_rows(given)):
        raise _unusable(*ragged)
    known = {name: rows for name, rows in given.model_dump().items() if rows is not None}
    arrays = {name: np.array(rows) for name, rows in known.items()}
    for name, array in arrays.items():
        require_entries(name, array.shape, limit=limit)
    return arrays


def _read_csv(body: bytes, target: str | None, limit: int) -> dict[str, np.ndarray]:
    try:
        return csv_arrays(body, target=target, limit=limit)
    except NoSuchColumn as error:
        violation = Violation(parameter="target", detail=error.message)
        raise InvalidQuery("One column of the file must be the target.", violations=(violation,)) from None


def _read_npz(body: bytes, target: str | None, limit: int) -> dict[str, np.ndarray]:
    _require_no_target(target)
    return npz_arrays(body, limit=limit)


_READERS: Final[Mapping[str, Callable[[bytes, str | None, int], dict[str, np.ndarray]]]] = MappingProxyType(
    {JSON: _read_json, CSV: _read_csv} | dict.fromkeys(NPZ, _read_npz)
)


def _unusable(*violations: Violation) -> UnusableDataset:
    return UnusableDataset("The data set breaks the rules listed under errors.", violations=violations)


def _require_no_target(target: str | None) -> None:
    if target is not None:
        violation = Violation(parameter="target", detail=f"only {CSV} has columns with names")
        raise InvalidQuery("The target is a column of a CSV file.", violations=(violation,))


def _unknown_names(document: Any) -> Iterator[Violation]:
    for name in document if isinstance(document, dict) else ():
        if name not in NUMBER_OF_AXES:
            detail = f"there is no such array; the names here are {', '.join(NUMBER_OF_AXES)}"
            yield Violation(pointer=f"/{i_json.escaped(name)}", detail=detail)


def _ragged_rows(given: DatasetBody) -> Iterator[Violation]:
    for name, rows in (("X", given.X), ("held_out_X", given.held_out_X or ())):
        for index, row in enumerate(rows):
            if len(row) != len(rows[0]):
                detail = f"this row has {len(row)} entries, the first one {len(rows[0])}"
                yield Violation(pointer=f"/{name}/{index}", detail=detail)


def _violations(error: UnusableArrays) -> tuple[Violation, ...]:
    return tuple(
        Violation(
            pointer="".join(f"/{i_json.escaped(str(token))}" for token in violation.place), detail=violation.sentence
        )
        for violation in error.violations
    )
