"""The runs of an experiment as a table: a row for each stored run, its columns fixed by the grid."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from core.results.result import Scalar, Summary
from core.results.variables import COORDINATES, VARIABLES, Kind, Variable
from core.sweep.grid import Grid

INDEX: Final = Variable(
    name="index", symbol="", label="index", description="The place of the run in the grid.", kind=Kind.INT
)

Row = list[Scalar]


@dataclass(frozen=True)
class RunTable:
    """The columns of a grid's runs: the index, then every swept number, slowest first, then every other result."""

    grid: Grid

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The results that are not swept, which are coordinates instead."""
        swept = {each.name for axis in self.grid.axes for each in axis.members}
        return tuple(variable for name, variable in VARIABLES.items() if name not in swept)

    @cached_property
    def columns(self) -> tuple[Variable, ...]:
        """What each column is."""
        return (INDEX, *(COORDINATES[each.name] for axis in self.grid.axes for each in axis.members), *self.variables)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each column."""
        return tuple(column.name for column in self.columns)

    def row(self, index: int, summary: Summary) -> Row:
        """The values of a run, None for what does not exist or is not finite."""
        results = (summary.get(variable.name) for variable in self.variables)
        return [index, *self.grid.coordinates(index).values(), *results]
