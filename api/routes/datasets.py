"""Data sets of the user: upload one, look at it, delete it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema

from api.contract.examples import DATASETS, TABLES, named
from api.contract.json_schema import DATASET_ID
from api.contract.parts import BYTES, PROBLEMS, TEXT, body, reference
from api.datasets.kept import DatasetPage, UploadDocument, UsedDatasetDocument, described, keep, listed, remove
from api.datasets.upload import CSV, NPZ, UploadHere, UploadQuery
from api.dependencies import BellHere, DrawingTimeout, StoreHere
from api.figures.data_analysis import AnalysisQuery, analysis_of
from api.http.if_match import IfMatch
from api.requests.body import JSON, read
from api.requests.paging import DatasetQuery, link_header
from api.settings_here import SettingsHere
from core.analysis.data_analysis import DataAnalysis

DatasetId = Annotated[str, WithJsonSchema({"type": "string", "pattern": DATASET_ID})]

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=PROBLEMS)

_FILES: Final[dict[str, Any]] = {
    JSON: {"schema": reference("Dataset"), "examples": named(DATASETS)},
    CSV: {"schema": TEXT, "examples": named(TABLES)},
    **{name: {"schema": BYTES} for name in NPZ},
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=UploadDocument,
    responses={status.HTTP_200_OK: {"model": UploadDocument, "description": "It is here already."}},
    openapi_extra=body(_FILES),
)
async def upload_dataset(
    request: Request,
    upload: UploadHere,
    query: Annotated[UploadQuery, Query()],
    store: StoreHere,
    settings: SettingsHere,
) -> Response:
    """Upload a data set as JSON, .npz or CSV. The answer says how the file was understood, and what was guessed."""

    def kept() -> tuple[UploadDocument, bool]:
        arrays, reading = upload.read(query, settings.max_data_entries)
        return keep(arrays, store=store, name=query.name, reading=reading)

    document, is_new = await read(request, kept)
    code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
    return JSONResponse(document.model_dump(mode="json"), code, headers={"Location": document.links["self"]})


@router.get("")
def list_datasets(
    query: Annotated[DatasetQuery, Query()], request: Request, response: Response, store: StoreHere
) -> DatasetPage:
    """List data sets, newest first."""
    page = listed(query, store=store)
    response.headers.update(link_header(request, page.next_cursor))
    return page


@router.get("/{dataset_id}")
def get_dataset(dataset_id: DatasetId, store: StoreHere) -> UsedDatasetDocument:
    """Look at a data set: how large it is, what its columns are, and which experiments use it."""
    return described(dataset_id, store=store)


@router.get("/{dataset_id}/analysis")
async def get_data_analysis(
    dataset_id: DatasetId,
    query: Annotated[AnalysisQuery, Query()],
    store: StoreHere,
    bell: BellHere,
    patience: DrawingTimeout,
) -> DataAnalysis:
    """Ask what a large step would do, before any training, on the data as they are or transformed as a spec says.

    The request waits while a worker finds out.
    """
    return await analysis_of(dataset_id, query.transform, store=store, bell=bell, patience=patience)


@router.delete("/{dataset_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_dataset(dataset_id: DatasetId, store: StoreHere, if_match: IfMatch = None) -> None:
    """Delete a data set that no experiment uses."""
    remove(dataset_id, store=store, if_match=if_match)
