"""An experiment planned, and trained, in this process or in several: what the service does, without the service."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.data.regression import Dataset
from core.descent.kernel import chosen, one_thread
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.plan import planned_batches
from core.experiment.training_run import never_stable, training_run
from core.planning.run_table import blocks
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from core.training.batch_training import Training
from core.training.problem import Problem
from jobs.ports import Store
from jobs.records import JobKind, Queue
from jobs.settings import Settings
from jobs.states import ExperimentStatus
from worker.context import WorkerContext
from worker.perform import perform

READY_SECONDS: Final = 120.0
"""In which every process has analysed the data."""


def planning_seconds(spec: ExperimentSpec, store: Store) -> float:
    """What the planning job of the experiment takes, slice by slice, on this store."""
    context = WorkerContext(store=store, settings=Settings(), name="benchmark")
    runs = len(Grid(spec))
    submission = store.submit(
        spec=spec.canonical(), content_hash=spec.content_hash(), name=spec.name, tags=spec.tags, runs=runs
    )
    seconds = 0.0
    while store.experiment(submission.experiment.id).status is ExperimentStatus.PLANNING:
        claim = store.claim(Queue.INTERACTIVE, worker=context.name)
        if claim is None:
            raise RuntimeError("the planning job is not to be had")
        start = time.perf_counter()
        perform(claim, context)
        seconds += (time.perf_counter() - start) * (claim.job.kind is JobKind.PLAN)
    return seconds


def pure_training_seconds(spec: ExperimentSpec) -> float:
    """Sum of what every batch takes to be trained, one after the other: no store, no results, no checkpoints."""
    grid = Grid(spec)
    with one_thread():
        return sum(_training_seconds(grid, *batch) for batch in batches(grid))


def batches(grid: Grid) -> Iterator[tuple[Dataset, ProblemAnalysis, Sequence[int]]]:
    """The batches that the service would form: their data, what is known of them, and the indices of their runs."""
    for block in blocks(grid):
        problem = grid.problem_of(block.start)
        dataset = dataset_of(problem.data, no_uploads)
        analysis = analyse_problem(dataset, problem.network, problem.data_key).analysis
        for batch in planned_batches(grid, block, analysis, chosen("auto")):
            yield dataset, analysis, batch.indices


def side_by_side_seconds(spec: ExperimentSpec, processes: int) -> float:
    """What plain processes take side by side to train the same batches, each the next one that none has begun.

    That is from when all are ready to when the last one is done. They share what cores share: memory, caches, power.

    Raises:
        RuntimeError: one of them has failed.
    """
    spawned = multiprocessing.get_context("spawn")
    batches_begun, ready, taken = spawned.Value("i", 0), spawned.Barrier(processes), spawned.SimpleQueue()
    shares = [
        spawned.Process(target=_train_share, args=(spec.canonical(), batches_begun, ready, taken))
        for _ in range(processes)
    ]
    for share in shares:
        share.start()
    for share in shares:
        share.join()
    if any(share.exitcode for share in shares):
        raise RuntimeError("a process that trained has failed")
    return max(float(taken.get()) for _ in shares)


def _train_share(spec: bytes, batches_begun: Any, ready: Any, taken: Any) -> None:
    grid = Grid(ExperimentSpec.model_validate_json(spec))
    prepared = list(batches(grid))
    with one_thread():
        ready.wait(READY_SECONDS)
        start = time.perf_counter()
        while True:
            with batches_begun.get_lock():
                number = batches_begun.value
                batches_begun.value += 1
            if number >= len(prepared):
                break
            _training_seconds(grid, *prepared[number])
        taken.put(time.perf_counter() - start)


def _training_seconds(grid: Grid, dataset: Dataset, analysis: ProblemAnalysis, indices: Sequence[int]) -> float:
    network = grid.problem_of(indices[0]).network
    shared = Problem(dataset=dataset, network=network, never_stable=never_stable(analysis))
    start = time.perf_counter()
    training = Training(shared, [training_run(grid.run(index), analysis) for index in indices])
    while training.active:
        training.advance()
    return time.perf_counter() - start
