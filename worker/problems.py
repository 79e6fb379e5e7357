"""The job of several problems: analyse each, and train its runs, or leave those that take long to jobs of their own."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Final

from core.descent.kernel import chosen
from core.errors import StepbiasError
from core.experiment.plan import planned_batches
from core.experiment.run_batch import EndedRun
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.records import Claim, FinishedRun
from worker.batch import SECONDS_AT_ONCE, TrainingJob, commit, finished, trained_at_once
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat
from worker.planning import add_ordered, add_problems, analysis_for, seconds_of

STORED_TOGETHER: Final = 100
"""Runs that are stored in one call, of several problems."""


def train(claim: Claim, context: WorkerContext, heartbeat: Heartbeat) -> list[FinishedRun]:
    """Do the training job: of one batch, or of several problems.

    Returns:
        Runs that have ended and are not stored yet.

    Raises:
        Interrupted: the job must be given back.
        LeaseLost: somebody else has the job.
    """
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(claim.job.experiment_id)))
    if claim.job.payload.get("analyses"):
        return train_problems(claim, context, heartbeat, grid)
    return TrainingJob(claim, context, heartbeat, grid).finish()


def train_problems(claim: Claim, context: WorkerContext, heartbeat: Heartbeat, grid: Grid) -> list[FinishedRun]:
    """Analyse the problems of these runs one by one, and see to the runs of each.

    What an attempt failed in, or was lost with, is some problem's: the next leaves each to a job of its own, and the
    runs of one that fails again to jobs of theirs. None trains again what is stored.

    Raises:
        StepbiasError: the first error of a problem that cannot be trained; all others are seen to.
    """
    indices: Sequence[int] = claim.job.payload["indices"]
    groups = [list(group) for _, group in groupby(indices, lambda index: index // grid.runs_per_problem)]
    if len(groups) > 1 and claim.job.failures + claim.job.losses:
        heartbeat.once_there_is_room(partial(add_problems, claim, context, grid, groups))
        return []
    first, stop = indices[0], indices[-1] + 1
    # Those that another experiment, or an attempt before this one, has stored since the planning are counted by this.
    keys = [grid.run(index).key for index in range(first, stop)]
    missing = set(heartbeat.once_there_is_room(partial(context.store.set_run_keys, claim, first, keys)))
    waiting: list[EndedRun] = []
    errors: list[StepbiasError] = []
    for own in groups:
        fraction = (own[0] - first) / (stop - first)
        heartbeat.check(fraction)
        try:
            waiting += _problem(claim, context, heartbeat, grid, own, missing, fraction=fraction)
        except StepbiasError as error:
            errors.append(error)
        if len(waiting) >= STORED_TOGETHER:
            commit(claim, context, heartbeat, waiting)
            waiting = []
    if errors:
        commit(claim, context, heartbeat, waiting)
        raise errors[0]
    return finished(waiting)


def _problem(  # noqa: PLR0913, PLR0917 - a job, where it is done, and what is to be done
    claim: Claim,
    context: WorkerContext,
    heartbeat: Heartbeat,
    grid: Grid,
    own: Sequence[int],
    missing: set[int],
    *,
    fraction: float,
) -> list[EndedRun]:
    """Analyse a problem; those of its `own` runs, as far as they are `missing`, that end at once."""
    with heartbeat.being_patient():
        analysis = heartbeat.once_there_is_room(partial(analysis_for, claim, context, grid.problem_of(own[0])))
    planned = partial(planned_batches, grid, range(own[0], own[-1] + 1), analysis, chosen(context.settings.kernel))
    batches = planned(missing=own)
    if claim.job.failures or seconds_of(batches) > SECONDS_AT_ONCE:
        # Formed of all of them: another attempt forms the same.
        heartbeat.once_there_is_room(partial(add_ordered, claim, context, planned, own))
        return []
    found: list[EndedRun] = []
    for batch in batches:
        if wanted := [index for index in batch.indices if index in missing]:
            ended, left = trained_at_once(context, heartbeat, grid, wanted, fraction=fraction)
            found += ended
            if left:
                heartbeat.once_there_is_room(partial(add_ordered, claim, context, planned, left))
    return found
