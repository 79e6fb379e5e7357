"""Experiments: submit, list, look at, edit, cancel, retry, delete."""

from dataclasses import asdict
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.responses import JSONResponse

from api.contract.parts import EDIT_BODY, PROBLEMS, SPEC_BODY, files, reference
from api.datasets.kept import require_uploaded
from api.dependencies import AskerHere, BellHere, ExperimentId, HubHere, ReaderHere, StoreHere
from api.experiments.answered_once import AnsweredOnce, IdempotencyKey
from api.experiments.document import (
    ExperimentDocument,
    ExperimentPage,
    WebhookDocument,
    path,
    polling_headers,
    status_answer,
)
from api.experiments.edits import EditHere
from api.experiments.estimate import EstimateDocument, require_affordable
from api.experiments.feasible import require_feasible
from api.experiments.listing import ExperimentQuery
from api.experiments.preconditions import require_known
from api.experiments.submission import SpecHere, require_within_limits, ring, submit
from api.experiments.wishes import SubmissionDocument, SubmissionQuery, require_webhook_allowed
from api.http.event_stream import awaited, preferred_wait
from api.http.if_match import IfMatch
from api.http.representations import IMMUTABLE
from api.keys.quotas import require_quota
from api.readiness import may_wait, obstacle, require_reserve
from api.requests.body import JSON
from api.requests.paging import WaitQuery, link_header
from api.settings_here import SettingsHere
from api.stored.grid import lacks_analyses
from core.spec.experiment_spec import ExperimentSpec
from jobs.errors import DocumentGone, ExperimentNotFound
from jobs.ports import Store
from jobs.records import Experiment, Known, Queue, WebhookState
from jobs.untold_ends import teller_lacking

router = APIRouter(prefix="/v1/experiments", tags=["experiments"], responses=PROBLEMS, route_class=AnsweredOnce)


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=SubmissionDocument,
    responses={status.HTTP_200_OK: {"model": SubmissionDocument, "description": "It exists already."}},
    openapi_extra=dict(SPEC_BODY),
)
def submit_experiment(  # noqa: PLR0913, PLR0917 - what the route depends on
    spec: SpecHere,
    query: Annotated[SubmissionQuery, Query()],
    store: StoreHere,
    bell: BellHere,
    settings: SettingsHere,
    asker: AskerHere,
    _key: IdempotencyKey = None,
) -> Response:
    """Submit a spec. The same spec under the same name is one experiment, unless that failed or was cancelled.

    One that is there takes over the tags that it does not have, and keeps its own execution.
    """
    require_webhook_allowed(query.webhook, settings)
    require_within_limits(spec, settings)
    require_uploaded(spec, store=store, settings=settings)
    require_affordable(spec, store=store, settings=settings)
    require_quota(spec, asker, store=store, settings=settings)
    require_feasible(spec, store=store)
    require_reserve(store)
    try:
        submission = submit(spec, query.wishes, store=store, bell=bell)
    except DocumentGone:
        # Somebody has deleted it since it was looked for.
        require_uploaded(spec, store=store, settings=settings)
        raise
    code = status.HTTP_202_ACCEPTED if submission.is_new else status.HTTP_200_OK
    headers = {"Location": path(submission.experiment.id)} | polling_headers(submission.experiment)
    document = SubmissionDocument.of_submission(submission, _noted(submission.experiment, store))
    return JSONResponse(document.model_dump(mode="json"), code, headers=headers)


@router.post("/estimate", openapi_extra=dict(SPEC_BODY))
def estimate_experiment(spec: SpecHere, store: StoreHere, settings: SettingsHere) -> EstimateDocument:
    """Say what a spec would cost, without running anything; what cannot be submitted is refused likewise."""
    require_within_limits(spec, settings)
    require_uploaded(spec, store=store, settings=settings)
    require_feasible(spec, store=store)
    return EstimateDocument.of(require_affordable(spec, store=store, settings=settings), store=store)


@router.get("", response_model=ExperimentPage)
def list_experiments(query: Annotated[ExperimentQuery, Query()], request: Request, store: StoreHere) -> Response:
    """List experiments, newest first. With rare filters a page may be short, or empty, and yet lead to a next one."""
    page = store.experiments(query.filters, limit=query.limit, cursor=query.cursor)
    documents = tuple(ExperimentDocument.of(experiment) for experiment in page.experiments)
    listed = ExperimentPage(experiments=documents, next_cursor=page.next_cursor)
    return Response(listed.model_dump_json(), headers=link_header(request, page.next_cursor), media_type=JSON)


