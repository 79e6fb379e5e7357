"""What the types of problem documents mean; each answer with one links here."""

from fastapi import APIRouter

from api.error_list import ErrorDocument, ErrorList, every_error, explained
from api.openapi import PROBLEMS

router = APIRouter(prefix="/v1/errors", tags=["service"], responses=PROBLEMS)


@router.get("")
async def list_errors() -> ErrorList:
    """Every kind of problem that this service answers with."""
    return ErrorList(errors=tuple(every_error().values()))


@router.get("/{slug}")
async def get_error(slug: str) -> ErrorDocument:
    """One kind of problem: when it is answered, and whether it passes."""
    return explained(slug)
