"""Uploaded data sets: kept once under the hash of their content, described, and held against a spec that names one.

A data set is two documents of the store, its arrays and its description. It stays, used or not, until
somebody deletes it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from api.http.if_match import require_named
from api.prefix import under_prefix
from api.problems.request_errors import DatasetInUse, NotAsKnown, NothingHere, OversizedDataset, UnusableBody, Violation
from api.readiness import require_reserve
from api.requests.paging import DatasetQuery
from core.data.reading import Reading
from core.data.user_arrays import UserArrays
from core.spec.experiment_spec import ExperimentSpec, UploadedData, vectors_of
from jobs.document_keys import dataset_description_key, dataset_key
from jobs.errors import EditedMeanwhile, InUse
from jobs.ports import Store
from jobs.settings import Settings

_PLAIN: Final = Reading()
_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


MOST_COLUMNS: Final = 1000
"""Most names of columns that are kept and listed."""

MOST_USERS: Final = 20
"""Most experiments that are listed as users of a data set."""

_MOST_LOOKED_AT: Final = 2000
"""Data sets that one page looks at. A rare name gives a short page and a cursor to go on from."""


class DatasetDocument(BaseModel):
    """An uploaded data set without its numbers."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="SHA-256 of the arrays: equal data have one id, whatever file they came in.")
    name: str = Field(default="", description="As given with the last upload of these data that gave one.")
    samples: int
    dimension: int
    held_out_samples: int
    has_true_predictor: bool
    target: str | None = Field(default=None, description="The column that is y, where the file named its columns.")
    columns: tuple[str, ...] | None = Field(
        default=None, description=f"The features in the order of X, the first {MOST_COLUMNS}."
    )
    digest: str = Field(description="SHA-256 of X and y as uploaded; an analysis has that of the transformed ones.")
    created_at: str | None = None
    bytes: int | None = Field(default=None, description="What the arrays take in the store.")
    links: Mapping[str, str]

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Self:
        """The document of a description."""
        links = {"self": path(about["id"]), "analysis": f"{path(about['id'])}/analysis"}
        return cls(**about, links=links)


