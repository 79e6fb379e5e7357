"""The planning job: analyse the data sets, expand the grid, pack the runs that are not stored yet into batches.

Of a grid with many problems it analyses none: that is left to jobs of several problems each, which all workers share
(`worker.problems`).
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Final, Protocol

from core.analysis.problem_analysis import ProblemAnalysis
from core.descent.kernel import chosen
from core.experiment.plan import planned_batches
from core.planning.batches import MOST_SECONDS, Batch
from core.planning.cost import analysis_seconds, kernel_cost
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import BLOCK as MOST_TOGETHER
from core.planning.run_table import batches_of, blocks
from core.spec.experiment_spec import ExperimentSpec, UploadedData
from core.sweep.grid import Grid, GridProblem
from jobs.document_keys import analysis_key, interpolators_key
from jobs.records import Claim, FinishedRun, NewJob, Order, Queue
from jobs.tracing import span
from worker.analyses import ensure_analysis, ensure_interpolators
from worker.batch import train_at_once
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat

log = logging.getLogger(__name__)

JOBS_PER_CALL: Final = 500
MOST_WOKEN: Final = 16
"""At once, by one plan; those who do not hear of it find the work themselves, within a round."""

INTERACTIVE_SECONDS: Final = 2.0
"""An experiment of less predicted work than this is trained from the queue that people wait for."""

SLICE_SECONDS: Final = 1.0
"""After so long of planning it is the turn of another experiment that waits to be planned."""


ALONE: Final = 8
"""So many problems are analysed by who plans them."""

TENTHS: Final = 10
GOLDEN_RATIO: Final = (1 + math.sqrt(5)) / 2


class Planned(Protocol):
    """The batches of some runs of one problem."""

    def __call__(self, *, missing: Sequence[int]) -> list[Batch]:
        """Of those that are `missing`."""
        ...


class TurnOver(Exception):
    """The job is to be given back, to go on when its turn comes again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """Runs with start ≤ index < stop, all of one problem; `missing` are those not stored when the block was begun."""

    start: int
    stop: int
    missing: Sequence[int] | None = None


def plan(claim: Claim, context: WorkerContext, heartbeat: Heartbeat) -> Sequence[FinishedRun]:
    """Do the planning job; every step may be repeated, by this attempt or the next, without harm. No run is left.

    Raises:
        TurnOver: the rest is for later; where to go on is kept.
    """
    grid = Grid(ExperimentSpec.model_validate_json(context.store.spec(claim.job.experiment_id)))
    turn_ends = context.clock() + SLICE_SECONDS
    plan_block = _share_block if _is_shared(grid) else _plan_block
    for number, block in enumerate(_blocks(grid, _begun(context.store.checkpoint(claim.job)))):
        # Not before the first: every turn must come to something.
        if number and context.clock() > turn_ends:
            heartbeat.once_there_is_room(partial(_keep, claim, context, block))
            raise TurnOver
        heartbeat.check(block.start / len(grid))
        plan_block(claim, context, heartbeat, grid, block)
    return ()


def _is_shared(grid: Grid) -> bool:
    """Whether the problems are analysed by several jobs. How long that takes of an upload is known when it is read."""
    is_small = grid.runs_per_problem <= MOST_TOGETHER
    return grid.problems > ALONE and is_small and not isinstance(grid.spec.data, UploadedData)


def _share_block(claim: Claim, context: WorkerContext, heartbeat: Heartbeat, grid: Grid, block: _Block) -> None:
    """Leave the runs of several problems that are not stored to one job, whose work is guessed."""
    if block.missing is None:
        block = replace(block, missing=heartbeat.once_there_is_room(partial(_missing, claim, context, grid, block)))
        heartbeat.once_there_is_room(partial(_keep, claim, context, block))
    if not block.missing:
        return
    rank = _rank_of_problem(claim, context, grid, block.start)
    work = len(block.missing) * _seconds_of_problem(grid, block.start) / grid.runs_per_problem
    job = _job(claim, Batch(indices=tuple(block.missing), work=work), Queue.BATCH, rank, analyses=True)
    heartbeat.once_there_is_room(partial(_record, claim, context, [job]))


