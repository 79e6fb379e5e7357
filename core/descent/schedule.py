"""Step-size schedules."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64


def warmed_up(
    step_size: Float64[np.ndarray, " run"], warmup_steps: Int64[np.ndarray, " run"], start: int, stop: int
) -> Float64[np.ndarray, "step run"]:
    """η_t = η·min(1, (t+1)/W) for start ≤ t < stop (section 7 of the paper); W = 0 means no warm-up."""
    t = np.arange(start, stop)[:, None]
    schedule: Float64[np.ndarray, "step run"] = (t + 1) / np.maximum(warmup_steps, 1)
    np.minimum(1.0, schedule, out=schedule)
    schedule *= step_size
    return schedule


class ScheduleKind(StrEnum):
    """How step sizes go on behind the warm-up."""

    CONSTANT = "constant"
    PIECEWISE = "piecewise"
    EXPONENTIAL = "exponential"
    COSINE = "cosine"
    DOUBLING = "doubling"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """f(t) = `factors`[k] from step `changes`[k] on, 1 before all of them: a step size that is piecewise constant."""

    changes: tuple[int, ...]
    factors: tuple[float, ...]

    @property
    def over_from(self) -> int:
        """The step from which on f is `end`."""
        return self.changes[-1]

    @property
    def end(self) -> float:
        """The last factor."""
        return self.factors[-1]

    @property
    def turns(self) -> tuple[int, ...]:
        """Between the steps before these f is constant."""
        return self.changes

    def at(self, steps: Int64[np.ndarray, " step"]) -> Float64[np.ndarray, " step"]:
        """f(t) of these steps."""
        return np.array([1.0, *self.factors])[np.searchsorted(self.changes, steps, side="right")]

    def largest_from(self, step: int) -> float:
        """The largest f(t) of all t ≥ step."""
        passed = int(np.searchsorted(self.changes, step, side="right"))
        return max((1.0, *self.factors)[passed:])


@dataclass(frozen=True, kw_only=True, slots=True)
class Decline:
    """f(t) from 1 to `end` over `steps` steps behind step `start`, and `end` from there on; p = (t − start)/steps.

    Exponential, end^p, or along half a cosine, end + (1 − end)·(1 + cos πp)/2 (Loshchilov and Hutter 2017).
    """

    start: int
    steps: int
    end: float
    is_cosine: bool

    @property
    def over_from(self) -> int:
        """The step from which on f is `end`."""
        return self.start + self.steps

    @property
    def turns(self) -> tuple[int, ...]:
        """Between these steps f goes up, or down, or stays."""
        return (self.start, self.over_from)

    def at(self, steps: Int64[np.ndarray, " step"]) -> Float64[np.ndarray, " step"]:
        """f(t) of these steps.

        In extended precision where the machine has it: those loops of NumPy go entry by entry, so that no bit of a
        value depends on its place among others.
        """
        part = np.clip((steps - self.start) / np.longdouble(self.steps), 0, 1)
        end = np.longdouble(self.end)
        values = (
            end + (1 - end) * (1 + np.cos(np.longdouble(np.pi) * part)) / 2
            if self.is_cosine
            else np.exp(part * np.log(end))
        )
        return np.where(part < 1, values, end).astype(np.float64)

    def largest_from(self, step: int) -> float:
        """The largest f(t) of all t ≥ step."""
        return max(float(self.at(np.array([step]))[0]), self.end)


Shape = Stages | Decline
"""What the step size is multiplied by behind the warm-up, and within it where it begins before that is over."""

MOST_DOUBLINGS: Final = 1000
"""After so many without a limit the step size is beyond what float64 holds, and the run has diverged."""


def doublings(start: int, every: int, limit: float) -> Stages:
    """F = min(2^k, `limit`) from k times `every` steps behind `start` on; without a limit ∞ after `MOST_DOUBLINGS`."""
    last = MOST_DOUBLINGS if math.isinf(limit) else math.ceil(math.log2(limit))
    powers = range(1, last + 1)
    return Stages(
        changes=tuple(start + every * power for power in powers),
        factors=(*(2.0**power for power in powers[:-1]), limit),
    )


def scheduled(
    step_size: Float64[np.ndarray, " run"],
    warmup_steps: Int64[np.ndarray, " run"],
    shapes: Sequence[Shape | None],
    start: int,
    stop: int,
) -> Float64[np.ndarray, "step run"]:
    """η_t = η·min(1, (t+1)/W)·f(t) for start ≤ t < stop; f = 1 where the shape of a run is None."""
    schedule = warmed_up(step_size, warmup_steps, start, stop)
    known: dict[Shape, Float64[np.ndarray, " step"] | float] = {}
    for run, shape in enumerate(shapes):
        if shape is not None:
            if shape not in known:
                known[shape] = shape.end if start >= shape.over_from else shape.at(np.arange(start, stop))
            schedule[:, run] *= known[shape]
    return schedule


def first_reaching(factor: float, warmup_steps: int, shape: Shape | None, stop: int) -> tuple[int, float] | None:
    """The first t < stop with min(1, (t+1)/W)·f(t) ≥ `factor`, and that number; None where there is none.

    Between the steps that are looked at it goes one way, so that the first is found by halving.
    """
    turns = np.array((warmup_steps,) if shape is None else (warmup_steps, *shape.turns))
    steps = np.unique(np.clip(np.concatenate([turns - 1, turns, [0, stop - 1]]), 0, stop - 1))
    found = np.flatnonzero(_factors(steps, warmup_steps, shape) >= factor)
    if not found.size:
        return None
    first, before = int(steps[found[0]]), int(steps[max(found[0] - 1, 0)])
    while first - before > 1:
        middle = (first + before) // 2
        is_there = _factors(np.array([middle]), warmup_steps, shape)[0] >= factor
        first, before = (middle, before) if is_there else (first, middle)
    return first, float(_factors(np.array([first]), warmup_steps, shape)[0])


def _factors(steps: Int64[np.ndarray, " step"], warmup_steps: int, shape: Shape | None) -> Float64[np.ndarray, " step"]:
    """min(1, (t+1)/W)·f(t)."""
    ramp = np.minimum(1.0, (steps + 1) / max(warmup_steps, 1))
    return ramp if shape is None else ramp * shape.at(steps)
