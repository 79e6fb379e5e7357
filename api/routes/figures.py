"""Figures of an experiment, drawn by a worker while the request waits."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Response

from api.dependencies import BellHere, DrawingTimeout, ExperimentHere, StoreHere
from api.drawing import Drawing, drawn
from api.figure_list import MEDIA_TYPES, listed, named
from api.openapi import PROBLEMS
from api.stored_grid import grid_of
from core.figures.layouts.catalogue import require_suitable

router = APIRouter(prefix="/v1/experiments/{experiment_id}/figures", tags=["figures"], responses=PROBLEMS)

_FILES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figure.", "content": {media_type: {} for media_type in MEDIA_TYPES.values()}}
}


@router.get("")
async def list_figures(experiment: ExperimentHere, store: StoreHere) -> dict[str, list[dict[str, Any]]]:
    """The figures that suit this experiment, with their links; asking for another one says why it does not."""
    grid = await to_thread.run_sync(lambda: grid_of(experiment.id, store=store))
    return {"figures": listed(experiment.id, grid)}


@router.get("/{file}", response_class=Response, responses=_FILES)
async def get_figure(
    experiment: ExperimentHere, file: str, store: StoreHere, bell: BellHere, patience: DrawingTimeout
) -> Response:
    """A figure of what is stored at this moment; `file` is its name and format, as in risk.png."""
    figure, known = named(file)
    await to_thread.run_sync(lambda: require_suitable(figure, grid_of(experiment.id, store=store)))
    contents = await to_thread.run_sync(store.contents, experiment.id)
    drawing = Drawing(experiment=experiment, contents=contents, figure=figure, format=known)
    picture = await drawn(drawing, store=store, bell=bell, patience=patience)
    return Response(picture, media_type=MEDIA_TYPES[known])
