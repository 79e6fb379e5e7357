"""The part of an experiment that a figure is asked to show: some values of some axes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

from core.errors import InvalidChoice
from core.results.variables import COORDINATES, Kind
from core.spec.axes import Axis
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid

CLOSE: Final = 5e-4
"""A value is named by one that is so close to it, which four of its digits are; whole numbers by themselves alone."""

_LISTS: Final = ("fractions_of_max_stable", "effective_step_sizes")
"""Where the values of an axis stand, if not under `values`."""


def part_of(grid: Grid, where: Mapping[str, Sequence[float]]) -> tuple[Grid, Int64[np.ndarray, " run"]]:
    """The grid of these values alone, and the indices of its runs in the whole one.

    Raises:
        InvalidChoice: there is no such axis, or no such value on it.
    """
    axes = {axis.name: axis for axis in grid.axes}
    for name in where:
        if name not in axes:
            raise InvalidChoice(f"where.{name}", axes, "the experiment sweeps no such number")
    positions = [_positions(axis, where[axis.name]) if axis.name in where else _all(axis) for axis in grid.axes]
    document = grid.spec.model_dump(mode="json")
    for axis, chosen in zip(grid.axes, positions, strict=True):
        if axis.name in where:
            for each in axis.members:
                _restrict(document[each.part], each, [each.values[position] for position in chosen])
    whole = np.arange(len(grid)).reshape(grid.shape)
    return Grid(ExperimentSpec.model_validate(document)), whole[np.ix_(*positions)].ravel()


def require_runs(grid: Grid, runs: Sequence[int]) -> None:
    """Return if the grid has these runs.

    Raises:
        InvalidChoice: it does not.
    """
    if any(not 0 <= index < len(grid) for index in runs):
        raise InvalidChoice("runs", (), f"this part of the experiment has runs 0 to {len(grid) - 1}")


def _all(axis: Axis) -> list[int]:
    return list(range(len(axis.values)))


def _positions(axis: Axis, values: Sequence[float]) -> list[int]:
    """Where on the axis these values are, in the order of the axis."""
    return sorted({_position(axis, value) for value in values})


def _position(axis: Axis, value: float) -> int:
    nearest = min(range(len(axis.values)), key=lambda position: abs(axis.values[position] - value))
    is_whole = COORDINATES[axis.name].kind is Kind.INT
    if not math.isclose(axis.values[nearest], value, rel_tol=0.0 if is_whole else CLOSE):
        raise InvalidChoice(f"where.{axis.name}", axis.values, "the experiment has no such value")
    return nearest


def _restrict(part: dict[str, Any], axis: Axis, values: Sequence[float]) -> None:
    """Have the swept number of the part take these values alone, whichever way its values are written."""
    given = part[axis.field]
    listed = next((name for name in _LISTS if name in given), "values")
    kept = {name: member for name, member in given.items() if name == "multiples_of"}
    part[axis.field] = kept | {listed: list(values)}
