"""The numbers behind summaries: trajectories, vectors and end states of runs, data and interpolators of problems."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.contract.answers import LabelledArrays
from api.contract.parts import PROBLEMS
from api.dependencies import ExperimentHere, StoreHere
from api.exports.array_answer import NPZ_FILE, npz_answer
from api.exports.curve_tables import (
    FILES,
    FormedTrajectoryQuery,
    TrajectoryQuery,
    arrays_answer,
    as_well,
    trajectory_table,
)
from api.exports.formats import ARRAYS, TRAJECTORIES, accepted_format, asked_format
from api.requests.positions import Position
from api.stored import arrays
from core.exports.format import Format

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["arrays"], responses=PROBLEMS)

Thinned = Annotated[TrajectoryQuery, Query()]


@router.get("/runs/{index}/trajectory", response_model=LabelledArrays, responses=as_well(TRAJECTORIES))
def get_trajectory(
    experiment: ExperimentHere,
    index: Position,
    query: Annotated[FormedTrajectoryQuery, Query()],
    request: Request,
    store: StoreHere,
) -> Response:
    """What a run recorded, against `record_step`, with 2/η_t; empty where the spec records nothing.

    Curves are stored in float32 (relative error 6e-8), and null where they are not finite or do not exist. The last
    record is of the last iterate, which a completed run did not end at. `points` asks for fewer records.
    """
    form = asked_format(TRAJECTORIES, query.format, request.headers.get("Accept"))
    return arrays_answer(query.of(arrays.trajectory(experiment, index, store=store)), form, experiment.id)


@router.get("/runs/{index}/trajectory.npz", response_class=Response, responses=NPZ_FILE)
def get_trajectory_file(experiment: ExperimentHere, index: Position, query: Thinned, store: StoreHere) -> Response:
    """The same as an .npz file, to the bit: curves in float32, `record_step` in int64, the threshold in float64."""
    return npz_answer(query.of(arrays.trajectory(experiment, index, store=store)))


@router.get("/runs/{index}/trajectory.csv", response_class=Response, responses=FILES[Format.CSV])
def get_trajectory_table(experiment: ExperimentHere, index: Position, query: Thinned, store: StoreHere) -> Response:
    """The same as CSV: a line for each record; an empty field is null."""
    return trajectory_table(query.of(arrays.trajectory(experiment, index, store=store)), Format.CSV)


@router.get("/runs/{index}/trajectory.ndjson", response_class=Response, responses=FILES[Format.NDJSON])
def get_trajectory_lines(experiment: ExperimentHere, index: Position, query: Thinned, store: StoreHere) -> Response:
    """The same as NDJSON: an object for each record."""
    return trajectory_table(query.of(arrays.trajectory(experiment, index, store=store)), Format.NDJSON)


@router.get("/runs/{index}/vectors", response_model=LabelledArrays, responses=as_well(ARRAYS))
def get_vectors(experiment: ExperimentHere, index: Position, request: Request, store: StoreHere) -> Response:
    """What a run recorded of every coordinate, in float64, and the plateaus of its loss, with rescaled times.

    The arrays are those that `recording.vectors` asks for, of shape (record, coordinate); the steps alone where it is
    empty. Plateaus are found among the records where β and its time average are recorded.
    """
    form = accepted_format(ARRAYS, request.headers.get("Accept"))
    return arrays_answer(arrays.vectors(experiment, index, store=store), form, experiment.id)


@router.get("/runs/{index}/vectors.npz", response_class=Response, responses=NPZ_FILE)
def get_vectors_file(experiment: ExperimentHere, index: Position, store: StoreHere) -> Response:
    """The same as an .npz file, to the bit."""
    return npz_answer(arrays.vectors(experiment, index, store=store))


@router.get("/runs/{index}/arrays", response_model=LabelledArrays, responses=as_well(ARRAYS))
def get_arrays(experiment: ExperimentHere, index: Position, request: Request, store: StoreHere) -> Response:
    """Where a run ended, coordinate by coordinate, in float64: θ by part, β, √A, the gradient sum S, and β* if known.

    √A is there where finite steps have it: at depth 2 and for UV, without momentum. A completed run ends at its limit;
    its S is that of the last iterate.
    """
    form = accepted_format(ARRAYS, request.headers.get("Accept"))
    return arrays_answer(arrays.end(experiment, index, store=store), form, experiment.id)


@router.get("/runs/{index}/arrays.npz", response_class=Response, responses=NPZ_FILE)
def get_arrays_file(experiment: ExperimentHere, index: Position, store: StoreHere) -> Response:
    """The same as an .npz file, to the bit."""
    return npz_answer(arrays.end(experiment, index, store=store))


@router.get("/analysis/{problem}/data", response_model=LabelledArrays, responses=as_well(ARRAYS))
def get_data(experiment: ExperimentHere, problem: Position, request: Request, store: StoreHere) -> Response:
    """The data set of a problem as its runs are trained on it: drawn, or given and shifted by the transform."""
    form = accepted_format(ARRAYS, request.headers.get("Accept"))
    return arrays_answer(arrays.data(experiment, problem, store=store), form, experiment.id)


@router.get("/analysis/{problem}/data.npz", response_class=Response, responses=NPZ_FILE)
def get_data_file(experiment: ExperimentHere, problem: Position, store: StoreHere) -> Response:
    """The same as an .npz file, to the bit."""
    return npz_answer(arrays.data(experiment, problem, store=store))


@router.get("/analysis/{problem}/interpolators", response_model=LabelledArrays, responses=as_well(ARRAYS))
def get_interpolators(experiment: ExperimentHere, problem: Position, request: Request, store: StoreHere) -> Response:
    """The predictors of a problem's reference interpolators; none where nothing interpolates its data."""
    form = accepted_format(ARRAYS, request.headers.get("Accept"))
    return arrays_answer(arrays.interpolators(experiment, problem, store=store), form, experiment.id)


@router.get("/analysis/{problem}/interpolators.npz", response_class=Response, responses=NPZ_FILE)
def get_interpolators_file(experiment: ExperimentHere, problem: Position, store: StoreHere) -> Response:
    """The same as an .npz file, to the bit."""
    return npz_answer(arrays.interpolators(experiment, problem, store=store))