@router.get("/{experiment_id}", response_model=ExperimentDocument)
async def get_experiment(  # noqa: PLR0913, PLR0917 - what the route depends on
    experiment_id: ExperimentId,
    query: Annotated[WaitQuery, Query()],
    store: StoreHere,
    reader: ReaderHere,
    hub: HubHere,
    asker: AskerHere,
    prefer: Annotated[str, Header(description="`wait=N` is the same as the parameter (RFC 7240).")] = "",
) -> Response:
    """Look at one experiment: how far it is, and where its parts are; with `wait`, once it has ended."""
    preferred = preferred_wait(prefer)
    wait = query.wait or preferred or 0
    experiment = await awaited(experiment_id, seconds=wait, store=store, reader=reader, hub=hub)
    if asker is not None and not asker.may_read(experiment):
        # Its owner has ceased to share it while it was waited for.
        raise ExperimentNotFound(experiment_id)
    document = await to_thread.run_sync(_in_full, experiment, store)
    answer = status_answer(document, experiment)
    if preferred is not None:
        answer.headers["Preference-Applied"] = f"wait={preferred}"
    return answer


@router.patch("/{experiment_id}", openapi_extra=dict(EDIT_BODY))
def edit_experiment(
    experiment_id: ExperimentId,
    edit: EditHere,
    store: StoreHere,
    if_match: IfMatch = None,
    _key: IdempotencyKey = None,
) -> ExperimentDocument:
    """Change name, tags or notes, or share it, by a JSON merge patch (RFC 7396); the spec stays as it was submitted.

    `add_tags` and `remove_tags` change some of the tags, whatever others do to them at the same time.
    """
    known = _require_known(experiment_id, if_match, store)
    expected = None if known is None else known.labels
    return _in_full(store.edit(experiment_id, expected=expected, **edit.changes()), store)


@router.get(
    "/{experiment_id}/spec", response_class=Response, responses=files("The spec.", [JSON], reference(ExperimentSpec))
)
def get_spec(experiment_id: ExperimentId, store: StoreHere) -> Response:
    """The spec as submitted, defaults filled in."""
    return Response(store.spec(experiment_id), media_type=JSON, headers=IMMUTABLE)


@router.post("/{experiment_id}/cancel")
def cancel_experiment(
    experiment_id: ExperimentId,
    store: StoreHere,
    response: Response,
    if_match: IfMatch = None,
    _key: IdempotencyKey = None,
) -> ExperimentDocument:
    """Cancel: what is stored stays; a finished experiment stays as it is."""
    experiment = store.cancel(experiment_id, expected=_require_known(experiment_id, if_match, store))
    response.headers.update(polling_headers(experiment))
    return ExperimentDocument.of(experiment)


@router.post("/{experiment_id}/retry", status_code=status.HTTP_202_ACCEPTED)
def retry_experiment(
    experiment_id: ExperimentId,
    store: StoreHere,
    bell: BellHere,
    response: Response,
    if_match: IfMatch = None,
    _key: IdempotencyKey = None,
) -> ExperimentDocument:
    """Queue the failed parts of a failed experiment again; what is missing of results or analyses is computed again."""
    known, is_incomplete = _require_known(experiment_id, if_match, store), lacks_analyses(experiment_id, store=store)
    experiment = store.retry(experiment_id, is_incomplete=is_incomplete, expected=known)
    for queue in Queue:
        ring(queue, bell=bell)
    response.headers.update({"Location": path(experiment_id)} | polling_headers(experiment))
    return ExperimentDocument.of(experiment)


@router.delete("/{experiment_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_experiment(
    experiment_id: ExperimentId, store: StoreHere, if_match: IfMatch = None, _key: IdempotencyKey = None
) -> None:
    """Delete a finished experiment, and of its results what no other experiment uses."""
    store.delete(experiment_id, expected=_require_known(experiment_id, if_match, store))


def _require_known(experiment_id: str, if_match: str | None, store: Store) -> Known | None:
    """What whoever changes the experiment knows of it; None where they do not say, or know that it is there."""
    if if_match is None:
        return None
    experiment = store.experiment(experiment_id)
    if if_match.strip() == "*":
        return None
    return require_known(_in_full(experiment, store), experiment, if_match)


def _noted(experiment: Experiment, store: Store) -> ExperimentDocument:
    """What is kept of one experiment beside its record as well."""
    return ExperimentDocument.of(experiment, notes=store.notes(experiment.id), webhook=_telling(experiment, store))


def _in_full(experiment: Experiment, store: Store) -> ExperimentDocument:
    """All that is told of one experiment."""
    return ExperimentDocument.of(
        experiment,
        waits_for=obstacle(experiment, store),
        places=store.places(experiment.id) if may_wait(experiment) else (),
        notes=store.notes(experiment.id),
        webhook=_telling(experiment, store),
    )


def _telling(experiment: Experiment, store: Store) -> WebhookDocument | None:
    """What became of telling its end, or what that waits for; None where nobody wants to hear of it."""
    if not experiment.wishes.webhook:
        return None
    webhook = store.webhook(experiment.id)
    is_over = webhook.state is not WebhookState.PENDING
    waits_for = None if is_over else teller_lacking(experiment.wishes.webhook, store)
    return WebhookDocument(**asdict(webhook), waits_for=waits_for)
