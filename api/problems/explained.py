"""The problems that this service answers with, explained: what `type` names, and what its errors say of themselves."""

import inspect
from http import HTTPStatus
from typing import Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from api.prefix import under_prefix
from api.problems.documents import TABLE, TYPE
from api.problems.request_errors import NothingHere

_OF_HTTP: Final = {
    HTTPStatus.BAD_REQUEST: "What was sent is no request of HTTP/1.1.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The path answers to other methods, which `Allow` names.",
    HTTPStatus.REQUEST_TIMEOUT: "The head of the request came more slowly than anybody waits for.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The head of the request has more bytes than are read.",
    HTTPStatus.SERVICE_UNAVAILABLE: "There are too many connections.",
}
"""What is refused without an error of ours."""


class ErrorDocument(BaseModel):
    """A kind of problem."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="As in problem documents; it does not change.")
    status: int
    title: str
    meanings: tuple[str, ...] = Field(description="When it is answered.")
    may_pass: bool = Field(description="Whether the same request may be answered later.")
    link: str


class ErrorList(BaseModel):
    """Every kind of problem."""

    errors: tuple[ErrorDocument, ...]


def explained(slug: str) -> ErrorDocument:
    """The problem whose type ends so.

    Raises:
        NothingHere: there is none.
    """
    found = every_error().get(slug)
    if found is None:
        raise NothingHere("There is no such problem; /v1/errors lists them.")
    return found


def every_error() -> dict[str, ErrorDocument]:
    """The problems by the last part of their types."""
    found: dict[str, ErrorDocument] = {}
    for error, kind in TABLE.items():
        before = found[kind.slug].meanings if kind.slug in found else ()
        may_pass = kind.retry_after is not None or kind.status == HTTPStatus.SERVICE_UNAVAILABLE
        found[kind.slug] = _document(kind.slug, kind.status, kind.title, (*before, _meaning(error)), may_pass=may_pass)
    for status, meaning in _OF_HTTP.items():
        may_pass = status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.REQUEST_TIMEOUT}
        slug = status.phrase.lower().replace(" ", "-")
        found[slug] = _document(slug, status, status.phrase, (meaning,), may_pass=may_pass)
    ours = "Something went wrong on our side; the log of the service has it under the request_id."
    found["internal-error"] = _document(
        "internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", (ours,), may_pass=False
    )
    return dict(sorted(found.items()))


def _document(slug: str, status: HTTPStatus, title: str, meanings: tuple[str, ...], *, may_pass: bool) -> ErrorDocument:
    return ErrorDocument(
        type=f"{TYPE}{slug}",
        status=status,
        title=title,
        meanings=tuple(dict.fromkeys(meanings)),
        may_pass=may_pass,
        link=under_prefix(f"/v1/errors/{slug}"),
    )


def _meaning(error: type[Exception]) -> str:
    if error is RequestValidationError:
        return "The query has parameters that this address does not have, or values that they cannot have."
    return (inspect.getdoc(error) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")
