"""JSON Schemas of what is read and written by ourselves, under names that a person would choose."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from api.requests.i_json import LARGEST_REAL, LARGEST_WHOLE
from core.spec.experiment_spec import SCHEMA_VERSION, ExperimentSpec

Schema = dict[str, Any]

SPEC_SCHEMA_ID: Final = f"urn:stepbias:schema:experiment-{SCHEMA_VERSION}"

IN_COMPONENTS: Final = "#/components/schemas/{model}"
_IN_DEFINITIONS: Final = "#/$defs/{model}"

PLAIN_TEXT: Final = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"
"""What `api.requests.labels.flaw` finds nothing wrong with."""

PLAIN_LINES: Final = PLAIN_TEXT.replace(r"\u0000-\u001f", r"\u0000-\u0008\u000b\u000c\u000e-\u001f")
"""The same, where lines may break."""

DATASET_ID: Final = "^[0-9a-f]{64}$"

_OFFSET: Final = {"const": "offset"}
_LOG: Final[Schema] = {"properties": {"spacing": {"const": "log"}}, "required": ["spacing"]}
_ABOVE_ZERO: Final[Schema] = {"properties": {"start": {"exclusiveMinimum": 0}, "stop": {"exclusiveMinimum": 0}}}
_RULES: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "InlineData": {
            "if": {"properties": {"held_out_X": {"type": "array"}}, "required": ["held_out_X"]},
            "then": {"properties": {"held_out_y": {"type": "array"}}, "required": ["held_out_y"]},
            "else": {"properties": {"held_out_y": {"type": "null"}}},
        },
        "Transform": {
            "if": {
                "anyOf": [
                    {"properties": {"X": _OFFSET}, "required": ["X"]},
                    {"properties": {"y": _OFFSET}, "required": ["y"]},
                ]
            },
            "then": {"properties": {"offset": {"not": {"const": 0}}}, "required": ["offset"]},
            "else": {"properties": {"offset": {"const": 0}}},
        },
        **{f"{kind}Range": {"if": _LOG, "then": _ABOVE_ZERO} for kind in ("Real", "Whole", "NonNegative", "Fraction")},
        "ShapeRange": {"if": _LOG, "then": _ABOVE_ZERO},
    }
)
"""Rules between the fields of one object, as far as JSON Schema can say them."""


def schemas_of(model: type[BaseModel], *, is_read: bool = False) -> dict[str, Schema]:
    """The schemas of a model and of all that it is made of, by name, as the components of an OpenAPI document.

    Of one that `is_read` from a body they say what every body is held to.
    """
    root, parts = _root_and_parts(model, IN_COMPONENTS)
    for schema in (root, *parts.values()) if is_read else ():
        _interoperable(schema)
    return parts | {root["title"]: root}


def spec_schemas() -> dict[str, Schema]:
    """Likewise those of the experiment spec."""
    root, parts = _spec(IN_COMPONENTS)
    return parts | {ExperimentSpec.__name__: root}


def spec_schema() -> Schema:
    """The experiment spec as a JSON Schema (2020-12) by itself."""
    root, parts = _spec(_IN_DEFINITIONS)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SPEC_SCHEMA_ID}
    return head | root | {"$defs": parts}


def _spec(template: str) -> tuple[Schema, dict[str, Schema]]:
    root, parts = _root_and_parts(ExperimentSpec, template)
    for name, rule in _RULES.items():
        parts[name] |= rule
    parts["UploadedData"]["properties"]["id"]["pattern"] = DATASET_ID
    root["properties"]["tags"]["uniqueItems"] = True
    for schema in (root, *parts.values()):
        _interoperable(schema)
    return root, parts


def _root_and_parts(model: type[BaseModel], template: str) -> tuple[Schema, dict[str, Schema]]:
    root = model.model_json_schema(ref_template=template)
    parts: dict[str, Schema] = root.pop("$defs", {})
    names = {
        name: part["title"] if re.search(r"\W", part.get("title", " ")) is None else name
        for name, part in parts.items()
    }
    # References are the only members of that name, and the mappings of discriminators have them as values.
    named = _replaced({template.format(model=old): template.format(model=new) for old, new in names.items()})
    return named(root), {names[name]: named(part) for name, part in parts.items()}


def _replaced(texts: Mapping[str, str]) -> Callable[[Any], Any]:
    """A function that replaces whole strings anywhere in a document."""

    def of(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: of(member) for name, member in node.items()}
        if isinstance(node, list):
            return [of(item) for item in node]
        return texts.get(node, node) if isinstance(node, str) else node

    return of


def _interoperable(schema: Schema) -> None:
    """Say the bounds that every number of a body has (see `api.requests.i_json`), and what its texts are made of."""
    match schema.get("type"):
        case "number":
            if "exclusiveMinimum" not in schema:
                schema.setdefault("minimum", -LARGEST_REAL)
            schema.setdefault("maximum", LARGEST_REAL)
        case "integer" if "const" not in schema:
            schema.setdefault("maximum", LARGEST_WHOLE)
        case "string" if "maxLength" in schema:
            schema.setdefault("pattern", PLAIN_TEXT)
    for member in schema.values():
        for part in member if isinstance(member, list) else [member]:
            if isinstance(part, dict):
                _interoperable(part)
