"""What the API is, as a document for programs and as a page to read."""

from functools import cache

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse

from api.openapi.page import POLICY, page

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def get_openapi(request: Request) -> JSONResponse:
    """The OpenAPI document, with the prefix under which the service is reached as its server."""
    document, prefix = request.app.openapi(), request.scope.get("root_path", "")
    return JSONResponse(document | ({"servers": [{"url": prefix}]} if prefix else {}))


@router.get("/docs")
async def get_documentation(request: Request) -> HTMLResponse:
    """Every operation with its parameters, bodies and answers, and every schema."""
    return HTMLResponse(_page(request.app), headers={"Content-Security-Policy": POLICY})


@cache
def _page(app: FastAPI) -> str:
    return page(app.openapi())
