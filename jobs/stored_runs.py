"""The runs of an experiment that are stored, read slice by slice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.results.result import Summary, decode_summary
from core.sweep.grid import Grid
from jobs.counted_results import counted_summaries
from jobs.errors import ResultsMissing
from jobs.ports import ResultStore

SLICE: Final = 500
"""Runs that are read, and written, at a time."""


@dataclass(frozen=True, kw_only=True)
class StoredRuns:
    """The runs of an experiment that are stored, read slice by slice.

    `whole_before`: all runs of a smaller index were stored when the reading began. One that is missing nevertheless was
    found damaged meanwhile, and is not passed over in silence.
    """

    experiment_id: str
    grid: Grid
    store: ResultStore
    whole_before: int

    @classmethod
    def of(cls, experiment_id: str, grid: Grid, store: ResultStore) -> "StoredRuns":
        """What is stored at this moment, and what is stored while it is read."""
        whole_before = store.first_missing(experiment_id)
        return cls(experiment_id=experiment_id, grid=grid, store=store, whole_before=whole_before)

    @classmethod
    def all(cls, experiment_id: str, grid: Grid, store: ResultStore) -> "StoredRuns":
        """Those of an experiment that had succeeded when its record was read.

        Raises:
            ResultsMissing: one was found damaged since.
        """
        runs = cls.of(experiment_id, grid, store)
        if runs.whole_before < len(grid):
            raise ResultsMissing
        return runs

    def slices(self, first: int = 0) -> Iterator[list[tuple[int, Summary]]]:
        """Index and summary of the stored runs from `first` on, in order.

        Raises:
            ResultsMissing: one of them is no longer there.
        """
        for start in range(first, len(self.grid), SLICE):
            window = range(start, min(start + SLICE, len(self.grid)))
            found = counted_summaries(self.store, self.experiment_id, window, whole_before=self.whole_before)
            yield [(index, decode_summary(kept)) for index, kept in zip(window, found, strict=True) if kept is not None]
