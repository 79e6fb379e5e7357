"""The arrays of one run or of one problem of a stored experiment."""

from typing import Any

import numpy as np
from jaxtyping import Float64

from api.experiments.document import polling_headers
from api.problems.request_errors import NothingHere, NotStoredYet
from api.requests.positions import position
from api.stored.grid import grid_of
from core.errors import InvalidData
from core.experiment.dataset import dataset_of
from core.results.labelled_arrays import LabelledArrays
from core.results.problem_arrays import data_of, interpolators_of
from core.results.result import decode_summary, unpack_arrays
from core.results.run_arrays import end_of, trajectory_of, vectors_of
from core.sweep.grid import GridProblem
from core.sweep.grid_run import Run
from jobs.document_keys import analysis_key, interpolators_key
from jobs.kept_documents import uploads
from jobs.ports import Store
from jobs.records import Experiment, StoredRun


def trajectory(experiment: Experiment, index: str, *, store: Store) -> LabelledArrays:
    """The curves that a run recorded.

    Raises:
        NothingHere: there is no such run.
        NotStoredYet: it has not ended.
    """
    run, stored = _stored(experiment, index, store=store)
    return trajectory_of(run, decode_summary(stored.summary), unpack_arrays(stored.arrays))


def vectors(experiment: Experiment, index: str, *, store: Store) -> LabelledArrays:
    """What a run recorded of every coordinate, and its plateaus.

    Raises:
        NothingHere: there is no such run.
        NotStoredYet: it has not ended.
    """
    run, stored = _stored(experiment, index, store=store)
    return vectors_of(run, decode_summary(stored.summary), unpack_arrays(stored.arrays))


def end(experiment: Experiment, index: str, *, store: Store) -> LabelledArrays:
    """The state in which a run ended.

    Raises:
        NothingHere: there is no such run.
        NotStoredYet: it has not ended.
    """
    run, stored = _stored(experiment, index, store=store)
    return stored_end(run, stored, true_predictor(run, store=store))


def stored_end(run: Run, stored: StoredRun, truth: Float64[np.ndarray, " dim"] | None) -> LabelledArrays:
    """The state in which a run ended, with the true predictor of its data."""
    return end_of(run, decode_summary(stored.summary), unpack_arrays(stored.arrays), truth)


def true_predictor(run: Run, *, store: Store) -> Float64[np.ndarray, " dim"] | None:
    """That of a run's data, where it is known: an upload that is gone takes nothing from who was trained on it."""
    try:
        return dataset_of(run.spec.data, uploads(store)).true_predictor
    except InvalidData:
        return None


def data(experiment: Experiment, problem: str, *, store: Store) -> LabelledArrays:
    """The data set of a problem, as its runs are trained on it.

    Raises:
        NothingHere: there is no such problem, or its data are no regression problem or no longer kept.
    """
    found, attrs = _problem(experiment, problem, store=store)
    try:
        return data_of(dataset_of(found.data, uploads(store)), attrs)
    except InvalidData as error:
        raise NothingHere(f"There is no such data set: {error.message}.") from None


def interpolators(experiment: Experiment, problem: str, *, store: Store) -> LabelledArrays:
    """The reference interpolators of a problem; none where nothing interpolates, and its analysis says why.

    Raises:
        NothingHere: there is no such problem.
        NotStoredYet: it is not analysed, or was when predictors were not kept.
    """
    found, attrs = _problem(experiment, problem, store=store)
    block = store.document(interpolators_key(found.key, experiment.numerics))
    if block is not None:
        return interpolators_of(unpack_arrays(block), attrs)
    if store.document(analysis_key(found.key, experiment.numerics)) is None:
        raise _not_yet(f"Problem {problem} is not analysed", experiment)
    raise NotStoredYet(
        f"Problem {problem} was analysed by an earlier version, which did not keep its interpolators: submit the spec "
        "under another name, and they are found again."
    )


def _not_yet(what: str, experiment: Experiment) -> NotStoredYet:
    return NotStoredYet(f"{what}: the experiment is {experiment.status}.", headers=polling_headers(experiment))


def _stored(experiment: Experiment, index: str, *, store: Store) -> tuple[Run, StoredRun]:
    number = position(index, experiment.runs_total, of="runs")
    stored = store.run(experiment.id, number)
    if stored is None:
        # As it stands now: where the run was found damaged, it has succeeded no longer.
        raise _not_yet(f"Run {number} is not stored", store.experiment(experiment.id))
    return grid_of(experiment.id, store=store).run(number), stored


def _problem(experiment: Experiment, problem: str, *, store: Store) -> tuple[GridProblem, dict[str, Any]]:
    """The problem, and what its arrays belong to."""
    grid = grid_of(experiment.id, store=store)
    found = grid.problem(position(problem, grid.problems, of="problems"))
    return found, {"problem": found.number, "data_key": found.data_key, "network": found.network.key}
