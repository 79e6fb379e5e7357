"""The OpenAPI document: what FastAPI derives of the routes, and what else there is to know before calling them."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

from api.contract.examples import answers
from api.contract.json_schema import schemas_of, spec_schemas
from api.datasets.upload import DatasetBody
from api.experiments.edits import ExperimentEdit
from api.keys.documents import KeyRequest
from api.openapi.headers import COMPONENTS, Operation, headers, is_tagged
from api.openapi.links import links
from api.openapi.refusals import refusals
from api.problems.documents import Problem
from api.requests.body import JSON

Document = dict[str, Any]

_ABOUT: Final = """\
What the step size does: sweeps of gradient descent on diagonal linear networks. Submit an experiment spec, watch its \
experiment object, read results, curves and figures.

* Every error is a problem document (RFC 9457). Its `type` is stable, `/v1/errors` explains each; none repeats what \
was sent.
* `Retry-After` stands where asking again helps. Changes of experiments are done once under an `Idempotency-Key`.
* Every path that answers GET answers HEAD. Answers to GET have a strong `ETag`; `If-None-Match` is answered 304.
* Where keys are required, one is sent as `Authorization: Bearer`; what belongs to others is not there.
* Query parameters that an operation does not have are refused, and so is a second value where there is one.
* What is no HTTP/1.1 is refused before any operation sees it: 400, 408, 431.
"""

_TAGS: Final = {
    "experiments": "Their life: submit, watch, edit, cancel, retry, delete.",
    "results": "What was computed: runs, curves, analyses, and all of it in one file.",
    "arrays": "The numbers behind the summaries.",
    "figures": "Drawn by a worker while the request waits.",
    "datasets": "Data of the user.",
    "presets": "The paper's figures as specs.",
    "keys": "Who may ask, where keys are required.",
    "service": "Is it alive, is it ready, what is wrong.",
}


def install(app: FastAPI) -> None:
    """Let the app answer with the whole document."""
    derived = app.openapi

    def openapi() -> Document:
        return derived() if app.openapi_schema else completed(derived())

    # FastAPI documents this assignment as the way to extend the document.
    app.openapi = openapi  # type: ignore[method-assign]  # see above


def completed(document: Document) -> Document:
    """The document that FastAPI derived, with all that it does not know added in place."""
    document["info"]["description"] = _ABOUT
    document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    parts = document.setdefault("components", {})
    own = spec_schemas() | schemas_of(Problem)
    own |= schemas_of(KeyRequest, is_read=True)
    own |= schemas_of(ExperimentEdit, is_read=True) | schemas_of(DatasetBody, is_read=True)
    parts["schemas"] = dict(sorted((parts.get("schemas", {}) | own).items()))
    parts["headers"] = dict(COMPONENTS)
    # A key or none: whoever starts the service decides, and the document is one for all.
    document["security"] = [{"key": []}, {}]
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    operations = [(method, each) for path in document["paths"].values() for method, each in path.items()]
    parts["links"] = links([operation for _, operation in operations])
    parts["responses"] = {}
    for method, operation in operations:
        _complete(method, operation, parts)
    parts["responses"] = dict(sorted(parts["responses"].items()))
    _add_examples({operation["operationId"]: operation for _, operation in operations})
    return document


def _complete(method: str, operation: Operation, parts: Document) -> None:
    for parameter in operation.get("parameters", ()):
        _simplify(parameter)
        _encode(parameter, parts["schemas"])
    answers = operation["responses"]
    # In its place stand the statuses, by number.
    answers.pop("default", None)
    if is_tagged(method, operation):
        answers["304"] = {"description": "It is what `If-None-Match` names."}
    for status, answer in answers.items():
        answer["headers"] = headers(method, status, operation)
        _describe(answer, parts["schemas"])
    for status, (name, refusal) in refusals(method, operation).items():
        parts["responses"][name] = refusal
        answers[status] = {"$ref": f"#/components/responses/{name}"}
    operation["responses"] = dict(sorted(answers.items()))


def _describe(answer: Document, schemas: Document) -> None:
    """An answer of which nothing is said is described as the document that it has."""
    schema = answer.get("content", {}).get(JSON, {}).get("schema", {})
    model = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    if answer["description"] == "Successful Response":
        answer["description"] = model.get("description", "Done.").partition("\n\n")[0]


def _simplify(parameter: Document) -> None:
    """A parameter is absent rather than null, and described once."""
    schema = parameter["schema"]
    options = [each for each in schema.pop("anyOf", ()) if each != {"type": "null"}]
    parameter["schema"] = schema | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})
    for said in ("description", "title"):
        parameter["schema"].pop(said, None)


def _encode(parameter: Document, schemas: Document) -> None:
    """An object in a query is JSON, and not a parameter for each of its members."""
    model = schemas.get(parameter["schema"].get("$ref", "").rpartition("/")[2], {})
    if model.get("type") == "object":
        parameter["content"] = {JSON: {"schema": parameter.pop("schema")}}


def _add_examples(operations: Mapping[str, Operation]) -> None:
    for name, of_status in answers().items():
        for status, example in of_status.items():
            operations[name]["responses"][status]["content"][JSON]["example"] = example
