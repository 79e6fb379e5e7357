"""The OpenAPI document as a page to read: without scripts, and without anything from elsewhere."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from api.openapi.headers import Operation

STYLE: Final = Path(__file__).with_name("page.css").read_text(encoding="utf-8")

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the page: its own style, and nothing else."""

Schema = Mapping[str, Any]


def page(document: Schema) -> str:
    """The page of a document."""
    parts, title = document["components"], escape(document["info"]["title"])
    operations = list(_operations(document))
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}: HTTP API</title><style>{STYLE}</style></head><body>",
            f"<nav>{''.join(_contents(document, operations))}</nav><main>",
            f"<h1>{title} {escape(document['info']['version'])}</h1>{_text(document['info']['description'])}",
            '<p>The same for programs: <a href="../openapi.json">openapi.json</a>. <a href="./">All documents</a>.</p>',
            *(_operation(method, path, each, parts) for method, path, each in operations),
            *(_component(name, schema) for name, schema in parts["schemas"].items()),
            "</main></body></html>",
        ]
    )


def _operations(document: Schema) -> Iterator[tuple[str, str, Operation]]:
    for tag in document["tags"]:
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield method, path, operation


def _contents(document: Schema, operations: list[tuple[str, str, Operation]]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2><p class=soft>{_inline(tag['description'])}</p><ul>"
        for method, _, operation in operations:
            if tag["name"] in operation["tags"]:
                name = escape(operation["operationId"])
                yield f'<li><a href="#{name}"><span class=method>{method}</span>{escape(operation["summary"])}</a></li>'
        yield "</ul>"
    links = (
        f'<li><a href="#schema-{escape(name)}">{escape(name)}</a></li>' for name in document["components"]["schemas"]
    )
    yield f"<h2>schemas</h2><ul>{''.join(links)}</ul>"


def _operation(method: str, path: str, operation: Operation, parts: Schema) -> str:
    name = escape(operation["operationId"])
    rows = "".join(_parameter(each) for each in operation.get("parameters", ()))
    parameters = f"<h4>Parameters</h4><table>{rows}</table>" if rows else ""
    body = operation.get("requestBody")
    bodies = "" if body is None else f"<h4>Request body</h4>{_contents_of(body['content'])}"
    answers = "".join(_answer(status, each, parts) for status, each in operation["responses"].items())
    return (
        f'<section id="{name}"><h3><span class=method>{method}</span> <code>{escape(path)}</code></h3>'
        f"{_text(operation['description'])}{parameters}{bodies}<h4>Answers</h4><table>{answers}</table></section>"
    )


def _parameter(parameter: Schema) -> str:
    required = " required" if parameter.get("required") else ""
    about = _inline(parameter.get("description", ""))
    kind = _kind(parameter["schema"]) if "schema" in parameter else _contents_of(parameter["content"])
    name, place = escape(parameter["name"]), f"{parameter['in']}{required}"
    return f"<tr><td><code>{name}</code><br><span class=soft>{place}</span><td>{about} {kind}"


def _answer(status: str, answer: Schema, parts: Schema) -> str:
    known = parts["responses"].get(answer.get("$ref", "").rpartition("/")[2], answer)
    content = "" if known is not answer else _contents_of(answer.get("content", {}))
    names = ", ".join(f"<code>{escape(name)}</code>" for name in known.get("headers", ()))
    return f"<tr><td><code>{status}</code><td>{_inline(known['description'])}{content}<div class=soft>{names}</div>"


def _contents_of(content: Schema) -> str:
    return "".join(
        f"<div><code>{escape(media_type)}</code> {_kind(each.get('schema', {}))}</div>{''.join(_examples(each))}"
        for media_type, each in content.items()
    )


def _examples(content: Schema) -> Iterator[str]:
    named = {name: example["value"] for name, example in content.get("examples", {}).items()}
    for name, value in ({"example": content["example"]} if "example" in content else named).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        yield f"<details><summary>{escape(name.replace('_', ' '))}</summary><pre>{escape(text)}</pre></details>"


def _component(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code><br><span class=soft>{'required' if field in required else ''}</span>"
        f"<td>{_inline(each.get('description', ''))} {_kind(each)}"
        for field, each in schema.get("properties", {}).items()
    )
    shape = f"<table>{rows}</table>" if rows else _kind(schema)
    about = _text(schema.get("description", ""))
    return f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>{about}{shape}</section>'


def _kind(schema: Schema) -> str:
    """What values a schema allows, in a line."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(dict.fromkeys(map(_kind, options)))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}{_limits(schema)}"
    types = schema.get("type", "anything")
    return f"{escape(types if isinstance(types, str) else ' or '.join(types))}{_limits(schema)}"


_SIGNS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "minLength": "{} or more characters",
    "maxLength": "at most {} characters",
    "minItems": "{} or more",
    "maxItems": "at most {}",
    "format": "{}",
    "pattern": "like {}",
    "default": "default {}",
}


def _limits(schema: Schema) -> str:
    said = [
        sign.format(_plain(schema[name])) for name, sign in _SIGNS.items() if schema.get(name) or schema.get(name) == 0
    ]
    return f" <span class=soft>{escape(', '.join(said))}</span>" if said else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """Paragraphs, and lists of lines that begin with a star."""
    blocks = [block.strip() for block in text.split("\n\n") if block.strip()]
    return "".join(
        f"<ul>{''.join(f'<li>{_inline(line)}</li>' for line in block[2:].split(chr(10) + '* '))}</ul>"
        if block.startswith("* ")
        else f"<p>{_inline(block)}</p>"
        for block in blocks
    )


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
