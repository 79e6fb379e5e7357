"""Edits of an experiment: a JSON merge patch (RFC 7396) of its name, tags and notes, and of whether it is shared."""

from typing import Annotated, Any, Final

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api.contract.json_schema import PLAIN_LINES
from api.problems.pointers import escaped
from api.problems.request_errors import UnusableBody, UnusableEdit, Violation
from api.problems.spec_violations import sentence
from api.requests import i_json
from api.requests.body import JSON, limited_body, read, require_media_type
from api.requests.labels import LINES, flaw, plain
from api.settings_here import SettingsHere
from core.spec.experiment_spec import Label, Name
from jobs.ports import MOST_TAGS

MERGE_PATCH: Final = "application/merge-patch+json"

MOST_NOTE_BYTES: Final = 10_000

_MOST_BYTES: Final = 100_000


def _noted(text: str) -> str:
    if (detail := flaw(text, allowed=LINES)) is not None:
        raise ValueError(detail)
    if len(text.encode()) > MOST_NOTE_BYTES:
        raise ValueError(f"notes have at most {MOST_NOTE_BYTES} bytes")
    return text


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) < len(tags):
        raise ValueError("a tag stands there twice")
    return tags


_Tags = Annotated[
    tuple[Annotated[Label, AfterValidator(plain)], ...],
    Field(max_length=MOST_TAGS, strict=False, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]


class ExperimentEdit(BaseModel):
    """What is to be changed: what is left out stays, and null takes away."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[Name, AfterValidator(plain)] | None = None
    tags: _Tags | None = Field(default=None, description="In place of those that are there.")
    add_tags: _Tags = Field(default=(), description="To those that there are; at once with what others add.")
    remove_tags: _Tags = Field(default=(), description="From those that there are, before others are added.")
    notes: Annotated[str, AfterValidator(_noted)] | None = Field(
        default=None,
        description=f"Text of at most {MOST_NOTE_BYTES} bytes; lines may break.",
        json_schema_extra={"maxLength": MOST_NOTE_BYTES, "pattern": PLAIN_LINES},
    )

    shared: bool | None = Field(
        default=None, description="Whether whoever has a key of this deployment, and the id, may read it."
    )

    def changes(self) -> dict[str, Any]:
        """What is given, with nothing in place of null."""
        nothing: dict[str, Any] = {"name": "", "tags": (), "notes": "", "shared": False}
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: nothing[name] if value is None else value for name, value in given.items()}


def read_edit(body: bytes) -> ExperimentEdit:
    """The edit in a request body.

    Raises:
        MalformedBody, UnusableEdit: it is not JSON, or no edit; each violation with its place.
    """
    try:
        return ExperimentEdit.model_validate(i_json.read(body))
    except UnusableBody as error:
        violations = error.violations
    except ValidationError as error:
        violations = tuple(_violation(finding) for finding in error.errors())
    raise UnusableEdit("The edit breaks the rules listed under errors.", violations=violations)


def _violation(finding: Any) -> Violation:
    pointer = "".join(f"/{escaped(str(part))}" for part in finding["loc"])
    unknown = finding["type"] == "extra_forbidden"
    return Violation(
        pointer=pointer,
        detail="name, tags (add_tags, remove_tags), notes and shared can be edited" if unknown else sentence(finding),
    )


async def _edit(request: Request, settings: SettingsHere) -> ExperimentEdit:
    require_media_type(request, (MERGE_PATCH, JSON))
    body = await limited_body(request, limit=min(settings.max_body_bytes, _MOST_BYTES))
    return await read(request, read_edit, body)


EditHere = Annotated[ExperimentEdit, Depends(_edit)]
"""The edit in the body of a request."""
