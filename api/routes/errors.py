"""What the types of problem documents mean; each answer with one links here."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import WithJsonSchema

from api.contract.parts import PROBLEMS
from api.problems.explained import ErrorDocument, ErrorList, every_error, explained

Slug = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[a-z-]{1,50}$"})]

router = APIRouter(prefix="/v1/errors", tags=["service"], responses=PROBLEMS)


@router.get("")
async def list_errors() -> ErrorList:
    """Every kind of problem that this service answers with."""
    return ErrorList(errors=tuple(every_error().values()))


@router.get("/{slug}")
async def get_error(slug: Slug) -> ErrorDocument:
    """One kind of problem: when it is answered, and whether it passes."""
    return explained(slug)
