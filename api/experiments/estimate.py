"""What a spec would cost, answered from the spec and from what is stored of its data sets."""

import math
from functools import partial
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from api.datasets import kept
from api.problems.request_errors import NothingHere, OverLimit
from api.readiness import lack_of
from core.identity import NUMERICS_VERSION
from core.planning.cost import kernel_cost
from core.planning.estimate import Estimate, estimate
from core.planning.problem_facts import facts_of_problems
from core.spec.experiment_spec import ExperimentSpec, UploadedData
from core.sweep.grid import Grid
from jobs.kept_documents import kept_analysis
from jobs.ports import Store
from jobs.records import Queue
from jobs.settings import Settings


class MaxStableSteps(BaseModel):
    """How many problems have a largest stable step size that is known, guessed at, or unknown."""

    model_config = ConfigDict(frozen=True)

    known: int = Field(description="From a stored analysis.")
    guessed: int = Field(
        description="From the parameters of a sparse regression, or from the least squares of data in the spec."
    )
    unknown: int = Field(description="Step sizes given in numbers are then predicted to take the whole budget.")


class WallTime(BaseModel):
    """How long the experiment is predicted to take with the workers that live at this moment."""

    model_config = ConfigDict(frozen=True)

    seconds: float | None = Field(
        description="If each process has a core of its own and nothing else waits; null where it is not known."
    )
    processes: int | None = Field(
        description="Of the workers that live and serve the batch queue; null where one does not say how many it has."
    )
    explanation: str = Field(description="With what this holds, or why it is not known, as a sentence.")

    @classmethod
    def with_workers_of(cls, store: Store, found: Estimate) -> Self:
        """By the workers that have registered in the store lately."""
        around = {queue: store.look_around(queue) for queue in Queue}
        own = [worker for worker in around[Queue.BATCH].workers if worker.numerics == NUMERICS_VERSION]
        told = [worker.processes for worker in own if worker.processes is not None]
        processes = sum(told) if len(told) == len(own) else None
        lacks = [lack for queue, here in around.items() if (lack := lack_of(queue, here)) is not None]
        if lacks:
            missing = f"Nothing would run now: {' and '.join(lacks)} is missing."
            return cls(seconds=None, processes=processes, explanation=missing)
        if not processes:
            return cls(seconds=None, processes=None, explanation="A worker does not say how many processes it has.")
        living = "the one process that lives" if processes == 1 else f"the {processes} processes that live"
        return cls(
            seconds=float(f"{found.wall_seconds(processes):.3g}"),
            processes=processes,
            explanation=f"With {living} now, each on a core of its own, if nothing else waits.",
        )


class EstimateDocument(BaseModel):
    """What an experiment is predicted to cost, as if none of its runs were stored: right within a factor 2, mostly."""

    model_config = ConfigDict(frozen=True)

    runs: int
    problems: int = Field(description="Data sets with a network.")
    batches: int
    predicted_steps: int = Field(
        description="Of all trainings of all runs, at most `max_steps` (or `steps`) each. A twin is a training "
        "of its own, for a part of the runs where `sensitivity` is auto, and a search has many."
    )
    predicted_seconds: float = Field(
        description="Of one core, to train all runs and to analyse those data sets that are not analysed yet."
    )
    wall_time: WallTime
    bytes: int = Field(description="What the store will keep of the runs.")
    memory_bytes: int = Field(
        description="Of the analysis or batch that takes most, in one process of a worker, beside what each takes."
    )
    max_stable_steps: MaxStableSteps

    @classmethod
    def of(cls, found: Estimate, *, store: Store) -> Self:
        """An estimate, and how long that takes the workers of the store."""
        return cls(
            runs=found.runs,
            problems=found.problems,
            batches=found.batches,
            predicted_steps=round(found.predicted_steps),
            predicted_seconds=float(f"{found.predicted_seconds:.3g}"),
            wall_time=WallTime.with_workers_of(store, found),
            bytes=round(found.bytes),
            memory_bytes=round(found.memory),
            max_stable_steps=MaxStableSteps(**found.max_stable_steps),
        )


def estimated(spec: ExperimentSpec, *, store: Store, settings: Settings) -> Estimate:
    """The estimate of a spec that has been found fit to be submitted."""
    grid = Grid(spec)
    facts = facts_of_problems(grid, partial(kept_analysis, store), _uploaded_shape(spec, store))
    return estimate(grid, facts, kernel_cost(settings.kernel, grid.run(0).optimizer))


def require_affordable(spec: ExperimentSpec, *, store: Store, settings: Settings) -> Estimate:
    """The estimate of a spec, if this deployment takes experiments of such a cost.

    Raises:
        OverLimit: it is predicted to take more time or memory, or to leave more behind; with the numbers.
    """
    found = estimated(spec, store=store, settings=settings)
    if found.predicted_seconds > settings.max_seconds:
        raise OverLimit(
            f"It is predicted to train for {found.predicted_seconds:.3g} s on one core, {found.runs} runs of up to "
            f"{spec.stopping.budget} steps; at most {settings.max_seconds:.3g} s are taken in one experiment."
        )
    # More than the store holds would fill it, and keep everybody waiting for room.
    most_bytes = min(settings.max_stored_bytes, store.gauges().memory_limit or math.inf)
    if found.bytes > most_bytes:
        raise OverLimit(
            f"It is predicted to leave {found.bytes / 1e9:.3g} GB in the store: {found.runs} runs with "
            f"{spec.recording.points} records; at most {most_bytes / 1e9:.3g} GB are taken."
        )
    most_memory = min(settings.max_memory_bytes, settings.process_memory_bytes or math.inf)
    if found.memory > most_memory:
        raise OverLimit(
            f"Its largest batch or analysis is predicted to take {found.memory / 1e9:.3g} GB of memory; at most "
            f"{most_memory / 1e9:.3g} GB are taken. It depends on samples and dimension, and on "
            f"the samples alone where steps draw noise or minibatches."
        )
    return found


def _uploaded_shape(spec: ExperimentSpec, store: Store) -> tuple[int, int] | None:
    """Samples and dimension of an upload; None for data that stand in the spec or are drawn."""
    if not isinstance(spec.data, UploadedData):
        return None
    try:
        about = kept.described(spec.data.id, store=store)
    except NothingHere:
        # Somebody has deleted it since it was looked for.
        raise kept.not_uploaded() from None
    return about.samples, about.dimension
