"""Every error of the API as a problem document (RFC 9457), from one table. No document repeats what was sent."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from api.prefix import is_estimate, under_prefix
from api.problems import request_errors
from api.problems.pointers import MOST_VIOLATIONS, escaped
from api.problems.request_errors import RequestError, Violation
from api.problems.spec_violations import sentence
from core.errors import InvalidChoice
from core.figures.layouts import UnsuitableFigure
from jobs.errors import (
    EditedMeanwhile,
    ExperimentNotFound,
    ForeignStore,
    InvalidCursor,
    NotFailed,
    ResultsMissing,
    StillActive,
    StoreFull,
    StoreUnavailable,
    TooManyTags,
)
from jobs.ports import MOST_TAGS
from jobs.seal import BrokenSeal

MEDIA_TYPE: Final = "application/problem+json"

TYPE: Final = "urn:stepbias:problem:"
"""What the types of all problems begin with."""

_FULL: Final = "The store has no room left. What is stored can be read; new work is taken once there is room again."
_MISSING: Final = "A stored result is damaged, and is counted as missing from now on: ask again for what there is."
_LOG = logging.getLogger(__name__)
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Problem(BaseModel):
    """What went wrong. `type` is stable and meant for programs, `detail` and `errors` for people."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["urn:stepbias:problem:invalid-spec"])
    title: str
    status: int
    detail: str
    errors: tuple[Violation, ...] = ()
    request_id: str | None = Field(default=None, description="The X-Request-ID of the answer, for the operator's log.")

    def response(self, headers: Mapping[str, str]) -> Response:
        """The document as an answer, with a link to what its type means."""
        content = self.model_dump_json(exclude_none=True)
        meaning = under_prefix(f"/v1/errors/{self.type.removeprefix(TYPE)}")
        explained = {"Link": f'<{meaning}>; rel="help"'} | dict(headers)
        return Response(content, self.status, headers=explained, media_type=MEDIA_TYPE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A row of the table: the last part of the problem's type, its HTTP status, its title.

    `retry_after`: seconds after which asking again may help, where nothing better is known; 0 where whoever refuses
    says whether it may.
    """

    slug: str
    status: HTTPStatus
    title: str
    retry_after: int | None = None


def _kind(status: HTTPStatus, slug: str, title: str, retry_after: int | None = None) -> Kind:
    return Kind(slug=slug, status=status, title=title, retry_after=retry_after)


TABLE: Final[Mapping[type[Exception], Kind]] = MappingProxyType(
    {
        request_errors.MalformedBody: _kind(HTTPStatus.BAD_REQUEST, "malformed-body", "The body is not JSON"),
        request_errors.UnusableBody: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-spec", "The spec is not valid"),
        request_errors.UnusableEdit: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-edit", "The edit is not valid"),
        request_errors.NotAsKnown: _kind(HTTPStatus.PRECONDITION_FAILED, "not-as-known", "It has changed meanwhile"),
        EditedMeanwhile: _kind(HTTPStatus.PRECONDITION_FAILED, "not-as-known", "It has changed meanwhile"),
        request_errors.AmbiguousId: _kind(HTTPStatus.CONFLICT, "ambiguous-id", "The id is cut too short"),
        request_errors.KeyTaken: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "key-taken", "The idempotency key is taken"),
        request_errors.StillAnswering: _kind(HTTPStatus.CONFLICT, "still-answering", "The request is being answered"),
        request_errors.GoneSince: _kind(HTTPStatus.GONE, "gone", "The experiment has been deleted"),
        TooManyTags: _kind(HTTPStatus.CONFLICT, "too-many-tags", "The experiment has too many tags"),
        request_errors.UnusableDataset: _kind(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-dataset", "The data are no data set"
        ),
        request_errors.OversizedDataset: _kind(
            HTTPStatus.UNPROCESSABLE_ENTITY, "over-limit", "The data set is too large"
        ),
        request_errors.OverLimit: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "over-limit", "The experiment is too large"),
        request_errors.InvalidQuery: _kind(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-query", "A query parameter is wrong"
        ),
        request_errors.BodyTooLarge: _kind(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", "The body is too large"
        ),
        request_errors.BodyTooSlow: _kind(HTTPStatus.REQUEST_TIMEOUT, "body-too-slow", "The body came too slowly"),
        request_errors.ForeignHost: _kind(HTTPStatus.MISDIRECTED_REQUEST, "foreign-host", "Another service is meant"),
        request_errors.ForeignOrigin: _kind(HTTPStatus.FORBIDDEN, "foreign-origin", "Another page may not ask this"),
        request_errors.NoKey: _kind(HTTPStatus.UNAUTHORIZED, "no-key", "A key is wanted"),
        request_errors.UnknownKey: _kind(HTTPStatus.UNAUTHORIZED, "unknown-key", "The key is not known"),
        request_errors.ExpiredKey: _kind(HTTPStatus.UNAUTHORIZED, "expired-key", "The key has expired"),
        request_errors.InsufficientScope: _kind(
            HTTPStatus.FORBIDDEN, "insufficient-scope", "The key does not allow this"
        ),
        request_errors.SharedToRead: _kind(HTTPStatus.FORBIDDEN, "shared-to-read", "It is shared to be read"),
        request_errors.TooManyRequests: _kind(
            HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", 0
        ),
        request_errors.TooManyActive: _kind(
            HTTPStatus.TOO_MANY_REQUESTS, "too-many-active", "Too many experiments have not ended", 0
        ),
        request_errors.OverQuota: _kind(HTTPStatus.FORBIDDEN, "over-quota", "The quota is used up"),
        request_errors.UnusableKeyRequest: _kind(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-key", "The wished key is not valid"
        ),
        request_errors.WrongMediaType: _kind(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-media-type", "The body has another type"
        ),
        request_errors.UnofferedFormat: _kind(HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", "There is no such format"),
        request_errors.ResultsChanged: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "results-changed", "A result is missing"),
        ResultsMissing: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "results-changed", "A result is missing"),
        request_errors.NothingHere: _kind(HTTPStatus.NOT_FOUND, "not-found", "There is nothing here"),
        request_errors.NotStoredYet: _kind(HTTPStatus.CONFLICT, "not-stored-yet", "It is not stored yet", 0),
        request_errors.NothingToDraw: _kind(HTTPStatus.CONFLICT, "nothing-to-draw", "There is nothing to draw yet", 0),
        request_errors.DrawingFailed: _kind(HTTPStatus.INTERNAL_SERVER_ERROR, "drawing-failed", "The worker failed"),
        request_errors.NotDrawnInTime: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "not-drawn-yet", "It is not made yet", 5),
        request_errors.ServiceStopping: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "stopping", "The service stops", 5),
        request_errors.NotReady: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", "The service is not ready", 5),
        InvalidChoice: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-query", "A query parameter is wrong"),
        UnsuitableFigure: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "unsuitable-figure", "The figure does not suit"),
        request_errors.IdTooShort: _kind(HTTPStatus.NOT_FOUND, "no-such-experiment", "There is no such experiment"),
        ExperimentNotFound: _kind(HTTPStatus.NOT_FOUND, "no-such-experiment", "There is no such experiment"),
        NotFailed: _kind(HTTPStatus.CONFLICT, "wrong-status", "The experiment's status does not allow this"),
        StillActive: _kind(HTTPStatus.CONFLICT, "still-active", "The experiment is not finished", 5),
        request_errors.DatasetInUse: _kind(HTTPStatus.CONFLICT, "in-use", "The data set is in use"),
        InvalidCursor: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-query", "A query parameter is wrong"),
        RequestValidationError: _kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-query", "A query parameter is wrong"),
        StoreFull: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "store-full", "The store is full"),
        BrokenSeal: _kind(HTTPStatus.INTERNAL_SERVER_ERROR, "damaged-record", "What is stored is damaged"),
        ForeignStore: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "foreign-store", "The store is of another version", 60),
        StoreUnavailable: _kind(HTTPStatus.SERVICE_UNAVAILABLE, "store-unavailable", "The store is not available", 5),
    }
)
"""What each typed error is called in HTTP. An error that is not here is ours: 500."""


def install(app: FastAPI) -> None:
    """Let the app answer each error of the table, and what Starlette refuses by itself, with a problem document."""
    for error in TABLE:
        app.add_exception_handler(error, answer)
    app.add_exception_handler(HTTPException, _answer_http)


def unexpected(request_id: str) -> Response:
    """The answer to an error nobody foresaw; what it was stands in the log under this id."""
    return Problem(
        type=f"{TYPE}internal-error",
        title="Internal error",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="Something went wrong on our side. The operator finds it in the log under the request_id.",
        request_id=request_id,
    ).response({})


async def answer(request: Request, error: Exception) -> Response:
    """The problem document of an error of the table."""
    kind = next(TABLE[ancestor] for ancestor in type(error).__mro__ if ancestor in TABLE)
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("request %s is answered %d: %s", request.state.request_id, kind.status, error)
    problem = _explained(error)
    is_cut = len(problem.violations) > MOST_VIOLATIONS
    listed = f" There are more than the {MOST_VIOLATIONS} that are listed." if is_cut else ""
    return Problem(
        type=f"{TYPE}{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=problem.detail + listed,
        errors=problem.violations[:MOST_VIOLATIONS],
        request_id=request.state.request_id,
    ).response(({} if not kind.retry_after else {"Retry-After": str(kind.retry_after)}) | dict(problem.headers))


def _explained(error: Exception) -> RequestError:
    """The error as a problem: the detail, the violations and the headers that go with it."""
    match error:
        case RequestError():
            problem = error
        case InvalidChoice(field=field, message=message):
            violation = Violation(parameter=field, detail=message)
            problem = RequestError("What is asked for is not among the choices.", violations=(violation,))
        case ResultsMissing():
            problem = RequestError(_MISSING, headers={"Retry-After": "1"})
        case StoreFull():
            problem = RequestError(_FULL, headers={"Retry-After": "30"})
        case StillActive(status=status):
            advice = f"An experiment is deleted once it is finished; this one is {status}: cancel it."
            problem = RequestError(advice, headers={"Retry-After": "5"})
        case InvalidCursor():
            violation = Violation(
                parameter="cursor", detail="use the next_cursor of the page before, and the same filters"
            )
            problem = RequestError("The cursor is not one that was given out.", violations=(violation,))
        case RequestValidationError():
            problem = RequestError(
                "The query cannot be understood.", violations=tuple(_query_violations(error.errors()))
            )
        case StoreUnavailable():
            apology = "The store does not answer. Try again later."
            problem = RequestError(apology)
        case _:
            problem = RequestError(_sentence(error))
    return problem


def _sentence(error: Exception) -> str:
    """What there is to say of an error that points at no field."""
    match error:
        case UnsuitableFigure(message=message):
            text = message
        case NotFailed(status=status):
            text = f"Only a failed experiment can be retried; this one is {status}."
        case TooManyTags():
            text = f"An experiment has at most {MOST_TAGS} tags, and this one would have more: take some away."
        case EditedMeanwhile():
            text = "The experiment has changed meanwhile: look at it again."
        case ForeignStore():
            text = f"The service cannot work: {error}."
        case BrokenSeal(name=name):
            text = f"The {name} is damaged in the store: it is not what was written."
        case _:
            text = "There is no experiment of that id."
    return text


def _query_violations(findings: Iterable[Any]) -> Iterable[Violation]:
    for finding in findings:
        unknown = finding["type"] == "extra_forbidden"
        detail = "there is no such parameter here" if unknown else sentence(finding)
        # An item of a repeated parameter is placed by its number.
        name = next(part for part in reversed(finding["loc"]) if isinstance(part, str))
        yield Violation(parameter=escaped(name), detail=detail)


async def _answer_http(request: Request, error: Exception) -> Response:
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    allowed = ", ".join(_allowed(request)) if status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    details = {
        HTTPStatus.NOT_FOUND: "Nothing is served under this path; /openapi.json lists what is.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"This path answers to {allowed}.",
    }
    return Problem(
        type=f"{TYPE}{status.phrase.lower().replace(' ', '-')}",
        title=status.phrase,
        status=status,
        detail=details.get(status, status.description or status.phrase),
        request_id=request.state.request_id,
    ).response({"Allow": allowed} if allowed else {})


def _allowed(request: Request) -> Iterable[str]:
    """The methods of the path. Starlette names those of one route; a path may have several."""
    routes: list[BaseRoute] = request.app.router.routes
    scope = {"type": "http", "path": request.scope["path"], "root_path": request.scope.get("root_path", "")}
    for method in ("POST",) if is_estimate(request) else _METHODS:
        if any(route.matches(scope | {"method": method, "headers": []})[0] is Match.FULL for route in routes):
            yield from ("GET", "HEAD") if method == "GET" else (method,)
