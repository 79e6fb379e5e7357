"""The explorer, which computes in the browser and asks this service for nothing."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from stepbias.explorer.document import document, policy

router = APIRouter(include_in_schema=False)


@router.get("/explorer")
async def get_explorer() -> HTMLResponse:
    """The same bytes as `stepbias explorer` prints."""
    headers = {"Content-Security-Policy": policy(), "Referrer-Policy": "no-referrer"}
    return HTMLResponse(document(), headers=headers)
