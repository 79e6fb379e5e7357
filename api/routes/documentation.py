"""What the API is, as a document for programs and as a page to read; and the documents of the whole."""

from functools import cache
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from api.documents.site import NOT_BUILT, file_of, media_type, policy
from api.openapi.page import POLICY, page
from api.prefix import under_prefix
from api.problems.request_errors import NothingHere

router = APIRouter(include_in_schema=False)


class SiteQuery(BaseModel):
    """What pages of the site say to each other: the words of a search, versions of files. Scripts read it there."""

    q: str = ""
    check_keywords: str = ""
    area: str = ""
    highlight: str = ""
    v: str = ""


@router.get("/openapi.json")
async def get_openapi(request: Request) -> JSONResponse:
    """The OpenAPI document, with the prefix under which the service is reached as its server."""
    document, prefix = request.app.openapi(), request.scope.get("root_path", "")
    return JSONResponse(document | ({"servers": [{"url": prefix}]} if prefix else {}))


@router.get("/docs")
async def get_documents() -> RedirectResponse:
    """Where the documents begin: links of a page are relative to its folder."""
    return RedirectResponse(under_prefix("/docs/"), 308)


@router.get("/docs/api")
async def get_documentation(request: Request) -> HTMLResponse:
    """Every operation with its parameters, bodies and answers, and every schema."""
    return HTMLResponse(_page(request.app), headers={"Content-Security-Policy": POLICY})


@router.get("/docs/{path:path}")
def get_document(path: str, _query: Annotated[SiteQuery, Query()]) -> Response:
    """A file of the site that `make site` builds.

    Raises:
        NothingHere: there is none of that name.
    """
    file = file_of(path)
    if file is None and not path:
        return HTMLResponse(NOT_BUILT, headers={"Content-Security-Policy": policy(NOT_BUILT)})
    if file is None:
        raise NothingHere("The documents have no such page.")
    content, kind = file.read_bytes(), media_type(file)
    headers = {"Content-Security-Policy": policy(content.decode())} if kind == "text/html" else {}
    return Response(content, media_type=kind, headers=headers)


@cache
def _page(app: FastAPI) -> str:
    return page(app.openapi())
