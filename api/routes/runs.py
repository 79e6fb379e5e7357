"""What has been computed: runs one by one or as one array, and the analyses of the data sets."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.curve_question import CurveQuery
from api.dependencies import ExperimentHere, StoreHere
from api.experiment_document import polling_headers
from api.openapi import PROBLEMS
from api.paging import PageQuery, link_header, window
from api.positions import Position, position
from api.stored_grid import analysis_rows, grid_of, labelled_array, run_rows, summaries
from jobs.kept_documents import kept_analyses

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["results"], responses=PROBLEMS)


@router.get("/runs")
def list_runs(
    experiment: ExperimentHere, query: Annotated[PageQuery, Query()], request: Request, store: StoreHere
) -> Response:
    """The runs in the order of the grid: index, coordinates, and the summary (null until it is stored)."""
    indices, cursor = window(query, experiment.runs_total)
    rows = run_rows(experiment.id, indices, store=store)
    return JSONResponse({"runs": rows, "next_cursor": cursor}, headers=link_header(request, cursor))


@router.get("/runs/{index}")
def get_run(experiment: ExperimentHere, index: Position, store: StoreHere) -> dict[str, Any]:
    """One run: index, coordinates, and the summary (null until it is stored)."""
    number = position(index, experiment.runs_total, of="runs")
    return run_rows(experiment.id, range(number, number + 1), store=store)[0]


@router.get("/results")
def get_results(experiment: ExperimentHere, store: StoreHere) -> Response:
    """All runs as one labelled array, as `xarray.Dataset.from_dict` reads it; null where a run is not stored yet."""
    return JSONResponse(labelled_array(experiment, store=store), headers=polling_headers(experiment))


@router.get("/curves")
def get_curves(experiment: ExperimentHere, query: Annotated[CurveQuery, Query()], store: StoreHere) -> Response:
    """Curves of one result against one axis: median and quartiles, baselines, gradient-flow limits; null is a gap."""
    grid = grid_of(experiment.id, store=store)
    known = summaries(experiment.id, range(len(grid)), store=store)
    family = query.question(grid, known).curves(grid, known, kept_analyses(store, grid, experiment.numerics))
    return JSONResponse(family.to_document(), headers=polling_headers(experiment))


@router.get("/analysis")
def list_analyses(
    experiment: ExperimentHere, query: Annotated[PageQuery, Query()], request: Request, store: StoreHere
) -> Response:
    """What is known of each problem, a data set with a network, before training; null until it is made."""
    grid = grid_of(experiment.id, store=store)
    indices, cursor = window(query, grid.problems)
    rows = list(analysis_rows(experiment, grid, indices, store=store))
    return JSONResponse({"problems": rows, "next_cursor": cursor}, headers=link_header(request, cursor))
