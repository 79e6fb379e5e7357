"""The runs of an experiment as a table: a row for each stored run, its columns fixed by the grid."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from api.stored.grid import summaries
from core.results.result import Scalar, Summary
from core.results.variables import COORDINATES, VARIABLES, Kind, Variable
from core.sweep.grid import Grid
from jobs.ports import Store

SLICE: Final = 500
"""Runs that are read, and written, at a time."""

INDEX: Final = Variable(
    name="index", symbol="", label="index", description="The place of the run in the grid.", kind=Kind.INT
)

Row = list[Scalar]


@dataclass(frozen=True)
class RunTable:
    """The columns of a grid's runs: the index, then every axis, slowest first, then every other result."""

    grid: Grid

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The results that are not swept, which are coordinates instead."""
        swept = {axis.name for axis in self.grid.axes}
        return tuple(variable for name, variable in VARIABLES.items() if name not in swept)

    @cached_property
    def columns(self) -> tuple[Variable, ...]:
        """What each column is."""
        return (INDEX, *(COORDINATES[axis.name] for axis in self.grid.axes), *self.variables)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each column."""
        return tuple(column.name for column in self.columns)

    def row(self, index: int, summary: Summary) -> Row:
        """The values of a run, None for what does not exist or is not finite."""
        results = (summary.get(variable.name) for variable in self.variables)
        return [index, *self.grid.coordinates(index).values(), *results]


@dataclass(frozen=True, kw_only=True)
class StoredRuns:
    """The runs of an experiment that are stored, read slice by slice.

    `whole_before`: all runs of a smaller index were stored when the reading began. One that is missing nevertheless was
    found damaged meanwhile, and is not passed over in silence.
    """

    experiment_id: str
    grid: Grid
    store: Store
    whole_before: int

    @classmethod
    def of(cls, experiment_id: str, grid: Grid, store: Store) -> "StoredRuns":
        """What is stored at this moment, and what is stored while it is read."""
        whole_before = store.first_missing(experiment_id)
        return cls(experiment_id=experiment_id, grid=grid, store=store, whole_before=whole_before)

    def slices(self, first: int = 0) -> Iterator[list[tuple[int, Summary]]]:
        """Index and summary of the stored runs from `first` on, in order.

        Raises:
            ResultsMissing: one of them is no longer there.
        """
        for start in range(first, len(self.grid), SLICE):
            window = range(start, min(start + SLICE, len(self.grid)))
            found = summaries(self.experiment_id, window, store=self.store, whole_before=self.whole_before)
            yield [(index, summary) for index, summary in zip(window, found, strict=True) if summary is not None]

    def rows(self, first: int = 0) -> Iterator[list[Row]]:
        """The same as rows of the table.

        Raises:
            ResultsMissing: likewise.
        """
        table = RunTable(self.grid)
        return ([table.row(*each) for each in runs] for runs in self.slices(first))
