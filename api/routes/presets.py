"""Presets: the paper's figures as specs, ready to post."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.body import JSON
from api.openapi import PROBLEMS
from api.preset_list import PresetQuery, listed
from api.request_errors import NothingHere
from core.presets import PRESETS, preset

router = APIRouter(prefix="/v1/presets", tags=["presets"], responses=PROBLEMS)


@router.get("")
async def list_presets() -> dict[str, list[dict[str, Any]]]:
    """Every preset: what it shows, and how many runs each of its sizes has."""
    return {"presets": [listed(known) for known in PRESETS.values()]}


@router.get("/{name}")
async def get_preset(name: str, query: Annotated[PresetQuery, Query()]) -> Response:
    """The spec of a preset, to be posted as it is or changed first."""
    if name not in PRESETS:
        raise NothingHere(f"There is no such preset; there are {', '.join(PRESETS)}.")
    return Response(preset(name, query.size, seeds=query.seeds).canonical(), media_type=JSON)
