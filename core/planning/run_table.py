"""Runs of one problem as columns: what their costs depend on, and which of them are trained together."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.completion.stride_cost import steps_worth_strides
from core.descent.gradient_noise import BLOCK as BLOCK_OF_NOISE
from core.descent.optimizers import Optimizer
from core.planning.batches import Batch, RunCosts, form_batches
from core.planning.cost import (
    CostInputs,
    KernelCost,
    attempts,
    blown_up_after,
    completion_seconds,
    cycling_steps,
    drawing_seconds,
    moment_seconds,
    overhead_seconds,
    predicted_records,
    predicted_steps,
    stored_bytes,
)
from core.planning.problem_facts import ProblemFacts
from core.spec.optimizers import EFFECTIVE_STEP_SIZE, RELATIVE_AXES, STEP_SIZE_FRACTION, StepUnit
from core.spec.run_spec import PlainInitialization, PlainParameters, PlainVector
from core.stability.step_bracket import PROBES, likely_fractions
from core.sweep.grid import Grid
from core.training.loss_checks import LONGEST_CHUNK

BLOCK: Final = 4096
"""Runs that are planned in one go, all of one problem; no batch goes beyond a block."""

LIKELY_TWINS: Final = 3 / 8
"""Steps of the twins that runs of gradient descent ask for by their path, as a part of their own: as in Figure 1.

