"""The planning job: analyse the data sets, expand the grid, pack the runs that are not stored yet into batches."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core.analysis.analysis import analysed_problem
from core.array_block import pack_arrays
from core.descent.kernel import chosen
from core.errors import NoInterpolator
from core.identity import analysis_key, interpolators_key
from core.planning.batches import Batch, form_batches
from core.planning.cost import KernelCost, kernel_cost
from core.planning.estimate import BLOCK, ProblemFacts, RunTable, lanes_of
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid, Run
from jobs.errors import StoreUnavailable
from jobs.records import Claim, JobKind, Message, NewJob, Queue
from worker.context import WorkerContext
from worker.datasets import load
from worker.pulse import Pulse

JOBS_PER_CALL: Final = 500
INTERACTIVE_SECONDS: Final = 2.0
"""An experiment of less predicted work than this is trained from the queue that people wait for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """Runs with start ≤ index < stop, all of one problem; `missing` are those not stored when the block was begun."""

    start: int
    stop: int
    missing: Sequence[int] | None = None


def plan(claim: Claim, context: WorkerContext, pulse: Pulse) -> None:
    """Do the planning job; every step may be repeated, by this attempt or the next, without harm."""
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(claim.job.experiment_id)))
    kept = context.store.checkpoint(claim.job.id)
    begun = None if kept is None else _Block(**json.loads(kept))
    for block in _blocks(grid, begun):
        pulse.check(block.start / len(grid))
        _plan_block(claim, context, grid, block)


def _plan_block(claim: Claim, context: WorkerContext, grid: Grid, block: _Block) -> None:
    runs = [grid.run(index) for index in range(block.start, block.stop)]
    ensure_interpolators(context, runs[0])
    analysis = ensure_analysis(context, runs[0])
    missing = _begin(claim, context, block, runs) if block.missing is None else block.missing
    resolved_step_size(runs[0], analysis)  # raises where the spec has no meaning
    batches = _batches(grid, missing, facts_of(runs[0], analysis), kernel_cost(chosen(context.settings.kernel)))
    _add(claim, context, batches, whole_grid=len(runs) == len(grid))


def _begin(claim: Claim, context: WorkerContext, block: _Block, runs: Sequence[Run]) -> Sequence[int]:
    """The runs of the block that are not stored, kept before any batch is formed of them.

    An attempt that asked again would miss what the first batches have stored meanwhile, form other batches of the rest,
    and have it trained twice.
    """
    missing = list(context.store.set_run_keys(claim, block.start, [run.key for run in runs]))
    begun = {"start": block.start, "stop": block.stop, "missing": missing}
    context.store.save_checkpoint(claim, json.dumps(begun).encode())
    return missing


def ensure_interpolators(context: WorkerContext, run: Run) -> None:
    """Keep the reference interpolators of the run's problem, unless they are: an analysis may have come without them.

    Raises:
        InvalidData: the data are no regression problem.
    """
    if context.store.document(interpolators_key(run.problem_key)) is None:
        _analyse(context, run)


def ensure_analysis(context: WorkerContext, run: Run) -> dict[str, Any]:
    """The analysis of the run's problem: from the store, or made now and kept there.

    Raises:
        InvalidData: the data are no regression problem.
    """
    key = analysis_key(run.problem_key)
    kept = context.store.document(key)
    if kept is None:
        _analyse(context, run)
        # Another planner, with other last bits, may have been first: all batches take the analysis that is kept.
        kept = context.store.document(key)
    if kept is None:
        raise StoreUnavailable("an analysis that was kept is gone")
    analysis: dict[str, Any] = json.loads(kept)
    return analysis


def _analyse(context: WorkerContext, run: Run) -> None:
    """Analyse the run's problem, and keep what is found where nobody has been first."""
    made = analysed_problem(load(context.store, run.document["data"]), run.network, run.data_key)
    # The arrays first: where an analysis of this version is found, they are.
    context.store.put_document(interpolators_key(run.problem_key), pack_arrays(made.interpolators))
    context.store.put_document(analysis_key(run.problem_key), json.dumps(made.document, allow_nan=False).encode())


def resolved_step_size(run: Run, analysis: dict[str, Any]) -> float:
    """η of a run, also where the spec gives it as a fraction of the largest stable step.

    Where the largest convergent step is looked for, the largest stable one.

    Raises:
        NoInterpolator: no step size is known to be stable, so nothing can be a multiple of the largest.
    """
    max_stable_step = analysis["max_stable_step"]
    if run.step_size is None and max_stable_step is None:
        form = "fractions_of_max_stable" if run.step_bracket is None else "largest_convergent"
        reason = analysis["no_interpolator"] or "every step size is stable"
        raise NoInterpolator(f"{form} has no meaning for this data set: {reason}")
    return run.resolved_step_size(max_stable_step)


def lanes(run: Run) -> int:
    """What a run is trained in at a time: the probes of a search, a run and its twin, or the run alone."""
    return lanes_of(searches=run.step_bracket is not None, sensitivity=bool(run.document["recording"]["sensitivity"]))


def facts_of(run: Run, analysis: dict[str, Any]) -> ProblemFacts:
    """What the cost of the run's problem depends on."""
    return ProblemFacts(
        samples=analysis["samples"],
        dimension=analysis["dimension"],
        network=run.network,
        max_stable_step=analysis["max_stable_step"],
    )


def _blocks(grid: Grid, begun: _Block | None) -> Iterator[_Block]:
    """The block that an earlier attempt had begun, then the rest of the grid; no block straddles problems."""
    start = 0
    if begun is not None:
        yield begun
        start = begun.stop
    while start < len(grid):
        problem_end = (start // grid.runs_per_problem + 1) * grid.runs_per_problem
        stop = min(start + BLOCK, problem_end)
        yield _Block(start=start, stop=stop)
        start = stop


def _batches(grid: Grid, indices: Sequence[int], facts: ProblemFacts, kernel: KernelCost) -> list[Batch]:
    offsets = np.asarray(indices, dtype=np.int64) % grid.runs_per_problem
    return form_batches(indices, RunTable.of(grid, offsets).forecast(facts).load, kernel)


def _add(claim: Claim, context: WorkerContext, batches: Sequence[Batch], *, whole_grid: bool) -> None:
    """Record the batches' jobs, then announce them; what is not announced, the janitor will."""
    seconds = sum(batch.work for batch in batches)
    queue = Queue.INTERACTIVE if whole_grid and seconds < INTERACTIVE_SECONDS else Queue.BATCH
    jobs = [_job(claim.job.experiment_id, batch, queue) for batch in batches]
    for start in range(0, len(jobs), JOBS_PER_CALL):
        chunk = jobs[start : start + JOBS_PER_CALL]
        context.store.add_jobs(claim, chunk)
        context.sender.send(Message(job_id=job.id, queue=job.queue) for job in chunk)


def _job(experiment_id: str, batch: Batch, queue: Queue) -> NewJob:
    members = hashlib.sha256(json.dumps(batch.indices).encode()).hexdigest()[:16]
    return NewJob(
        id=f"{experiment_id}.{batch.indices[0]}-{members}",
        kind=JobKind.TRAIN,
        queue=queue,
        payload={"indices": list(batch.indices)},
        work=batch.work,
    )
