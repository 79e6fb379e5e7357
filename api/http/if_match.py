"""`If-Match`: a change of what one has seen, and of nothing else."""

from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

from api.http.negotiation import is_matched
from api.http.representations import entity_tag, gzip_tag
from api.problems.request_errors import NotAsKnown

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="The `ETag` of what is changed as it was seen; 412 where it is another by now."
    ),
]


def require_named(document: BaseModel, if_match: str, *, what: str) -> None:
    """Return if the header names the document.

    Raises:
        NotAsKnown: it names another one.
    """
    tag = entity_tag(document.model_dump_json().encode())
    if not is_matched((tag, gzip_tag(tag)), if_match):
        raise NotAsKnown(f"The {what} is not as If-Match names it: look at it again.")