class ReadingDocument(BaseModel):
    """How the file was understood. What stands under `guessed` is to be checked."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    target: str | None
    columns: tuple[str, ...] | None
    delimiter: str | None
    decimal: str | None
    dropped: tuple[str, ...]
    converted: tuple[str, ...]
    guessed: tuple[str, ...]


class UploadDocument(DatasetDocument):
    """A data set as it was just uploaded, and how its file was understood."""

    reading: ReadingDocument


class UsedDatasetDocument(DatasetDocument):
    """A data set, and the experiments that use it."""

    used_by: tuple[str, ...] = Field(description=f"The ids of experiments whose specs name it, {MOST_USERS} at most.")


class DatasetPage(BaseModel):
    """Some data sets, newest first."""

    datasets: tuple[DatasetDocument, ...]
    next_cursor: str | None


def path(dataset_id: str) -> str:
    """Where the data set is described."""
    return under_prefix(f"/v1/datasets/{dataset_id}")


def keep(
    arrays: UserArrays, *, store: Store, name: str | None = None, reading: Reading = _PLAIN
) -> tuple[UploadDocument, bool]:
    """Keep the data set under its last name, and say whether it is new."""
    block, given = arrays.pack(), arrays.about()
    known = _about(given["id"], store=store) or {}
    about = given | {
        "name": known.get("name", "") if name is None else name,
        "target": known.get("target") if reading.columns is None else reading.target,
        "columns": known.get("columns") if reading.columns is None else reading.columns[:MOST_COLUMNS],
        "created_at": known.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds"),
        "bytes": len(block),
    }
    require_reserve(store)
    is_new = store.keep_upload(given["id"], arrays=block, description=json.dumps(about).encode())
    listed = replace(reading, columns=None if reading.columns is None else reading.columns[:MOST_COLUMNS])
    return UploadDocument.of(about | {"reading": ReadingDocument.model_validate(listed)}), is_new


def listed(query: DatasetQuery, *, store: Store) -> DatasetPage:
    """A page of data sets, of those with the name that is asked for.

    Raises:
        InvalidCursor: the cursor is none of ours.
    """
    found: list[DatasetDocument] = []
    cursor, looked_at = query.cursor, 0
    while entries := store.uploads(limit=query.limit, cursor=cursor):
        for entry in entries:
            if len(found) == query.limit:
                return DatasetPage(datasets=tuple(found), next_cursor=cursor)
            cursor, about = entry.cursor, json.loads(entry.description)
            if query.name in {None, about.get("name", "")}:
                found.append(DatasetDocument.of(about))
        looked_at += len(entries)
        if looked_at >= _MOST_LOOKED_AT:
            return DatasetPage(datasets=tuple(found), next_cursor=cursor)
    return DatasetPage(datasets=tuple(found), next_cursor=None)


def described(dataset_id: str, *, store: Store) -> UsedDatasetDocument:
    """The description of a data set.

    Raises:
        NothingHere: there is none of that id.
    """
    about = _about(dataset_id, store=store)
    if about is None:
        raise NothingHere("There is no data set of that id.")
    return UsedDatasetDocument.of(about | {"used_by": store.upload_users(dataset_id, most=MOST_USERS)})


def remove(dataset_id: str, *, store: Store, if_match: str | None = None) -> None:
    """Remove a data set, if it is as the header names it where there is one.

    Raises:
        NothingHere: there is none of that id.
        DatasetInUse: experiments use it; they are named.
        NotAsKnown: the header names another one.
    """
    if not (_ID.fullmatch(dataset_id) and store.is_upload(dataset_id)):
        raise NothingHere("There is no data set of that id.")
    about = dataset_description_key(dataset_id)
    try:
        store.drop_documents([about, dataset_key(dataset_id)], expected=_expected(dataset_id, if_match, store=store))
    except EditedMeanwhile:
        raise NotAsKnown("The data set is not as If-Match names it: look at it again.") from None
    except InUse:
        raise _in_use(store.upload_users(dataset_id, most=MOST_USERS)) from None


def _expected(dataset_id: str, if_match: str | None, *, store: Store) -> dict[str, bytes]:
    """What must still stand there at the moment of the removal: that nobody uses it by then is looked at there, too."""
    if if_match is None or if_match.strip() == "*":
        return {}
    about = dataset_description_key(dataset_id)
    if (kept := store.document(about)) is None:
        raise NothingHere("There is no data set of that id.")
    users = store.upload_users(dataset_id, most=MOST_USERS)
    require_named(UsedDatasetDocument.of(json.loads(kept) | {"used_by": users}), if_match, what="data set")
    if users:
        raise _in_use(users)
    return {about: kept}


def _in_use(users: Sequence[str]) -> DatasetInUse:
    return DatasetInUse(
        "Experiments use the data set. Once none does, it can be deleted.",
        violations=tuple(Violation(detail=f"experiment {user} uses it") for user in users),
    )


def used_documents(spec: ExperimentSpec) -> tuple[str, ...]:
    """The documents that an experiment of this spec uses as they are."""
    return (dataset_key(spec.data.id),) if isinstance(spec.data, UploadedData) else ()


def require_uploaded(spec: ExperimentSpec, *, store: Store, settings: Settings) -> None:
    """Return if the data set that the spec names, where it names one, is here, and the rest of the spec fits it.

    Raises:
        UnusableBody: it has not been uploaded, or batches or the initial vector do not fit its shape.
        OversizedDataset: it has more entries than the deployment takes by now.
    """
    if not isinstance(spec.data, UploadedData):
        return
    about = _about(spec.data.id, store=store)
    if about is None:
        raise not_uploaded()
    violations = tuple(_misfits(spec, about))
    if violations:
        raise UnusableBody("The spec breaks the rules listed under errors.", violations=violations)
    if oversized := tuple(_oversized(about, settings.max_data_entries)):
        limit = settings.max_data_entries
        raise OversizedDataset(
            f"A data set may have at most {limit} entries, samples × dimension.", violations=oversized
        )


def not_uploaded() -> UnusableBody:
    """What a spec is refused with that names a data set which is not here."""
    return UnusableBody("The spec breaks the rules listed under errors.", violations=(_NOT_UPLOADED,))


_NOT_UPLOADED: Final = Violation(
    pointer="/data/id", detail="no data set of this id is here: upload it, and use the id of the answer"
)


def _about(dataset_id: str, *, store: Store) -> dict[str, Any] | None:
    """The description. What cannot be an id is not asked for: stores build keys from ids."""
    kept = store.document(dataset_description_key(dataset_id)) if _ID.fullmatch(dataset_id) else None
    about: dict[str, Any] | None = None if kept is None else json.loads(kept)
    return about


def _misfits(spec: ExperimentSpec, about: Mapping[str, Any]) -> Iterator[Violation]:
    """What a spec with its own data is checked for by itself."""
    most = spec.optimizer.largest_batch
    if most > about["samples"]:
        detail = f"batch_size {most:g} exceeds the {about['samples']} samples of the data set"
        yield Violation(pointer="/optimizer/batch_size", detail=detail)
    if spec.optimizer.largest_index >= about["samples"]:
        detail = f"sample {spec.optimizer.largest_index} is not there; the last is {about['samples'] - 1}"
        yield Violation(pointer="/optimizer/indices", detail=detail)
    wanted, there = spec.stopping.steps, spec.optimizer.stream_steps(about["samples"])
    if wanted is not None and there is not None and wanted > there:
        yield Violation(pointer="/stopping/steps", detail=f"the stream of samples ends after {there} steps")
    for name, entries in vectors_of(spec.initialization).items():
        if entries != about["dimension"]:
            detail = f"the {name} has {entries} entries, the data set {about['dimension']} columns"
            yield Violation(pointer=f"/initialization/{name}", detail=detail)


def _oversized(about: Mapping[str, Any], limit: int) -> Iterator[Violation]:
    for rows in (about["samples"], about["held_out_samples"]):
        entries = rows * about["dimension"]
        if entries > limit:
            detail = f"{rows} rows × {about['dimension']} columns are {entries} entries"
            yield Violation(pointer="/data/id", detail=detail)