def _rank_of_problem(claim: Claim, context: WorkerContext, grid: Grid, index: int) -> int:
    order = context.store.experiment(claim.job.experiment_id).wishes.order
    return 0 if order is Order.GRID else _tenth(index // grid.runs_per_problem)


def _seconds_of_problem(grid: Grid, first: int) -> float:
    """Of one core, to analyse the problem of this run and to train all of its runs, as guessed."""
    facts = ProblemFacts.guessed(grid.problem_of(first), None)
    seconds = analysis_seconds(entries=facts.samples * facts.dimension, degree=facts.network.degree)
    kernel = kernel_cost("auto", grid.run(first).optimizer)
    return seconds + seconds_of(batches_of(grid, range(first, first + grid.runs_per_problem), facts, kernel))


def _plan_block(claim: Claim, context: WorkerContext, heartbeat: Heartbeat, grid: Grid, block: _Block) -> None:
    with span("analyse"):
        analysis = heartbeat.once_there_is_room(partial(analysis_for, claim, context, grid.problem_of(block.start)))
    planned = partial(planned_batches, grid, range(block.start, block.stop), analysis, chosen(context.settings.kernel))
    is_whole = block.stop - block.start == len(grid)
    if block.missing is None:
        block = replace(block, missing=heartbeat.once_there_is_room(partial(_missing, claim, context, grid, block)))
        # An attempt before this one may have failed, or died, by what it trained: that is for jobs of their own.
        is_tiny = is_whole and seconds_of(planned(missing=block.missing)) < context.tiny_seconds
        if is_tiny and claim.job.attempt == 1:
            missing = train_at_once(claim, context, heartbeat, grid, block.missing or ())
            block = replace(block, missing=missing)
        # Before any batch is formed of them. An attempt that asked again would miss what the first batches have stored
        # meanwhile, form other batches of the rest, and have it trained twice.
        if block.missing or not is_whole:
            heartbeat.once_there_is_room(partial(_keep, claim, context, block))
    if not block.missing:
        return
    add = partial(add_ordered, claim, context, planned, block.missing, whole_grid=is_whole)
    heartbeat.once_there_is_room(add)


def add_ordered(
    claim: Claim, context: WorkerContext, planned: Planned, missing: Sequence[int], *, whole_grid: bool = False
) -> None:
    """Record the jobs of the batches that are `planned` of these runs, in the order in which the experiment is done."""
    order = context.store.experiment(claim.job.experiment_id).wishes.order
    batches = [(rank, batch) for rank, part in enumerate(_in_order(order, missing)) for batch in planned(missing=part)]
    _add(claim, context, batches, whole_grid=whole_grid)


def add_problems(claim: Claim, context: WorkerContext, grid: Grid, problems: Sequence[Sequence[int]]) -> None:
    """Record a job for each of these problems, of so many of its runs."""
    work = claim.job.work / len(problems)
    batches = [Batch(indices=tuple(own), work=work) for own in problems]
    ranks = [_rank_of_problem(claim, context, grid, own[0]) for own in problems]
    jobs = [
        _job(claim, batch, claim.job.queue, rank, analyses=True) for batch, rank in zip(batches, ranks, strict=True)
    ]
    _record(claim, context, jobs)


def seconds_of(batches: Iterable[Batch]) -> float:
    """The seconds of one core that batches are predicted to take."""
    return sum(batch.work for batch in batches)


def _in_order(order: Order, indices: Sequence[int]) -> list[Sequence[int]]:
    """Runs that are done one part after another: all at once, or by tenths, each of which is spread over the grid.

    Those of tenth k have a fractional part of index·φ in [k/10, (k + 1)/10), φ the golden ratio: no sequence spreads
    its beginnings more evenly (Kronecker; Niederreiter 1992, section 3.1).
    """
    if order is Order.GRID:
        return [indices]
    tenths: list[list[int]] = [[] for _ in range(TENTHS)]
    for index in indices:
        tenths[_tenth(index)].append(index)
    return list(tenths)


def _tenth(index: int) -> int:
    return int(TENTHS * (index * GOLDEN_RATIO % 1.0))


def analysis_for(claim: Claim, context: WorkerContext, problem: GridProblem) -> ProblemAnalysis:
    """The analysis of a problem, which is kept, with its interpolators, for as long as the experiment is."""
    context.store.use_documents(claim, [analysis_key(problem.key), interpolators_key(problem.key)])
    ensure_interpolators(context, problem)
    return ensure_analysis(context, problem)


def _missing(claim: Claim, context: WorkerContext, grid: Grid, block: _Block) -> Sequence[int]:
    """The runs of the block that are not stored; the keys of all of them are recorded."""
    with span("keys"):
        keys = [grid.run(index).key for index in range(block.start, block.stop)]
        return list(context.store.set_run_keys(claim, block.start, keys))


def _keep(claim: Claim, context: WorkerContext, block: _Block) -> None:
    """Remember that this block is to be planned next."""
    context.store.save_checkpoint(claim, json.dumps(asdict(block)).encode())


def _begun(checkpoint: bytes | None) -> _Block | None:
    """The block that an earlier attempt had come to."""
    if checkpoint is None:
        return None
    try:
        return _Block(**json.loads(checkpoint))
    except (TypeError, ValueError):
        log.warning("a checkpoint of planning is of another form; planning begins again")
        return None


def _blocks(grid: Grid, begun: _Block | None) -> Iterator[_Block]:
    """The block that an earlier attempt had begun, then the rest of the grid.

    None straddles problems, but for those that are shared: they are of whole problems.
    """
    start = 0
    if begun is not None:
        yield begun
        start = begun.stop
    yield from (_Block(start=block.start, stop=block.stop) for block in _groups(grid, start))


def _groups(grid: Grid, start: int) -> Iterator[range]:
    if not _is_shared(grid):
        yield from blocks(grid, start)
        return
    size = grid.runs_per_problem
    while start < len(grid):
        problems = max(1, min(int(MOST_SECONDS / _seconds_of_problem(grid, start)), MOST_TOGETHER // size))
        stop = min(start + problems * size, len(grid))
        yield range(start, stop)
        start = stop


def _add(claim: Claim, context: WorkerContext, batches: Sequence[tuple[int, Batch]], *, whole_grid: bool) -> None:
    """Record the jobs of the batches, each with its rank; the workers see that there is work."""
    seconds = sum(batch.work for _, batch in batches)
    queue = Queue.INTERACTIVE if whole_grid and seconds < INTERACTIVE_SECONDS else Queue.BATCH
    jobs = [_job(claim, batch, queue, rank) for rank, batch in batches]
    _record(claim, context, jobs)


def _record(claim: Claim, context: WorkerContext, jobs: Sequence[NewJob]) -> None:
    """Record jobs of one queue, and wake those who may take them: their own look comes once in a round."""
    for start in range(0, len(jobs), JOBS_PER_CALL):
        with span("add"):
            context.store.add_jobs(claim, jobs[start : start + JOBS_PER_CALL])
        if start == 0:
            with span("ring"):
                context.ring(jobs[0].queue, min(len(jobs), MOST_WOKEN))


def _job(claim: Claim, batch: Batch, queue: Queue, rank: int, *, analyses: bool = False) -> NewJob:
    # A batch of all runs that are left to a job is another job.
    what = [*batch.indices, *(["analyses"] if analyses else [])]
    members = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
    # Beside the planning job: an experiment that is planned anew has jobs of its own.
    return NewJob(
        id=f"{_before_number(claim.job.id)}{batch.indices[0]}-{members}",
        queue=queue,
        payload={"indices": list(batch.indices)} | ({"analyses": True} if analyses else {}),
        work=batch.work,
        rank=rank,
    )


def _before_number(job_id: str) -> str:
    """The part of an id that all jobs of a plan have in common, up to its last dot."""
    return job_id[: job_id.rindex(".") + 1]
