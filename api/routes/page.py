"""The page to look at."""

from fastapi import APIRouter, Response

from api.page.files import INDEX, POLICY, PageFile, page_files
from api.problems.request_errors import NothingHere

router = APIRouter(include_in_schema=False)


@router.get("/")
async def get_page() -> Response:
    """The page; it asks for everything else itself."""
    return _answer(page_files()[INDEX])


@router.get("/page/{name}")
async def get_page_file(name: str) -> Response:
    """A script, a style or a picture of the page."""
    if name not in page_files() or name == INDEX:
        raise NothingHere("The page has no such file.")
    return _answer(page_files()[name])


def _answer(file: PageFile) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(file.body, media_type=file.media_type, headers=headers)
