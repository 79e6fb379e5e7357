"""Experiments: submit, list, look at, cancel, retry, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import JSONResponse

from api.body import JSON
from api.datasets import require_uploaded
from api.dependencies import BellHere, ExperimentId, SettingsHere, StoreHere
from api.estimate import EstimateDocument, require_affordable
from api.experiment_document import ExperimentDocument, ExperimentPage, path, polling_headers
from api.openapi import PROBLEMS, SPEC_BODY
from api.paging import ExperimentQuery, NoQuery, link_header
from api.readiness import obstacle
from api.stored_grid import lacks_analyses
from api.submission import SpecHere, require_within_limits, ring, submit
from jobs.errors import DocumentGone
from jobs.records import Queue

router = APIRouter(prefix="/v1/experiments", tags=["experiments"], responses=PROBLEMS)

_Nothing = Annotated[NoQuery, Query()]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=ExperimentDocument,
    responses={status.HTTP_200_OK: {"model": ExperimentDocument, "description": "It exists already."}},
    openapi_extra=dict(SPEC_BODY),
)
def submit_experiment(
    spec: SpecHere, _query: _Nothing, store: StoreHere, bell: BellHere, settings: SettingsHere
) -> Response:
    """Submit a spec. The same spec under the same name is one experiment, unless that failed or was cancelled."""
    require_within_limits(spec, settings)
    require_uploaded(spec, store=store, settings=settings)
    require_affordable(spec, store=store, settings=settings)
    try:
        submission = submit(spec, store=store, bell=bell)
    except DocumentGone:
        # Somebody has deleted it since it was looked for.
        require_uploaded(spec, store=store, settings=settings)
        raise
    code = status.HTTP_202_ACCEPTED if submission.is_new else status.HTTP_200_OK
    headers = {"Location": path(submission.experiment.id)} | polling_headers(submission.experiment)
    document = ExperimentDocument.of(submission.experiment).model_dump(mode="json")
    return JSONResponse(document, code, headers=headers)


@router.post("/estimate", openapi_extra=dict(SPEC_BODY))
def estimate_experiment(spec: SpecHere, _query: _Nothing, store: StoreHere, settings: SettingsHere) -> EstimateDocument:
    """Say what a spec would cost, without running anything; what cannot be submitted is refused likewise."""
    require_within_limits(spec, settings)
    require_uploaded(spec, store=store, settings=settings)
    return require_affordable(spec, store=store, settings=settings)


@router.get("")
def list_experiments(
    query: Annotated[ExperimentQuery, Query()], request: Request, response: Response, store: StoreHere
) -> ExperimentPage:
    """List experiments, newest first."""
    page = store.experiments(**query.model_dump())
    response.headers.update(link_header(request, page.next_cursor))
    documents = tuple(ExperimentDocument.of(experiment) for experiment in page.experiments)
    return ExperimentPage(experiments=documents, next_cursor=page.next_cursor)


@router.get("/{experiment_id}")
def get_experiment(experiment_id: ExperimentId, store: StoreHere, response: Response) -> ExperimentDocument:
    """Look at one experiment: how far it is, and where its parts are."""
    experiment = store.experiment(experiment_id)
    response.headers.update(polling_headers(experiment))
    return ExperimentDocument.of(experiment, waits_for=obstacle(experiment, store))


@router.get("/{experiment_id}/spec")
def get_spec(experiment_id: ExperimentId, store: StoreHere) -> Response:
    """The spec as submitted, defaults filled in."""
    return Response(store.spec(experiment_id), media_type=JSON)


@router.post("/{experiment_id}/cancel")
def cancel_experiment(
    experiment_id: ExperimentId, _query: _Nothing, store: StoreHere, response: Response
) -> ExperimentDocument:
    """Cancel: what is stored stays; a finished experiment stays as it is."""
    experiment = store.cancel(experiment_id)
    response.headers.update(polling_headers(experiment))
    return ExperimentDocument.of(experiment)


@router.post("/{experiment_id}/retry", status_code=status.HTTP_202_ACCEPTED)
def retry_experiment(
    experiment_id: ExperimentId, _query: _Nothing, store: StoreHere, bell: BellHere, response: Response
) -> ExperimentDocument:
    """Queue the failed parts of a failed experiment again; what is missing of results or analyses is computed again."""
    experiment = store.retry(experiment_id, is_incomplete=lacks_analyses(experiment_id, store=store))
    for queue in Queue:
        ring(queue, bell=bell)
    response.headers.update({"Location": path(experiment_id)} | polling_headers(experiment))
    return ExperimentDocument.of(experiment)


@router.delete("/{experiment_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_experiment(experiment_id: ExperimentId, _query: _Nothing, store: StoreHere) -> None:
    """Delete a finished experiment, and of its results what no other experiment uses."""
    store.delete(experiment_id)
