"""The OpenAPI document: what FastAPI derives, plus the schemas of bodies that we read and write ourselves."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from api.keys.documents import KeyRequest
from api.problems import MEDIA_TYPE, Problem
from core.spec.experiment_spec import ExperimentSpec

_REFERENCE: Final = "#/components/schemas/{model}"


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


SPEC_BODY: Final[Mapping[str, Any]] = MappingProxyType(
    {"requestBody": {"required": True, "content": {"application/json": {"schema": _reference(ExperimentSpec)}}}}
)
"""The request body of a submission, for `openapi_extra`."""

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem document (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": _reference(Problem)}},
    }
}
"""What every route may answer instead of what was asked, for `responses`."""


def install(app: FastAPI) -> None:
    """Let the app's OpenAPI document hold the schemas of the spec and of problems."""
    derived = app.openapi

    def openapi() -> dict[str, Any]:
        document = derived()
        # A key or none: whoever starts the service decides, and the document is one for all.
        document["security"] = [{"key": []}, {}]
        document.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (ExperimentSpec, Problem, KeyRequest):
            schema = model.model_json_schema(ref_template=_REFERENCE)
            schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
        return document

    # FastAPI documents this assignment as the way to extend the document.
    app.openapi = openapi  # type: ignore[method-assign]  # see above
