"""Choices that several figures share: evenly spaced values of a long axis, the replicates, one panel for each rest."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from core.figures.layouts import MAX_PANELS, UnsuitableFigure
from core.spec.axes import Axis
from core.spec.optimizers import RELATIVE_AXES
from core.sweep.grid import Grid

STEP_SIZES: Final = ("step_size", *RELATIVE_AXES)
"""The axes that a step size may be swept on; an experiment has at most one of them."""

REPLICATES: Final = ("seed", "init_seed", "optimizer_seed")
"""Axes whose values are repetitions of one another, to be aggregated."""


def evenly_spaced(count: int, most: int) -> list[int]:
    """At most `most` positions of `count`, evenly spaced, the first and the last among them."""
    chosen: list[int] = np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()
    return chosen


def spread(values: Sequence[float], most: int) -> tuple[float, ...]:
    """At most `most` of the values, ascending and evenly spaced by rank, the least and the largest among them."""
    ascending = sorted(values)
    return tuple(ascending[k] for k in evenly_spaced(len(ascending), most))


def columns_of(panels: int) -> int:
    """In how many columns so many panels are read best: one row of up to three, two rows of more."""
    return panels if panels <= 3 else (panels + 1) // 2


def swept_axes(grid: Grid) -> dict[str, Axis]:
    """The axes of more than one value; the one value of another axis is as good as a plain number."""
    return {axis.name: axis for axis in grid.axes if len(axis.values) > 1}


def swept_numbers(grid: Grid) -> dict[str, Axis]:
    """Likewise, with what is linked to these axes."""
    return {each.name: each for axis in swept_axes(grid).values() for each in axis.members}


def swept(grid: Grid) -> list[Axis]:
    """The axes of more than one value, or all where none has."""
    return list(swept_axes(grid).values()) or list(grid.axes)


def replicates(grid: Grid) -> str:
    """The axis that is aggregated: the first of the seeds that is swept, and the data seed where none is."""
    return next((name for name in REPLICATES if name in swept_axes(grid)), REPLICATES[0])


def step_axis(grid: Grid) -> Axis:
    """The axis of step sizes.

    Raises:
        UnsuitableFigure: the step size is not swept.
    """
    for name, axis in swept_axes(grid).items():
        if name in STEP_SIZES:
            return axis
    raise UnsuitableFigure("This figure needs an experiment that sweeps the step size.")


def fixings(axes: Sequence[Axis], *, most: int = MAX_PANELS, of: str = "panels") -> list[dict[str, float]]:
    """Every combination of values of the axes, one for each panel (or for each of what `of` says).

    Raises:
        UnsuitableFigure: there are more than `most`.
    """
    count = math.prod(len(axis.values) for axis in axes)
    names = [axis.name for axis in axes]
    if count > most:
        raise UnsuitableFigure(
            f"This figure would need {count} {of}, one for each value of {', '.join(names)}; {most} are the most."
        )
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes))]


def run_at(grid: Grid, where: Mapping[str, float]) -> int:
    """The index of the run at these values, and at the first value of every other axis."""
    positions = [axis.values.index(where.get(axis.name, axis.values[0])) for axis in grid.axes]
    return int(np.ravel_multi_index(positions, grid.shape)) if positions else 0


def told_apart(grid: Grid, runs: Sequence[int]) -> tuple[tuple[dict[str, float], ...], dict[str, float]]:
    """The coordinates in which these runs differ, for each of them, and those of swept axes that they share."""
    every = [grid.coordinates(index) for index in runs]
    differing = [name for name in every[0] if len({coordinates[name] for coordinates in every}) > 1]
    names = tuple({name: coordinates[name] for name in differing} for coordinates in every)
    return names, {name: every[0][name] for name in swept_axes(grid) if name not in differing}
