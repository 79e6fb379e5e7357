"""The OpenAPI document."""

from typing import Any

from tests.api.service import Service


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_every_operation_has_a_summary_a_description_and_problems(api: Service) -> None:
    """And an id that a generated client can use as a name."""
    document = api.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    operations = _operations(document)
    assert len(operations) > 10
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["operationId"].isidentifier()
        assert operation["summary"]
        assert operation["description"]
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
        assert "422" not in operation["responses"]


def test_every_reference_of_the_document_leads_to_a_schema(api: Service) -> None:
    """Including those of the spec, whose body we read ourselves."""
    document = api.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    references = set(_references(document))
    assert {"#/components/schemas/ExperimentSpec", "#/components/schemas/Problem"} <= references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(schemas)


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [reference for member in node.values() for reference in _references(member)]
    if isinstance(node, list):
        return [reference for item in node for reference in _references(item)]
    return []
