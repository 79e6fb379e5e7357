"""The results of all runs, in every format."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema

from api.contract.answers import LabelledArrays, ManifestDocument
from api.contract.parts import PROBLEMS, files, reference
from api.dependencies import ExperimentHere, StoreHere
from api.experiments.document import path, polling_headers
from api.exports.courtesy import Courtesy
from api.exports.curve_tables import FILES
from api.exports.formats import ResultsQuery, chosen_format
from api.exports.manifest import Manifest
from api.exports.results import ResultsAnswer, known_tag, tag_of
from api.exports.run_digests import RunDigests
from api.exports.sending import off_loop, streamed
from api.stored.grid import grid_of
from core.exports.format import MEDIA_TYPES, Format
from jobs.kept_results import results_state
from jobs.states import ExperimentStatus

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["results"], responses=PROBLEMS)

_FILES: Final = files("The results.", MEDIA_TYPES.values(), reference(LabelledArrays))


Ending = Annotated[str, WithJsonSchema({"type": "string", "enum": [str(form) for form in Format]})]


@router.get("/results", response_class=Response, responses=_FILES)
async def get_results(
    experiment: ExperimentHere, query: Annotated[ResultsQuery, Query()], request: Request, store: StoreHere
) -> Response:
    """All runs, in the format that `format` or the Accept header names: as one labelled array where neither does.

    JSON is what `xarray.Dataset.from_dict` reads, and null where a run is not stored yet; NPZ are the same arrays. CSV,
    NDJSON and Parquet have a row for each stored run: its index, coordinates and results. What is stored of an active
    experiment is sent at any time; `Link: rel="next"` says after which run rows are still missing.
    """
    form = chosen_format(None, query, request.headers.get("Accept"))
    return await ResultsAnswer(experiment, form, query.after, store).response(request)


@router.get("/results.{ending}", response_class=Response, responses=_FILES)
async def get_results_file(
    experiment: ExperimentHere,
    ending: Ending,
    query: Annotated[ResultsQuery, Query()],
    request: Request,
    store: StoreHere,
) -> Response:
    """The same in the format of the ending: json, ndjson, csv, parquet or npz."""
    form = chosen_format(ending, query, request.headers.get("Accept"))
    return await ResultsAnswer(experiment, form, query.after, store).response(request)


@router.get("/manifest", response_model=ManifestDocument)
async def get_manifest(experiment: ExperimentHere, request: Request, store: StoreHere) -> Response:
    """What the experiment has: address, media type, bytes and SHA-256 of its documents, and what computed them.

    Of the formats of results JSON is there once they are finished, as it is before any content coding; of the figures
    those that are drawn.
    """
    manifest = Manifest(experiment, results_state(experiment), store, Courtesy(request.app.state.metrics).slowed)
    # Not among the exporters: it makes pauses, and two of them would keep all results from everybody meanwhile.
    document = await to_thread.run_sync(manifest.to_document, limiter=request.app.state.manifests)
    return JSONResponse(document, headers=polling_headers(experiment))


@router.get("/manifest/runs.ndjson", response_class=Response, responses=FILES[Format.NDJSON])
async def get_run_digests(experiment: ExperimentHere, request: Request, store: StoreHere) -> Response:
    """The digests of where each stored run ended, as NDJSON: of its `arrays.npz`, and of θ, β and each array alone."""
    headers = {"Cache-Control": "private, no-cache", **polling_headers(experiment)}
    if experiment.status is ExperimentStatus.SUCCEEDED:
        headers["ETag"] = tag_of({"run digests": results_state(experiment), "at": path(experiment.id)})
        known = known_tag(headers["ETag"], request.headers.get("If-None-Match"))
        if known is not None:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers | {"ETag": known})
    digests = RunDigests(experiment, await off_loop(request, partial(grid_of, experiment.id, store=store)), store)
    return await streamed(request, digests.pieces(), media_type=Format.NDJSON.media_type, headers=headers)
