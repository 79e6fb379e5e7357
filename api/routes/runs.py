"""What has been computed: runs one by one, curves through them, and the analyses of the data sets."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.contract.answers import AnalysisPage, CurvesDocument, RunColumnsPage, RunDocument, RunPage
from api.contract.parts import PROBLEMS
from api.dependencies import ExperimentHere, RecentAnswersHere, StoreHere
from api.experiments.document import polling_headers
from api.exports.curve_question import CurveQuery, FormedCurveQuery
from api.exports.curve_tables import FILES, as_well, curve_table
from api.exports.formats import CURVES, asked_format
from api.exports.run_columns import RunColumnsQuery, run_columns
from api.polls.quick_curves import curves_question
from api.requests.paging import PageQuery, link_header, window
from api.requests.positions import Position, position
from api.stored.grid import analysis_rows, grid_of, run_rows, summaries
from core.exports.format import Format
from core.results.curves import Curves
from jobs.kept_documents import kept_analyses
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ExperimentStatus

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["results"], responses=PROBLEMS)


@router.get("/runs", response_model=RunPage)
def list_runs(
    experiment: ExperimentHere, query: Annotated[PageQuery, Query()], request: Request, store: StoreHere
) -> Response:
    """The runs in the order of the grid: index, coordinates, and the summary (null until it is stored)."""
    indices, cursor = window(query, experiment.runs_total)
    rows = run_rows(experiment.id, indices, store=store)
    return JSONResponse({"runs": rows, "next_cursor": cursor}, headers=link_header(request, cursor))


@router.get("/runs/{index}", response_model=RunDocument)
def get_run(experiment: ExperimentHere, index: Position, store: StoreHere) -> Response:
    """One run: index, coordinates, and the summary (null until it is stored)."""
    number = position(index, experiment.runs_total, of="runs")
    return JSONResponse(run_rows(experiment.id, range(number, number + 1), store=store)[0])


@router.get("/columns", response_model=RunColumnsPage)
def get_columns(
    experiment: ExperimentHere, query: Annotated[RunColumnsQuery, Query()], request: Request, store: StoreHere
) -> Response:
    """A few results of many runs, each as a list in the order of the grid, whose axes stand beside them."""
    document = run_columns(experiment, query, store)
    return JSONResponse(document, headers=link_header(request, document["next_cursor"]))


@router.get("/curves", response_model=CurvesDocument, responses=as_well(CURVES))
def get_curves(
    experiment: ExperimentHere,
    query: Annotated[FormedCurveQuery, Query()],
    request: Request,
    store: StoreHere,
    recent: RecentAnswersHere,
) -> Response:
    """Curves of one result against one axis: median and quartiles, baselines, gradient-flow limits; null is a gap."""
    form = asked_format(CURVES, query.format, request.headers.get("Accept"))
    if form is not Format.JSON:
        table = curve_table(_curves(experiment, query, store), form)
        table.headers["Vary"] = "Accept"
        return table

    def make() -> bytes:
        return bytes(JSONResponse(_curves(experiment, query, store).to_document()).body)

    if experiment.status is ExperimentStatus.SUCCEEDED:
        question = curves_question(experiment, request.scope)
        return recent.of(question, make).response(request.headers.get("Accept-Encoding"))
    headers = {"Vary": "Accept", **polling_headers(experiment)}
    return Response(make(), media_type="application/json", headers=headers)


@router.get("/curves.csv", response_class=Response, responses=FILES[Format.CSV])
def get_curve_table(experiment: ExperimentHere, query: Annotated[CurveQuery, Query()], store: StoreHere) -> Response:
    """The same as CSV: a line for each point of each curve and limit, and for each baseline; an empty field is null."""
    return curve_table(_curves(experiment, query, store), Format.CSV)


@router.get("/curves.ndjson", response_class=Response, responses=FILES[Format.NDJSON])
def get_curve_lines(experiment: ExperimentHere, query: Annotated[CurveQuery, Query()], store: StoreHere) -> Response:
    """The same as NDJSON: an object for each of them."""
    return curve_table(_curves(experiment, query, store), Format.NDJSON)


@router.get("/analysis", response_model=AnalysisPage)
def list_analyses(
    experiment: ExperimentHere, query: Annotated[PageQuery, Query()], request: Request, store: StoreHere
) -> Response:
    """What is known of each problem, a data set with a network, before training; null until it is made."""
    grid = grid_of(experiment.id, store=store)
    indices, cursor = window(query, grid.problems)
    rows = list(analysis_rows(experiment, grid, indices, store=store))
    return JSONResponse({"problems": rows, "next_cursor": cursor}, headers=link_header(request, cursor))


def _curves(experiment: Experiment, query: CurveQuery, store: Store) -> Curves:
    grid = grid_of(experiment.id, store=store)
    known = summaries(experiment.id, range(len(grid)), store=store)
    family = query.question(grid, known).curves(grid, known, kept_analyses(store, grid, experiment.numerics))
    return query.of(family)