Of other optimisers no run is smooth, and each has a twin that goes on to its end.
"""

Runs = Float64[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """The costs of some runs of one problem, and the bytes that will be kept of each."""

    costs: RunCosts
    bytes: Runs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunTable:
    """What the cost of runs of one problem depends on, a column for each number that may be swept.

    `fraction` is η over the η* of each run's optimiser where the spec says so, `multiple` η over another unit of step
    sizes, else `step_size` is η; in a search none is, and `rounds` are the fractions that its rounds take longest at.
    `trainings` is how many there are one after another, on average, `lanes` how many at a time, the probes of a search.
    `relative_limit` is that η* in units of the one of gradient descent. From `steady_from` on steps are alike, of
    `end_factor` times η; `lasting_decay` is λ where it goes on for ever, else 0.
    """

    init_scale: Runs
    step_size: Runs | None
    fraction: Runs | None
    multiple: Runs | None
    rounds: tuple[float, ...]
    trainings: Runs
    lanes: int
    warmup_steps: Runs
    noise_steps: Runs
    momentum: Runs
    relative_limit: Runs
    loss_tolerance: float
    max_steps: int
    takes_all_steps: bool
    completes: bool
    strides: bool
    optimizers: Sequence[Optimizer]
    draws_batches: bool
    batch_size: Runs | None
    rho: Runs | float
    looks_ahead: bool
    keeps_ascent: bool
    points: int
    steady_from: Runs
    end_factor: Runs
    lasting_decay: Runs
    vectors: int = 0

    @classmethod
    def of(cls, grid: Grid, offsets: Int64[np.ndarray, " run"]) -> Self:
        """The runs of any one problem of the grid that have these places among its runs."""
        columns = _columns(grid, offsets)
        first, stopping, recording = grid.run(0), grid.spec.stopping, grid.spec.recording
        step_size = columns.get("step_size")
        rounds: list[float] = []
        if (bracket := first.step_bracket) is not None:
            rounds = likely_fractions(lower=bracket.lower, upper=bracket.upper, resolution=bracket.resolution)
            rounds += rounds[-1:] if recording.sensitivity else []
        ascent = first.optimizer.ascent
        optimizers = _optimizers(first.optimizer, columns, len(offsets))
        completes = stopping.completes and first.optimizer.is_completable
        twins = [LIKELY_TWINS if optimizer.in_effect.follows_gradient else 1.0 for optimizer in optimizers]
        if EFFECTIVE_STEP_SIZE in columns:
            kept = np.array([optimizer.momentum for optimizer in optimizers])
            step_size = columns[EFFECTIVE_STEP_SIZE] * np.square(1 - kept)
        follow = np.array(twins) * (recording.sensitivity == "auto") + (recording.sensitivity is True)
        return cls(
            init_scale=columns["scale"] * _entry_size(first.spec.initialization, columns),
            step_size=None if rounds else step_size,
            fraction=columns.get(STEP_SIZE_FRACTION),
            multiple=next((columns[unit.axis] for unit in StepUnit if unit.axis in columns), None),
            rounds=tuple(rounds),
            trainings=np.maximum(len(rounds), 1 + follow),
            lanes=PROBES if rounds else 1,
            warmup_steps=columns["warmup_steps"],
            noise_steps=np.array([optimizer.noise_steps for optimizer in optimizers], dtype=np.float64),
            momentum=np.array([optimizer.momentum for optimizer in optimizers]),
            relative_limit=np.array([optimizer.stability_limit / 2 for optimizer in optimizers]),
            loss_tolerance=stopping.loss_tolerance,
            max_steps=stopping.budget,
            takes_all_steps=stopping.steps is not None,
            completes=completes,
            strides=completes and not stopping.wants_proof,
            optimizers=optimizers,
            draws_batches=first.optimizer.draws_batches,
            batch_size=columns.get("batch_size"),
            rho=0.0 if ascent is None or ascent.normalized else columns["rho"],
            looks_ahead=first.optimizer.looks_ahead,
            keeps_ascent=ascent is not None and ascent.normalized,
            points=recording.records,
            vectors=len(recording.vectors),
            **_steadiness(grid, columns, len(offsets)),
        )

    @classmethod
    def at(cls, grid: Grid, indices: Sequence[int]) -> Self:
        """The runs of the grid at these indices, all of one problem."""
        return cls.of(grid, np.asarray(indices, dtype=np.int64) % grid.runs_per_problem)

    def forecast(self, facts: ProblemFacts) -> Forecast:
        """What these runs will take on the problem."""
        steps = self.steps(facts)
        each = steps / self.trainings
        records = predicted_records(each, points=self.points, max_steps=self.max_steps)
        entries = facts.samples * facts.dimension
        on_parameters = self.optimizers[0].perturbs_parameters
        drawn = len(facts.network.parts) * facts.dimension if on_parameters else facts.samples
        noisy = each if self.draws_batches else np.minimum(each, self.noise_steps)
        noisy = np.ceil(noisy / BLOCK_OF_NOISE) * BLOCK_OF_NOISE
        drawing = drawing_seconds(noisy, drawn, batches=self.draws_batches)
        trainings, tried = self.lanes * self.trainings, attempts(each, completes=self.completes)
        completion = completion_seconds(each, self._inputs(each * np.nan, facts))
        overhead = (drawing + completion) * trainings + overhead_seconds(
            records * (trainings if self.rounds else 1.0),  # a twin leaves none
            entries=entries,
            trainings=trainings,
        )
        if self.optimizers[0].has_independent_batches:
            ends = np.isinf(blown_up_after(self._inputs(self._fractions(facts)[-1], facts)))
            overhead = overhead + ends * moment_seconds(facts.samples, self.momentum)
        returns = self.trainings * (tried + noisy / BLOCK_OF_NOISE + each / LONGEST_CHUNK)
        return Forecast(
            costs=RunCosts(
                steps=steps,
                overhead=overhead,
                returns=returns,
                entries=entries,
                dimension=facts.dimension,
                lanes=self.lanes,
                degree=facts.network.degree,
            ),
            bytes=stored_bytes(
                records, dimension=facts.dimension, parts=len(facts.network.parts), vectors=self.vectors
            ),
        )

    def steps(self, facts: ProblemFacts) -> Runs:
        """The predicted steps of every run in one lane, those of all its trainings one after another."""
        most = self._stream_steps(facts)
        steps = [np.minimum(self._steps(fraction, facts), most) for fraction in self._fractions(facts)]
        return np.asarray(np.sum(steps, axis=0) * (self.trainings / len(steps)))

    def _fractions(self, facts: ProblemFacts) -> Sequence[Runs]:
        """η over η* of every run, once for each training."""
        if self.rounds:
            return [np.full(len(self.init_scale), fraction) for fraction in self.rounds]
        if self.multiple is not None:  # whatever the unit, a run may end near the least ℓ2 norm, or flatter
            return [self.multiple * facts.least_norm_fraction]
        if self.step_size is None:
            return [self.init_scale * np.nan if self.fraction is None else self.fraction]
        largest = np.nan if facts.max_stable_step is None else facts.max_stable_step
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # numbers may be of any size
            return [self.step_size / np.array([each.largest_stable_step(largest) for each in self.optimizers])]

    def _stream_steps(self, facts: ProblemFacts) -> Runs | float:
        """How many steps there are samples for, ∞ where there is no end of them."""
        if not self.draws_batches:
            return math.inf
        ends = {id(each): each.stream_steps(facts.samples) or math.inf for each in self.optimizers}
        return np.array([ends[id(each)] for each in self.optimizers])

    def _steps(self, fraction: Runs, facts: ProblemFacts) -> Runs:
        if self.takes_all_steps:
            return np.full(len(self.init_scale), float(self.max_steps))
        begun, inputs = self._inputs(fraction, facts), self._inputs(fraction * self.end_factor, facts)
        # A round of a search lasts until the probes are told apart that cycle.
        steps = np.maximum(predicted_steps(inputs), cycling_steps(inputs) if self.rounds else 0.0)
        # What has come to its end when its schedule is over does not begin anew.
        at_once = predicted_steps(begun)
        steps = np.where(at_once <= self.steady_from, at_once, steps)
        steps = np.where(self.lasting_decay > 0, self._decaying_steps(steps), steps)
        return np.asarray(np.fmin(steps, blown_up_after(begun)))

    def _inputs(self, fraction: Runs, facts: ProblemFacts) -> CostInputs:
        return CostInputs(
            init_scale=self.init_scale / facts.true_norm ** (1 / facts.network.degree),
            fraction=fraction,
            warmup_steps=self.warmup_steps,
            settled_from=np.maximum(np.maximum(self.warmup_steps, self.noise_steps), self.steady_from),
            momentum=self.momentum,
            relative_limit=self.relative_limit,
            samples=facts.samples,
            dimension=facts.dimension,
            anisotropy=facts.anisotropy,
            degree=facts.network.degree,
            loss_tolerance=self.loss_tolerance,
            max_steps=self.max_steps,
            completes=self.completes,
            draws_batches=self.draws_batches,
            strides_from=self._strides_from(facts),
            dispersion=self._dispersion(facts.samples),
            looks_ahead=self.looks_ahead,
            ascent=self._ascent(facts.max_stable_step),
            keeps_ascent=self.keeps_ascent,
        )

    def _dispersion(self, samples: int) -> Runs | float:
        """(N − b)/(b(N − 1)), in epochs as well."""
        if self.batch_size is None:
            return 0.0
        return np.asarray(np.maximum(samples - self.batch_size, 0.0) / (self.batch_size * max(samples - 1, 1)))

    def _ascent(self, max_stable_step: float | None) -> Runs | float:
        """ρλ at the least λ_max; numbers may be of any size."""
        with np.errstate(over="ignore"):
            return self.rho * (2 / max_stable_step) if max_stable_step else 0.0

    def _decaying_steps(self, steps: Runs) -> Runs:
        """Until what is off the lasso has decayed: some 30/(ηλ) steps; all of them where η is not known."""
        size = np.inf if self.step_size is None else self.step_size * self.end_factor
        with np.errstate(divide="ignore", invalid="ignore"):  # where nothing decays
            decayed = np.fmax(steps, self.steady_from + 30 / (size * self.lasting_decay))
        return np.asarray(np.fmin(np.where(np.isinf(size), np.inf, decayed), float(self.max_steps)))

    def _strides_from(self, facts: ProblemFacts) -> Runs:
        """From how many steps on strides are tried with runs of plain descent, ∞ for others."""
        worth = steps_worth_strides(facts.samples * facts.dimension)
        plain = (self.momentum == 0) & (self.noise_steps == 0)
        tried = plain & (self.strides and facts.network.degree == 2 and not self.draws_batches)
        return np.where(tried, float(worth), np.inf)


def blocks(grid: Grid, start: int = 0) -> Iterator[range]:
    """The runs from `start` on in blocks, none of which straddles problems."""
    while start < len(grid):
        problem_end = (start // grid.runs_per_problem + 1) * grid.runs_per_problem
        stop = min(start + BLOCK, problem_end)
        yield range(start, stop)
        start = stop


def batches_of(grid: Grid, indices: Sequence[int], facts: ProblemFacts, kernel: KernelCost) -> list[Batch]:
    """These runs of one problem, in batches: those without momentum, which are gradient descent, by themselves."""
    moving = RunTable.at(grid, indices).momentum > 0
    parts = [[index for index, has in zip(indices, moving, strict=True) if has == kind] for kind in (False, True)]
    return [
        batch
        for part in parts
        if part
        for batch in form_batches(part, RunTable.at(grid, part).forecast(facts).costs, kernel)
    ]


def _optimizers(first: Optimizer, columns: Mapping[str, Runs], runs: int) -> list[Optimizer]:
    """That of each run: the first one with what is swept in its place; equal ones are one."""
    swept = [field.name for field in fields(first) if field.name in columns]
    rows = list(zip(*(columns[name].tolist() for name in swept), strict=True)) or [()] * runs
    kinds = [type(getattr(first, name)) for name in swept]
    made = {
        row: replace(first, **{name: kind(each) for name, kind, each in zip(swept, kinds, row, strict=True)})
        for row in set(rows)
    }
    return [made[row] for row in rows]


def _entry_size(start: PlainInitialization, columns: Mapping[str, Runs]) -> Runs | float:
    """The root mean square of θ(0) at scale 1."""
    match start:
        case PlainVector(vector=vector):
            return float(np.sqrt(np.mean(np.square(vector))))
        case PlainParameters():
            squares = [
                np.square(columns[part]) if part in columns else np.mean(np.square(getattr(start, part)))
                for part in start.given
            ]
            return np.asarray(np.sqrt(sum(squares) / len(squares)))
        case _:
            return 1.0


def _columns(grid: Grid, offsets: Int64[np.ndarray, " run"]) -> dict[str, Runs]:
    """The numbers of the initialisation and the optimiser by field, relative step sizes by the name of their axis."""
    spec = grid.spec
    swept = [axis for axis in grid.axes if axis not in grid.problem_axes]
    shape = tuple(len(axis.values) for axis in swept)
    positions = np.unravel_index(offsets, shape) if shape else ()
    columns = {
        field: np.full(len(offsets), float(value))
        for part in (spec.initialization, spec.optimizer)
        for field, value in part
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    for axis, position in zip(swept, positions, strict=True):
        for each in axis.members:
            name = each.name if each.name in RELATIVE_AXES else each.field
            # Both parts have a seed, which costs nothing either way.
            columns[name] = np.asarray(each.values, dtype=np.float64)[position]
    return columns


_REAL: Final = ("schedule_factor", "weight_decay")


def _steadiness(grid: Grid, columns: Mapping[str, Runs], runs: int) -> dict[str, Runs]:
    """`steady_from`, `end_factor` and `lasting_decay` of the runs; equal schedules are looked at once."""
    first, budget = grid.run(0).spec.optimizer, grid.spec.stopping.budget
    names = ("warmup_steps", "schedule_steps", "schedule_factor", "weight_decay", "weight_decay_until")
    told = {name: columns[name].tolist() for name in names if name in columns}
    known: dict[tuple[float, ...], tuple[float, float, float]] = {}
    rows = list(zip(*told.values(), strict=True)) or [()] * runs
    for row in set(rows):
        numbers = {name: value if name in _REAL else int(value) for name, value in zip(told, row, strict=True)}
        plain = first.model_copy(update=numbers)
        shape = plain.step_shape(budget)
        over = max(0 if shape is None else shape.over_from, plain.weight_decay_until or 0)
        lasting = plain.weight_decay if plain.weight_decay_until is None else 0.0
        known[row] = (float(over), 1.0 if shape is None else shape.end, lasting)
    columns_of = np.array([known[row] for row in rows]).reshape(runs, 3).T
    return dict(zip(("steady_from", "end_factor", "lasting_decay"), columns_of, strict=True))
