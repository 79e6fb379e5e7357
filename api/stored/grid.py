"""The grid of a stored experiment, and what has been computed of it so far."""

import json
from collections.abc import Iterator
from typing import Any, Final

from core.results.explanation import explained
from core.results.result import Summary, decode_summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.counted_results import counted_summaries
from jobs.document_keys import analysis_key, interpolators_key
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ExperimentStatus

_CHUNK: Final = 5000


def grid_of(experiment_id: str, *, store: Store) -> Grid:
    """The grid as submitted.

    Raises:
        ExperimentNotFound: there is none of that id.
    """
    return Grid(ExperimentSpec.model_validate_json(store.spec(experiment_id)))


def summaries(
    experiment_id: str, window: range, *, store: Store, whole_before: int | None = None
) -> list[Summary | None]:
    """The summaries of the runs of the window, None where one is not stored yet.

    They are asked for in pieces: one answer about a hundred thousand runs would keep the store from everybody else.
    `whole_before`: all runs of a smaller index were stored when the reading began, which by default is now.

    Raises:
        ResultsMissing: one of those is no longer there.
    """
    known = store.first_missing(experiment_id) if whole_before is None else whole_before
    pieces = (range(start, min(start + _CHUNK, window.stop)) for start in range(window.start, window.stop, _CHUNK))
    return [
        None if stored is None else decode_summary(stored)
        for piece in pieces
        for stored in counted_summaries(store, experiment_id, piece, whole_before=known)
    ]


def run_rows(experiment_id: str, window: range, *, store: Store) -> list[dict[str, Any]]:
    """The runs of the window: index, coordinates, summary and explanation, both null where it is not stored yet."""
    grid = grid_of(experiment_id, store=store)
    return [
        {
            "index": index,
            "coordinates": grid.coordinates(index),
            "summary": summary,
            "explanation": None if summary is None else explained(grid.run(index), summary),
        }
        for index, summary in zip(window, summaries(experiment_id, window, store=store), strict=True)
    ]


def lacks_analyses(experiment_id: str, *, store: Store) -> bool:
    """Whether an experiment has succeeded of which an analysis, or its interpolators, are no longer there."""
    experiment = store.experiment(experiment_id)
    if experiment.status is not ExperimentStatus.SUCCEEDED:
        return False
    problems = grid_of(experiment_id, store=store).each_problem()
    keys = (key(problem.key, experiment.numerics) for problem in problems for key in (analysis_key, interpolators_key))
    return any(store.document(key) is None for key in keys)


def analysis_rows(experiment: Experiment, grid: Grid, window: range, *, store: Store) -> Iterator[dict[str, Any]]:
    """The problems of the window: index, keys, coordinates, and the analysis, null where it is not made yet."""
    for index in window:
        problem = grid.problem(index)
        stored = store.document(analysis_key(problem.key, experiment.numerics))
        yield {
            "index": index,
            "data_key": problem.data_key,
            "network": problem.network.key,
            "coordinates": dict(problem.coordinates),
            "analysis": None if stored is None else json.loads(stored),
        }
