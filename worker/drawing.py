"""Figures of an experiment, from what is stored of it."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

import numpy as np

from core.errors import InvalidData
from core.experiment.dataset import dataset_of
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.options import FigureOptions
from core.figures.results import Results
from core.results.result import decode_summary, unpack_arrays
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.counted_results import counted_summaries
from jobs.document_keys import figure_error_key
from jobs.errors import ExperimentNotFound, ResultsMissing, StoreUnavailable
from jobs.kept_documents import kept_analyses, uploads
from jobs.owned_store import store_of_experiment
from jobs.records import DATA_ANALYSIS, RESULTS_FILE, FigureRequest
from jobs.states import ACTIVE, ExperimentStatus
from jobs.tracing import span
from worker.analyses import upload_analysis
from worker.context import WorkerContext
from worker.exports import Exports
from worker.hanging import ended_if_it_hangs
from worker.lean_memory import give_back
from worker.present_work import End, PresentWork

log = logging.getLogger(__name__)

KEPT_SECONDS: Final = 3600.0
"""What may change is drawn again: figures of an experiment that is not finished, and what is told of an upload.
So is what was asked for in a way of its own: there is no end to the ways."""

ERROR_SECONDS: Final = 30.0
"""After so long, somebody who asks again has it tried again."""


MISSING_SECONDS: Final = 2.0
"""Whoever waits hears of it; after a retry what is drawn has the same key."""


def draw_next(context: WorkerContext, exports: Exports | None = None) -> bool:
    """Draw the figure that was asked for first, if any was; keep it, or why it could not be drawn, under its key.

    Nothing is lost where a worker dies over it: whoever still wants the figure asks again. A file of results is begun
    among the `exports`, if there are any.
    """
    request = context.store.next_figure()
    if request is None:
        return False
    if request.figure == RESULTS_FILE:
        if exports is not None:
            exports.begin(request)
        return True
    if context.store.document(request.key) is not None:
        return True  # it was asked for again while it was drawn
    work = PresentWork.of_figure(request)
    with context.watch(work):
        work.end = _draw(context, request)
    return True


def _draw(context: WorkerContext, request: FigureRequest) -> End:
    try:
        with (
            span("draw", parent=request.traceparent, experiment_id=request.experiment_id, figure=request.figure),
            ended_if_it_hangs(context, f"experiment {request.experiment_id}, figure {request.figure}"),
        ):
            picture = _made(context, request)
        _keep(picture, context, request)
    except StoreUnavailable:
        raise
    except ResultsMissing as error:
        log.warning("experiment %s, figure %s: it is not drawn: %s", request.experiment_id, request.figure, error)
        context.store.put_document(figure_error_key(request.key), str(error).encode(), seconds=MISSING_SECONDS)
        return End.FAILED
    except Exception as error:
        log.exception("experiment %s, figure %s: it could not be drawn", request.experiment_id, request.figure)
        reason = f"{type(error).__name__}: {error}".encode()
        context.store.put_document(figure_error_key(request.key), reason, seconds=ERROR_SECONDS)
        return End.FAILED
    return End.DONE


def _keep(picture: bytes, context: WorkerContext, request: FigureRequest) -> None:
    """With the experiment, if it is finished and nothing is asked for: it goes with the last one that has had it drawn.

    Not for long where an analysis was missing: a retry makes it again, and what is drawn then has the same key.
    """
    store, seconds = context.store, KEPT_SECONDS
    with suppress(ExperimentNotFound):
        is_usual = request.figure != DATA_ANALYSIS and not request.options
        if is_usual and store.experiment(request.experiment_id).status not in ACTIVE:
            if not _lacks_analyses(context, request.experiment_id):
                store.keep_document(request.experiment_id, request.key, picture)
                return
            seconds = ERROR_SECONDS
    store.put_document(request.key, picture, seconds=seconds)


def _lacks_analyses(context: WorkerContext, experiment_id: str) -> bool:
    store = store_of_experiment(context.store, experiment_id)
    experiment, grid = (
        store.experiment(experiment_id),
        Grid(ExperimentSpec.model_validate_json(store.spec(experiment_id))),
    )
    is_whole = experiment.status is ExperimentStatus.SUCCEEDED
    return is_whole and len(kept_analyses(store, grid, experiment.numerics)) < grid.problems


def _made(context: WorkerContext, request: FigureRequest) -> bytes:
    if request.figure == DATA_ANALYSIS:
        return upload_analysis(context, request.experiment_id, request.transform)
    return draw_figure(context, request.experiment_id, request.figure, request.format, request.options)


def draw_figure(context: WorkerContext, experiment_id: str, name: str, form: str, options: str = "") -> bytes:
    """The bytes of a figure of the experiment as it stands, drawn as these options say."""
    # Matplotlib takes a second to import: only a worker that draws pays for it.
    from core.figures.draw import picture

    its = replace(context, store=store_of_experiment(context.store, experiment_id))
    try:
        return picture(FIGURES[name], stored_results(its, experiment_id), FigureOptions.from_text(options)).file(form)
    finally:
        # Figures are full of cycles, and large: those that nobody has collected yet would be most of this process.
        give_back()


def stored_results(context: WorkerContext, experiment_id: str) -> Results:
    """What is stored of the experiment; the arrays of a run are read when they are asked for.

    Raises:
        ResultsMissing: a run that was counted is not there.
    """
    experiment = context.store.experiment(experiment_id)
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(experiment_id)))
    whole_before = context.store.first_missing(experiment_id)
    kept = counted_summaries(context.store, experiment_id, range(len(grid)), whole_before=whole_before)

    def arrays(index: int) -> Mapping[str, np.ndarray] | None:
        run = context.store.run(experiment_id, index)
        if run is None and index < whole_before:
            raise ResultsMissing
        return None if run is None else unpack_arrays(run.arrays)

    def true_predictor(index: int) -> np.ndarray | None:
        # An upload that is gone takes nothing from the runs that were trained on it.
        with suppress(InvalidData):
            return dataset_of(grid.run(index).spec.data, uploads(context.store)).true_predictor
        return None

    return Results(
        grid=grid,
        summaries=[None if summary is None else decode_summary(summary) for summary in kept],
        analyses=kept_analyses(context.store, grid, experiment.numerics),
        name=experiment.name,
        arrays=arrays,
        true_predictor=true_predictor,
    )
