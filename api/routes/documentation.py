"""What the API is, as a page to read."""

from functools import cache

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from api.openapi.page import POLICY, page

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def get_documentation(request: Request) -> HTMLResponse:
    """Every operation with its parameters, bodies and answers, and every schema."""
    return HTMLResponse(_page(request.app), headers={"Content-Security-Policy": POLICY})


@cache
def _page(app: FastAPI) -> str:
    return page(app.openapi())
