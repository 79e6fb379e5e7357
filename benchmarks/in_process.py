"""The batches of an experiment planned, and trained, in this process: what the service does, without the service."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.memory import MemorySender, MemoryStore

from core.descent.kernel import one_thread
from core.experiment.dataset import dataset_of
from core.experiment.training_run import never_stable, training_run
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from core.training.batch_training import Training
from core.training.problem import Problem
from jobs.kept_documents import uploads
from jobs.ports import Store
from jobs.records import Claim, JobKind, Message, plan_job_id
from jobs.settings import Settings
from worker.analyses import ensure_analysis
from worker.context import WorkerContext
from worker.perform import perform


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """An experiment whose batches are known, and the seconds that planning took."""

    grid: Grid
    context: WorkerContext
    jobs: Sequence[Message]
    seconds: float


def planned(spec: ExperimentSpec, store: Store | None = None) -> Planned:
    """The experiment, submitted to a store (in memory, unless one is given) and planned by its planning job."""
    settings, sender = Settings(), MemorySender()
    context = WorkerContext(store=store or MemoryStore(settings), sender=sender, settings=settings, name="benchmark")
    grid = Grid(spec)
    submission = context.store.submit(
        spec=spec.canonical(), content_hash=spec.content_hash(), name=spec.name, tags=spec.tags, runs=len(grid)
    )
    start = time.perf_counter()
    perform(plan_job_id(submission.experiment.id), context)
    seconds = time.perf_counter() - start
    return Planned(grid=grid, context=context, jobs=_sent(sender), seconds=seconds)


def pure_training_seconds(spec: ExperimentSpec) -> float:
    """Sum of what every batch takes to be trained, one after the other: no store, no results, no checkpoints."""
    plan = planned(spec)
    with one_thread():
        return sum(_training_seconds(plan, claim) for claim in _claims(plan))


def _training_seconds(plan: Planned, claim: Claim) -> float:
    indices = claim.job.payload["indices"]
    problem = plan.grid.problem_of(indices[0])
    analysis = ensure_analysis(plan.context, problem)
    dataset = dataset_of(problem.data, uploads(plan.context.store))
    shared = Problem(dataset=dataset, network=problem.network, never_stable=never_stable(analysis))
    start = time.perf_counter()
    training = Training(shared, [training_run(plan.grid.run(index), analysis) for index in indices])
    while training.active:
        training.advance()
    return time.perf_counter() - start


def _claims(plan: Planned) -> list[Claim]:
    claims = [plan.context.store.claim(message.job_id, worker="benchmark") for message in plan.jobs]
    return [claim for claim in claims if claim is not None and claim.job.kind is JobKind.TRAIN]


def _sent(sender: MemorySender) -> list[Message]:
    sent = []
    while (message := sender.receive()) is not None:
        sent.append(message)
    return sent
