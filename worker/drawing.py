"""The drawing job: a figure of an experiment, from what is stored of it."""

import json
from typing import Any, Final

from core.grid import Grid
from core.identity import analysis_key
from core.result import decode_summary
from core.spec import ExperimentSpec
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
    from core.figures.catalogue import FIGURES
    from core.figures.render import render

    experiment = context.store.experiment(experiment_id)
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(experiment_id)))
    kept = context.store.summaries(experiment_id, 0, len(grid))
    summaries = [None if summary is None else decode_summary(summary) for summary in kept]
    figure = FIGURES[name].draw(grid, summaries, analyses_of(context, grid), experiment.name)
    return render(figure, form)


def analyses_of(context: WorkerContext, grid: Grid) -> list[dict[str, Any] | None]:
    """The analysis of each data set of the grid, None where it has not been made yet."""
    keys = [grid.run(number * grid.runs_per_data_set).data_key for number in range(grid.data_sets)]
    kept = [context.store.document(analysis_key(key)) for key in keys]
    return [None if document is None else json.loads(document) for document in kept]
