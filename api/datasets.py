"""Uploaded data sets: kept once under the hash of their content, described, and held against a spec that names one.

A data set is two documents of the store, its arrays and its description. The description is written last: what is
described is there as a whole. It stays, used or not, until somebody deletes it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from api.request_errors import NothingHere, OversizedDataset, UnusableBody, Violation
from core.data.user_arrays import UserArrays
from core.spec.experiment_spec import ExperimentSpec, UploadedData, VectorInitialization
from jobs.document_keys import dataset_description_key, dataset_key
from jobs.ports import Store
from jobs.settings import Settings

_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class DatasetDocument(BaseModel):
    """An uploaded data set without its numbers."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="SHA-256 of the arrays: equal data have one id, whatever file they came in.")
    samples: int
    dimension: int
    held_out_samples: int
    has_true_predictor: bool
    digest: str = Field(description="SHA-256 of X and y as uploaded; an analysis has that of the transformed ones.")
    links: Mapping[str, str]

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Self:
        """The document of a description."""
        return cls(**about, links={"self": path(about["id"])})


def path(dataset_id: str) -> str:
    """Where the data set is described."""
    return f"/v1/datasets/{dataset_id}"


def keep(arrays: UserArrays, *, store: Store) -> tuple[DatasetDocument, bool]:
    """Keep the data set, and say whether it is new."""
    about = arrays.about()
    known = _about(about["id"], store=store)
    # Though it is described: arrays that were found damaged are gone, and come back with this upload.
    store.put_document(dataset_key(about["id"]), arrays.pack())
    if known is None:
        store.put_document(dataset_description_key(about["id"]), json.dumps(about).encode())
    return DatasetDocument.of(about), known is None


def described(dataset_id: str, *, store: Store) -> DatasetDocument:
    """The description of a data set.

    Raises:
        NothingHere: there is none of that id.
    """
    about = _about(dataset_id, store=store)
    if about is None:
        raise NothingHere("There is no data set of that id.")
    return DatasetDocument.of(about)


def remove(dataset_id: str, *, store: Store) -> None:
    """Remove a data set.

    Raises:
        NothingHere: there is none of that id.
        InUse: an experiment uses it.
    """
    described(dataset_id, store=store)
    store.drop_documents([dataset_description_key(dataset_id), dataset_key(dataset_id)])


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
    violations = (_NOT_UPLOADED,) if about is None else tuple(_misfits(spec, about))
    if violations:
        raise UnusableBody("The spec breaks the rules listed under errors.", violations=violations)
    if about is not None and (oversized := tuple(_oversized(about, settings.max_data_entries))):
        limit = settings.max_data_entries
        raise OversizedDataset(
            f"A data set may have at most {limit} entries, samples × dimension.", violations=oversized
        )


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
    if isinstance(spec.initialization, VectorInitialization):
        entries = len(spec.initialization.vector)
        if entries != about["dimension"]:
            detail = f"the vector has {entries} entries, the data set {about['dimension']} columns"
            yield Violation(pointer="/initialization/vector", detail=detail)


def _oversized(about: Mapping[str, Any], limit: int) -> Iterator[Violation]:
    for rows in (about["samples"], about["held_out_samples"]):
        entries = rows * about["dimension"]
        if entries > limit:
            detail = f"{rows} rows × {about['dimension']} columns are {entries} entries"
            yield Violation(pointer="/data/id", detail=detail)
