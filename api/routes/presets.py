"""Presets: the paper's figures as specs, ready to post."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema

from api.contract.answers import PresetList
from api.contract.parts import PROBLEMS, files, reference
from api.experiments.presets import PresetQuery, listed
from api.problems.request_errors import NothingHere
from api.requests.body import JSON
from core.presets import PRESETS, preset
from core.spec.experiment_spec import ExperimentSpec

Name = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PRESETS)})]

router = APIRouter(prefix="/v1/presets", tags=["presets"], responses=PROBLEMS)


@router.get("", response_model=PresetList)
async def list_presets() -> Response:
    """Every preset: what it shows, and how many runs each of its sizes has."""
    return JSONResponse({"presets": [listed(known) for known in PRESETS.values()]})


@router.get("/{name}", response_class=Response, responses=files("The spec.", [JSON], reference(ExperimentSpec)))
async def get_preset(name: Name, query: Annotated[PresetQuery, Query()]) -> Response:
    """The spec of a preset, to be posted as it is or changed first."""
    if name not in PRESETS:
        raise NothingHere(f"There is no such preset; there are {', '.join(PRESETS)}.")
    return Response(preset(name, query.size, seeds=query.seeds).canonical(), media_type=JSON)
