"""The drawing job: a figure of an experiment, from what is stored of it."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from core.experiment.dataset import dataset_of
from core.figures.layouts.catalogue import FIGURES
from core.figures.results import Results
from core.results.result import decode_summary, unpack_arrays
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.kept_documents import kept_analyses, uploads
from jobs.records import Claim
from worker.context import WorkerContext
from worker.pulse import Pulse

KEPT_SECONDS: Final = 30 * 86_400.0
"""Figures can be drawn again: a month after they were, they make room."""


def draw(claim: Claim, context: WorkerContext, pulse: Pulse) -> None:
    """Draw the figure that the job's payload names and keep it under the payload's key."""
    payload = claim.job.payload
    picture = draw_figure(context, claim.job.experiment_id, payload["figure"], payload["format"])
    pulse.check(1.0)
    context.store.put_document(payload["key"], picture, seconds=KEPT_SECONDS)


def draw_figure(context: WorkerContext, experiment_id: str, name: str, form: str) -> bytes:
    """The bytes of a figure of the experiment as it stands."""
    # Matplotlib takes a second to import: only a worker that draws pays for it.
    from core.figures.draw import draw
    from core.figures.render import render

    return render(draw(FIGURES[name], stored_results(context, experiment_id)), form)


def stored_results(context: WorkerContext, experiment_id: str) -> Results:
    """What is stored of the experiment; the arrays of a run are read when they are asked for."""
    experiment = context.store.experiment(experiment_id)
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(experiment_id)))
    kept = context.store.summaries(experiment_id, 0, len(grid))

    def arrays(index: int) -> Mapping[str, np.ndarray] | None:
        run = context.store.run(experiment_id, index)
        return None if run is None else unpack_arrays(run.arrays)

    def true_predictor(index: int) -> np.ndarray | None:
        return dataset_of(grid.run(index).spec.data, uploads(context.store)).true_predictor

    return Results(
        grid=grid,
        summaries=[None if summary is None else decode_summary(summary) for summary in kept],
        analyses=kept_analyses(context.store, grid),
        name=experiment.name,
        arrays=arrays,
        true_predictor=true_predictor,
    )
