"""Links from an answer to the operations that take what it has made (OpenAPI, Link Object)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from api.openapi.headers import Operation

_MAKERS: Final[Mapping[str, str]] = MappingProxyType(
    {"submit_experiment": "experiment_id", "upload_dataset": "dataset_id"}
)
"""Operations whose answers have, as `id`, what others take as this parameter."""

_FIRST: Final = ("index", "problem")
"""Parameters of which 0 is there wherever anything is."""


def links(operations: Sequence[Operation]) -> dict[str, Any]:
    """All links, by name, for the components of the document; where they lead from is said in the operations."""
    found: dict[str, Any] = {}
    for maker in operations:
        if (taken := _MAKERS.get(maker["operationId"])) is None:
            continue
        own = {f"to_{taker['operationId']}": _link(taker, taken) for taker in operations if taken in _names(taker)}
        found |= own
        for status, answer in maker["responses"].items():
            if status.startswith("2"):
                answer["links"] = {name: {"$ref": f"#/components/links/{name}"} for name in own}
    return found


def _link(taker: Operation, taken: str) -> dict[str, Any]:
    first = {name: 0 for name in _FIRST if name in _names(taker)}
    return {"operationId": taker["operationId"], "parameters": {taken: "$response.body#/id"} | first}


def _names(operation: Operation) -> set[str]:
    return {each["name"] for each in operation.get("parameters", ())}
