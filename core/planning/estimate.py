"""What an experiment will cost, from its grid alone, before anything is analysed or trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.optimizers import Minibatch
from core.networks.network import Network
from core.planning.batches import Load, form_batches
from core.planning.cost import (
    Course,
    KernelCost,
    drawing_seconds,
    overhead_seconds,
    predicted_records,
    predicted_steps,
    stored_bytes,
)
from core.spec.experiment_spec import Finish
from core.stability.step_bracket import PROBES, likely_fractions
from core.sweep.grid import STEP_SIZE_FRACTION, Grid

BLOCK: Final = 4096
"""Runs that are planned in one go, all of one problem; no batch goes beyond a block."""

Runs = Float64[np.ndarray, " run"]


class Foresight(StrEnum):
    """How far the largest stable step of a problem is known beforehand."""

    KNOWN = "known"
    GUESSED = "guessed"
    UNKNOWN = "unknown"


MOST_KINDS: Final = 256
"""Most different facts of problems that an estimate works out: it is right within a factor 2 at best, mostly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemFacts:
    """What is known of a problem; `max_stable_step` is None where there is none or none is known."""

    samples: int
    dimension: int
    network: Network
    max_stable_step: float | None
    foresight: Foresight = Foresight.KNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What is predicted of an experiment, as if none of its runs were stored yet.

    `predicted_steps` are those of all trainings of all runs, `predicted_seconds` those of one core.
    `max_stable_steps` counts the problems by how far their largest stable step is known.
    """

    runs: int
    problems: int
    batches: int
    predicted_steps: float
    predicted_seconds: float
    bytes: float
    max_stable_steps: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """The load of some runs of one problem, and the bytes that will be kept of each."""

    load: Load
    bytes: Runs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunTable:
    """What the cost of runs of one problem depends on, a column for each number that may be swept.

    `fraction` is η over the η* of each run's optimiser where the spec says so, else `step_size` is η; in a search
    neither is, and `rounds` are the fractions that its rounds take longest at.
    """

    init_scale: Runs
    step_size: Runs | None
    fraction: Runs | None
    rounds: tuple[float, ...]
    trainings: int
    lanes: int
    warmup_steps: Runs
    noise_steps: Runs
    momentum: Runs
    loss_tolerance: float
    max_steps: int
    completes: bool
    draws_batches: bool
    points: int

    @classmethod
    def of(cls, grid: Grid, offsets: Int64[np.ndarray, " run"]) -> Self:
        """The runs of any one problem of the grid that have these places among its runs."""
        columns = _columns(grid, offsets)
        first, stopping, recording = grid.run(0), grid.spec.stopping, grid.spec.recording
        step_size = columns.get("step_size")
        rounds: list[float] = []
        if first.step_bracket is not None:
            rounds = likely_fractions(**first.step_bracket)
            rounds += rounds[-1:] if recording.sensitivity else []
        ones = np.ones(len(offsets))
        return cls(
            init_scale=columns["scale"],
            step_size=None if rounds else step_size,
            fraction=columns.get(STEP_SIZE_FRACTION),
            rounds=tuple(rounds),
            trainings=max(len(rounds), 1),
            lanes=lanes_of(searches=bool(rounds), sensitivity=recording.sensitivity),
            warmup_steps=columns["warmup_steps"],
            noise_steps=columns.get("noise_steps", 0 * ones),
            momentum=columns.get("momentum", 0 * ones),
            loss_tolerance=stopping.loss_tolerance,
            max_steps=stopping.max_steps,
            completes=stopping.finish is Finish.AUTO and first.optimizer.ends_as_descent,
            draws_batches=isinstance(first.optimizer, Minibatch),
            points=recording.points,
        )

    def forecast(self, facts: ProblemFacts) -> Forecast:
        """What these runs will take on the problem."""
        steps = self.steps(facts)
        each = steps / self.trainings
        records = predicted_records(each, points=self.points, max_steps=self.max_steps)
        entries = facts.samples * facts.dimension
        drawing = drawing_seconds(each if self.draws_batches else np.minimum(each, self.noise_steps), facts.samples)
        overhead = (overhead_seconds(records, entries) + drawing) * (self.lanes * self.trainings)
        return Forecast(
            load=Load(steps=steps, overhead=overhead, entries=entries, dimension=facts.dimension, lanes=self.lanes),
            bytes=stored_bytes(records, dimension=facts.dimension, parts=len(facts.network.parts)),
        )

    def steps(self, facts: ProblemFacts) -> Runs:
        """The predicted steps of every run in one lane, those of all its trainings one after another."""
        return np.asarray(np.sum([self._steps(fraction, facts) for fraction in self._fractions(facts)], axis=0))

    def _fractions(self, facts: ProblemFacts) -> Sequence[Runs]:
        """η over η* of every run, once for each training."""
        if self.rounds:
            return [np.full(len(self.init_scale), fraction) for fraction in self.rounds]
        if self.step_size is None:
            return [self.init_scale * np.nan if self.fraction is None else self.fraction]
        largest = np.nan if facts.max_stable_step is None else facts.max_stable_step
        return [self.step_size / (largest * (1 + self.momentum))]

    def _steps(self, fraction: Runs, facts: ProblemFacts) -> Runs:
        course = Course(
            init_scale=self.init_scale,
            fraction=fraction,
            warmup_steps=self.warmup_steps,
            settled_from=np.maximum(self.warmup_steps, self.noise_steps),
            momentum=self.momentum,
            degree=facts.network.degree,
            loss_tolerance=self.loss_tolerance,
            max_steps=self.max_steps,
            completes=self.completes,
        )
        return predicted_steps(course)


def lanes_of(*, searches: bool, sensitivity: bool) -> int:
    """What a run is trained in at a time: the probes of a search, a run and its twin, or the run alone."""
    if searches:
        return PROBES
    return 2 if sensitivity else 1


def estimate(grid: Grid, problems: Mapping[ProblemFacts, int], kernel: KernelCost) -> Estimate:
    """What the grid will cost, given how many of its problems have which facts.

    The time this takes grows with the number of runs of one problem, and with that of different facts, of which
    `MOST_KINDS` at most are worked out, evenly spread; they stand for the others.
    """
    size = grid.runs_per_problem
    blocks = [np.arange(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
    tables = [RunTable.of(grid, block) for block in blocks]

    known = dict.fromkeys((str(foresight) for foresight in Foresight), 0)
    for facts, count in problems.items():
        known[facts.foresight] += count
    batches, steps, seconds, kept = 0.0, 0.0, 0.0, 0.0
    for facts, weight in _representative(problems):
        for block, table in zip(blocks, tables, strict=True):
            forecast = table.forecast(facts)
            formed = form_batches(block.tolist(), forecast.load, kernel)
            batches += weight * len(formed)
            steps += weight * table.lanes * float(forecast.load.steps.sum())
            seconds += weight * sum(batch.work for batch in formed)
            kept += weight * float(forecast.bytes.sum())
    return Estimate(
        runs=len(grid),
        problems=grid.problems,
        batches=round(batches),
        predicted_steps=steps,
        predicted_seconds=seconds,
        bytes=kept,
        max_stable_steps=known,
    )


def _representative(problems: Mapping[ProblemFacts, int]) -> list[tuple[ProblemFacts, float]]:
    """Facts with the number of problems that they stand for."""
    kinds = list(problems.items())
    if len(kinds) <= MOST_KINDS:
        return [(facts, float(count)) for facts, count in kinds]
    chosen = [kinds[place * len(kinds) // MOST_KINDS] for place in range(MOST_KINDS)]
    share = sum(problems.values()) / sum(count for _, count in chosen)
    return [(facts, count * share) for facts, count in chosen]


def _columns(grid: Grid, offsets: Int64[np.ndarray, " run"]) -> dict[str, Runs]:
    """The numbers of the initialisation and the optimiser by field, fractions by the name of their axis."""
    spec: Any = grid.spec
    swept = [axis for axis in grid.axes if axis not in grid.problem_axes]
    shape = tuple(len(axis.values) for axis in swept)
    positions = np.unravel_index(offsets, shape) if shape else ()
    columns = {
        field: np.full(len(offsets), float(value))
        for part in (spec.initialization, spec.optimizer)
        for field, value in part
        if isinstance(value, int | float)
    }
    for axis, position in zip(swept, positions, strict=True):
        name = axis.name if axis.name == STEP_SIZE_FRACTION else axis.field
        # Both parts have a seed, which costs nothing either way.
        columns[name] = np.asarray(axis.values, dtype=np.float64)[position]
    return columns
