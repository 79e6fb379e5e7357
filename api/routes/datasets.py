"""Data sets of the user: upload one, look at it, delete it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import JSONResponse

from api.body import JSON
from api.datasets import DatasetDocument, described, keep, remove
from api.dependencies import SettingsHere, StoreHere
from api.openapi import PROBLEMS
from api.paging import NoQuery
from api.upload import CSV, NPZ, DatasetBody, UploadHere, UploadQuery

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=PROBLEMS)

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_FILES: Final[dict[str, Any]] = {JSON: {"schema": DatasetBody.model_json_schema()}} | dict.fromkeys((CSV, *NPZ), _BYTES)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=DatasetDocument,
    responses={status.HTTP_200_OK: {"model": DatasetDocument, "description": "It is here already."}},
    openapi_extra={"requestBody": {"required": True, "content": _FILES}},
)
def upload_dataset(
    upload: UploadHere, query: Annotated[UploadQuery, Query()], store: StoreHere, settings: SettingsHere
) -> Response:
    """Upload a data set as JSON, .npz or CSV; equal data have one id, whatever file they came in."""
    arrays = upload.arrays(target=query.target, limit=settings.max_data_entries)
    document, is_new = keep(arrays, store=store)
    code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
    return JSONResponse(document.model_dump(mode="json"), code, headers={"Location": document.links["self"]})


@router.get("/{dataset_id}")
def get_dataset(dataset_id: str, store: StoreHere) -> DatasetDocument:
    """Look at a data set: how large it is, and what it has besides X and y."""
    return described(dataset_id, store=store)


@router.delete("/{dataset_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_dataset(dataset_id: str, _query: Annotated[NoQuery, Query()], store: StoreHere) -> None:
    """Delete a data set that no experiment uses."""
    remove(dataset_id, store=store)
