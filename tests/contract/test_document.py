"""The committed document: up to date, worth reading, and its examples true."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api.contract.examples import DATASETS, EDITS, SPECS, TABLES
from api.keys.documents import KeyRequest
from api.problems.explained import every_error
from core.presets import PRESETS, preset
from tests.api.service import EXPERIMENTS, Service, service
from tests.contract.conftest import ROOT

SERVERS_OWN = {"method-not-allowed", "bad-request", "request-timeout", "request-header-fields-too-large"}
"""Problems of no operation: the path has another method, or what came is no request."""

_NAME = re.compile(r"[A-Z][A-Za-z]{1,30}")


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By their ids."""
    return {each["operationId"]: each for path in document["paths"].values() for each in path.values()}


def schema_of(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """What validates against a schema that stands in the document."""
    return jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]})


def test_what_is_committed_is_what_the_service_says() -> None:
    """`make docs` renews it."""
    check = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_contract.py", "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_schemas_have_names_that_a_person_would_choose(document: dict[str, Any]) -> None:
    """And no two that say nothing of what they are of."""
    names = list(document["components"]["schemas"])
    assert len(names) > 60
    assert [name for name in names if not _NAME.fullmatch(name)] == []
    assert [
        name for name, schema in document["components"]["schemas"].items() if schema.get("title", name) != name
    ] == []


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    """And has an id that a generated client can use as a name."""
    assert document["openapi"].startswith("3.1")
    assert len(operations(document)) == sum(len(path) for path in document["paths"].values()) > 40
    for name, operation in operations(document).items():
        assert name.isidentifier()
        assert operation["summary"]
        assert operation["description"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """To a schema, an answer, a header or a link."""
    references = set(_references(document))
    assert len(references) > 100
    for reference in references:
        _, kind, part, name = reference.split("/")
        assert name in document[kind][part], reference


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for member in node.values():
            yield from _references(member)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def test_every_status_stands_by_its_number(document: dict[str, Any]) -> None:
    """Problems under each that is one, and nothing under `default`."""
    for name, operation in operations(document).items():
        assert "default" not in operation["responses"]
        for status, answer in operation["responses"].items():
            known = document["components"]["responses"].get(answer.get("$ref", "").rpartition("/")[2], answer)
            is_problem = list(known.get("content", {})) == ["application/problem+json"]
            assert is_problem == (status >= "400"), (name, status)
            assert known["description"]
            assert "X-Request-ID" in known["headers"]


def test_every_problem_of_the_service_is_one_of_some_operation(document: dict[str, Any]) -> None:
    """By its name."""
    said = {
        slug
        for answer in document["components"]["responses"].values()
        for slug in re.findall(r"`([a-z-]+)`", answer["description"])
    }
    assert every_error().keys() - said - {"service-unavailable"} == SERVERS_OWN


def test_the_kind_of_each_part_of_a_spec_is_required(document: dict[str, Any]) -> None:
    """As the service requires it, also where there is one that Python takes by itself."""
    schemas = document["components"]["schemas"]
    kinds = [name for name, schema in schemas.items() if "const" in schema.get("properties", {}).get("kind", {})]
    assert len(kinds) == 17
    assert all("kind" in schemas[name]["required"] for name in kinds)


def test_objects_in_queries_are_json(document: dict[str, Any]) -> None:
    """As a schema they would be a parameter for each member, which are refused."""
    schemas, seen = document["components"]["schemas"], 0
    for operation in operations(document).values():
        for parameter in operation.get("parameters", ()):
            named = parameter.get("schema", {}).get("$ref", "").rpartition("/")[2]
            assert schemas.get(named, {}).get("type") != "object", parameter
            seen += list(parameter.get("content", ())) == ["application/json"]
    assert seen


def test_numbers_that_are_read_have_limits(document: dict[str, Any]) -> None:
    """Every number of a spec."""
    spec = json.loads((ROOT / "schema" / "experiment-1.json").read_text(encoding="utf-8"))
    numbers = list(_of_type(spec, {"number", "integer"}))
    assert len(numbers) > 40
    for number in numbers:
        assert "const" in number or {"maximum", "exclusiveMaximum"} & number.keys(), number
        assert "const" in number or {"minimum", "exclusiveMinimum"} & number.keys(), number
    for operation in operations(document).values():
        for parameter in operation.get("parameters", ()):
            schema = parameter.get("schema", {})
            assert schema.get("type") != "integer" or {"minimum", "maximum"} <= schema.keys(), parameter
            assert parameter["in"] != "path" or {"pattern", "enum", "minimum"} & schema.keys(), parameter


def _of_type(node: Any, types: set[str]) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") in types if isinstance(node.get("type"), str) else False:
            yield node
        for member in node.values():
            yield from _of_type(member, types)
    elif isinstance(node, list):
        for item in node:
            yield from _of_type(item, types)


@pytest.fixture(scope="module")
def roomy() -> Iterator[Service]:
    """A service with the limits of every service."""
    one = service()
    with one.client:
        yield one


def test_every_request_that_is_an_example_is_accepted(document: dict[str, Any], roomy: Service) -> None:
    """Submitted, estimated, edited, uploaded."""
    place = f"{EXPERIMENTS}/{roomy.submit()}"
    sent = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    value = example["value"]
                    if path == "/v1/keys":  # there are none where nobody needs one
                        KeyRequest.model_validate(value)
                        continue
                    response = roomy.client.request(
                        method,
                        path.replace("/v1/experiments/{experiment_id}", place),
                        content=value if isinstance(value, str) else json.dumps(value),
                        headers={"Content-Type": media_type},
                    )
                    assert response.status_code in {200, 201, 202}, (path, name, response.text)
                    sent += 1
    assert sent == 2 * len(SPECS) + 2 * len(EDITS) + len(DATASETS) + len(TABLES)


def test_every_answer_that_is_an_example_is_what_its_schema_says(document: dict[str, Any]) -> None:
    """Of most operations that answer with JSON."""
    seen = 0
    for operation in operations(document).values():
        for answer in operation["responses"].values():
            content = answer.get("content", {}).get("application/json", {})
            if "example" in content:
                schema_of(document, content["schema"]).validate(content["example"])
                seen += 1
    assert seen >= 25


def test_the_schema_of_a_spec_takes_what_the_service_takes() -> None:
    """Every preset and every example; and not what it refuses."""
    spec = json.loads((ROOT / "schema" / "experiment-1.json").read_text(encoding="utf-8"))
    validator = jsonschema_rs.Draft202012Validator(spec)
    for document in [*SPECS.values(), *(json.loads(preset(name).canonical()) for name in PRESETS)]:
        validator.validate(document)
    smallest = SPECS["smallest"]
    for broken in (
        smallest | {"data": smallest["data"] | {"samples": 0}},
        smallest | {"optimizer": {"step_size": 0.1}},
        smallest | {"name": "a\nb"},
        smallest | {"tags": ["a", "a"]},
        smallest | {"initialization": {"kind": "uniform", "scale": {"values": []}}},
        smallest | {"nothing": 1},
    ):
        assert not validator.is_valid(broken), broken
