"""Figures of an experiment, drawn by a worker while the request waits."""

from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema

from api.contract.answers import FigureList
from api.contract.parts import PROBLEMS, files
from api.dependencies import BellHere, DrawingTimeout, ExperimentHere, StoreHere
from api.figures.asked import FigureQuery
from api.figures.drawing import Drawing, drawn
from api.figures.listing import listed, named
from api.stored.grid import grid_of
from core.figures.layouts.catalogue import FIGURES, require_suitable
from core.figures.layouts.files import MEDIA_TYPES

router = APIRouter(prefix="/v1/experiments/{experiment_id}/figures", tags=["figures"], responses=PROBLEMS)

_FILES: Final = files("The figure.", MEDIA_TYPES.values())
_NAMES: Final = rf"^({'|'.join(FIGURES)})\.({'|'.join(MEDIA_TYPES)})$"
FileName = Annotated[str, WithJsonSchema({"type": "string", "pattern": _NAMES, "examples": ["risk.png"]})]


@router.get("", response_model=FigureList)
async def list_figures(experiment: ExperimentHere, store: StoreHere) -> Response:
    """The figures that suit this experiment, with their links; asking for another one says why it does not."""
    grid = await to_thread.run_sync(lambda: grid_of(experiment.id, store=store))
    return JSONResponse({"figures": listed(experiment.id, grid)})


@router.get("/{file}", response_class=Response, responses=_FILES)
async def get_figure(  # noqa: PLR0913, PLR0917 - what stands in the path and the query, and who answers
    experiment: ExperimentHere,
    file: FileName,
    query: Annotated[FigureQuery, Query()],
    store: StoreHere,
    bell: BellHere,
    patience: DrawingTimeout,
) -> Response:
    """A figure of what is stored at this moment; `file` is its name and format, as in risk.png.

    As .csv it is the numbers of every line and point, as .txt the words that stand for the picture.
    """
    figure, known = named(file)
    options = query.options
    await to_thread.run_sync(lambda: require_suitable(figure, grid_of(experiment.id, store=store), options))
    contents = await to_thread.run_sync(store.contents, experiment.id)
    drawing = Drawing(experiment=experiment, contents=contents, figure=figure, format=known, options=options)
    picture = await drawn(drawing, store=store, bell=bell, patience=patience)
    return Response(picture, media_type=MEDIA_TYPES[known])
