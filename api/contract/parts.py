"""Parts of the OpenAPI document that routes state: bodies that we read ourselves, and what they answer with.

The whole document is put together in `api.contract`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from api.contract.examples import EDITS, SPECS, named
from api.contract.json_schema import IN_COMPONENTS
from api.problems.documents import MEDIA_TYPE, Problem
from core.spec.experiment_spec import ExperimentSpec

Answers = dict[int | str, dict[str, Any]]

BYTES: Final[Mapping[str, Any]] = {"type": "string", "format": "binary"}
TEXT: Final[Mapping[str, Any]] = {"type": "string"}


def reference(model: type[BaseModel] | str) -> dict[str, str]:
    """A reference to the schema of a model, as `api.openapi.document` names it."""
    return {"$ref": IN_COMPONENTS.format(model=model if isinstance(model, str) else model.__name__)}


def files(description: str, media_types: Iterable[str], json_schema: Mapping[str, Any] | None = None) -> Answers:
    """Answers in one of several media types, for `responses`; `json_schema` is that of the one that is JSON."""
    schemas = {media_type: _schema(media_type, json_schema) for media_type in media_types}
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {200: {"description": description, "content": content}}


def _schema(media_type: str, json_schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if media_type == "application/json":
        return dict(json_schema or {})
    is_text = media_type.startswith("text/") or media_type in {"application/x-ndjson", "image/svg+xml"}
    return dict(TEXT if is_text else BYTES)


def body(content: Mapping[str, Any]) -> dict[str, Any]:
    """A request body, for `openapi_extra`."""
    return {"requestBody": {"required": True, "content": dict(content)}}


SPEC_BODY: Final = body({"application/json": {"schema": reference(ExperimentSpec), "examples": named(SPECS)}})
"""The request body of a submission."""

_EDIT: Final = {"schema": reference("ExperimentEdit"), "examples": named(EDITS)}
EDIT_BODY: Final = body({"application/merge-patch+json": _EDIT, "application/json": _EDIT})
"""The request body of an edit."""

PROBLEMS: Final[Answers] = {
    "default": {
        "description": "A problem document (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": reference(Problem)}},
    }
}
"""What every route may answer instead of what was asked; `api.openapi.refusals` says by which status."""
