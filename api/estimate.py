"""What a spec would cost, answered from the spec and from what is stored of its data sets."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from api import datasets
from core.identity import analysis_key
from core.networks.network import network_of
from core.planning.cost import guessed_max_stable_step, kernel_cost
from core.planning.estimate import Foresight, ProblemFacts, estimate
from core.spec.experiment_spec import ExperimentSpec, InlineData, SparseRegression
from core.sweep.grid import Grid
from jobs.ports import Store
from jobs.settings import Settings

MOST_LOOKUPS: Final = 64
"""Problems whose analysis is looked for; beyond, a sparse regression is guessed at, as if it had none."""


class MaxStableSteps(BaseModel):
    """How many problems have a largest stable step size that is known, guessed at, or unknown."""

    model_config = ConfigDict(frozen=True)

    known: int = Field(description="From a stored analysis.")
    guessed: int = Field(description="From the parameters of a sparse regression.")
    unknown: int = Field(description="Step sizes given in numbers are then predicted to take the whole budget.")


class EstimateDocument(BaseModel):
    """What an experiment is predicted to cost, as if none of its runs were stored: right within a factor 2, mostly."""

    model_config = ConfigDict(frozen=True)

    runs: int
    problems: int = Field(description="Data sets with a network.")
    batches: int
    predicted_steps: int = Field(description="Of all runs together, searches and twins included.")
    predicted_seconds: float = Field(description="Of training, on one core; the analysis of data sets is not in it.")
    bytes: int = Field(description="What the store will keep of the runs.")
    max_stable_steps: MaxStableSteps


def estimated(spec: ExperimentSpec, *, store: Store, settings: Settings) -> EstimateDocument:
    """The estimate of a spec that has been found fit to be submitted."""
    grid = Grid(spec)
    found = estimate(grid, _problems(grid, store), kernel_cost(settings.kernel))
    return EstimateDocument(
        runs=found.runs,
        problems=found.problems,
        batches=found.batches,
        predicted_steps=round(found.predicted_steps),
        predicted_seconds=float(f"{found.predicted_seconds:.3g}"),
        bytes=round(found.bytes),
        max_stable_steps=MaxStableSteps(**found.max_stable_steps),
    )


def _problems(grid: Grid, store: Store) -> Counter[ProblemFacts]:
    """What is known of the problems of the grid, and of how many of them just that."""
    shape = _uploaded_shape(grid.spec, store)
    looked_for = min(grid.problems, MOST_LOOKUPS)
    found: Counter[ProblemFacts] = Counter()
    for number in range(looked_for):
        data, model = _numbers_of(grid, number)
        kept = store.document(analysis_key(grid.run(number * grid.runs_per_problem).problem_key))
        found[_guessed(data, model, shape) if kept is None else _known(json.loads(kept), model)] += 1
    for number, count in _alike(grid, looked_for):
        found[_guessed(*_numbers_of(grid, number), shape)] += count
    return found


def _alike(grid: Grid, start: int) -> Iterator[tuple[int, int]]:
    """One of the problems from `start` on of every kind, with how many there are: they differ by their seed alone."""
    axes = grid.problem_axes
    if start == grid.problems:
        return
    positions = np.unravel_index(np.arange(start, grid.problems), [len(axis.values) for axis in axes])
    kind = np.zeros(grid.problems - start, dtype=np.int64)
    for axis, position in zip(axes, positions, strict=True):
        if axis.field != "seed":
            kind = kind * len(axis.values) + position
    _, first, counts = np.unique(kind, return_index=True, return_counts=True)
    yield from zip((start + first).tolist(), counts.tolist(), strict=True)


def _numbers_of(grid: Grid, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers of data and model of a problem."""
    parts = {"data": _numbers(grid.spec.data), "model": _numbers(grid.spec.model)}
    remaining = grid.problems
    for axis in grid.problem_axes:
        remaining //= len(axis.values)
        parts[axis.part][axis.field] = axis.values[number // remaining % len(axis.values)]
    return parts["data"], parts["model"]


def _numbers(part: BaseModel) -> dict[str, Any]:
    return {field: value for field, value in part if isinstance(value, str | int | float)}


def _known(analysis: Mapping[str, Any], model: Mapping[str, Any]) -> ProblemFacts:
    return ProblemFacts(
        samples=analysis["samples"],
        dimension=analysis["dimension"],
        network=network_of(model),
        max_stable_step=analysis["max_stable_step"],
    )


def _guessed(data: Mapping[str, Any], model: Mapping[str, Any], shape: tuple[int, int] | None) -> ProblemFacts:
    """Facts of a problem that has not been analysed; of data of one's own no more is known than their `shape`."""
    network = network_of(model)
    if shape is not None:
        samples, dimension = shape
        return ProblemFacts(
            samples=samples,
            dimension=dimension,
            network=network,
            max_stable_step=None,
            foresight=Foresight.UNKNOWN,
        )
    step = guessed_max_stable_step(network, mean=data["mean"], variance=data["variance"], sparsity=data["sparsity"])
    return ProblemFacts(
        samples=data["samples"],
        dimension=data["dimension"],
        network=network,
        max_stable_step=step,
        foresight=Foresight.GUESSED,
    )


def _uploaded_shape(spec: ExperimentSpec, store: Store) -> tuple[int, int] | None:
    """Samples and dimension of data of one's own; None for those that are drawn."""
    match spec.data:
        case SparseRegression():
            return None
        case InlineData(X=X):
            return len(X), len(X[0])
        case uploaded:
            about = datasets.described(uploaded.id, store=store)
            return about.samples, about.dimension
