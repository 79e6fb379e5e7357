"""How the runs of a grid are arranged for curves: an axis along x, one curve each for another, a third aggregated."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import InvalidChoice
from core.identity import rounded
from core.spec.axes import Axis
from core.sweep.grid import Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrangement:
    """Where the axes of a grid go. `fixed` holds the position of each axis that is none of the three."""

    grid: Grid
    x: Axis
    series: Axis | None
    over: Axis | None
    fixed: Mapping[str, int]

    def table(self, values: np.ndarray) -> np.ndarray:
        """One value per run, in grid order, as an array (series, x, over); of length 1 where there is no such axis."""
        index = tuple(self.fixed.get(axis.name, slice(None)) for axis in self.grid.axes)
        kept = [axis.name for axis in self.grid.axes if axis.name not in self.fixed]
        wanted = [axis.name for axis in (self.series, self.x, self.over) if axis is not None]
        ordered = values.reshape(self.grid.shape)[index].transpose([kept.index(name) for name in wanted])
        table: np.ndarray = ordered.reshape(len(self.series_values), len(self.x.values), -1)
        return table

    @property
    def series_values(self) -> tuple[float | None, ...]:
        """The value of each curve; one None for a single curve."""
        return self.series.values if self.series else (None,)

    @property
    def where(self) -> dict[str, float]:
        """The value of each fixed axis."""
        return {axis.name: axis.values[self.fixed[axis.name]] for axis in self.grid.axes if axis.name in self.fixed}


def arrange(grid: Grid, *, x: str, series: str | None, over: str | None, where: Mapping[str, float]) -> Arrangement:
    """The arrangement with these axes; every other axis has one value, or `where` fixes it at one.

    `over="seed"` asks for nothing where the data seed is not swept, or is x, the series or fixed.

    Raises:
        InvalidChoice: a name is no axis or a value is none of its axis, two of the names are equal, or an axis is left.
    """
    axes = {axis.name: axis for axis in grid.axes}
    if over == "seed" and (over in {x, series, *where} or over not in axes):
        over = None
    roles = {role: name for role, name in (("x", x), ("series", series), ("over", over)) if name}
    for role, name in roles.items():
        if name not in axes:
            raise InvalidChoice(role, axes, f"{role} must be an axis that the experiment sweeps")
    unused = [name for name in axes if name not in roles.values()]
    if len(set(roles.values())) < len(roles):
        raise InvalidChoice("series", unused, "x, series and over must be different axes")
    if not set(where) <= set(unused):
        raise InvalidChoice("where", unused, "where fixes axes that are none of x, series and over")
    return Arrangement(
        grid=grid,
        x=axes[x],
        series=axes[series] if series else None,
        over=axes[over] if over else None,
        fixed={name: _fixed_position(axes[name], where) for name in unused},
    )


def _fixed_position(axis: Axis, where: Mapping[str, float]) -> int:
    wanted = where.get(axis.name, axis.values[0] if len(axis.values) == 1 else math.nan)
    if rounded(wanted) not in axis.values:
        reason = f"axis {axis.name} is none of x, series and over: fix it at one of its values by where.{axis.name}"
        raise InvalidChoice(f"where.{axis.name}", axis.values, reason)
    return axis.values.index(rounded(wanted))
