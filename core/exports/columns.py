"""All results of an experiment by variable, in eight bytes for each number."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from core.exports.run_table import RunTable
from core.results.result import Scalar, Summary
from core.results.variables import Kind, Variable


class Columns:
    """The results of all runs of a grid, by variable.

    Numbers are held in float64, where NaN stands for null: results are finite, and whole ones are below 2⁵³. Equal
    words are held once.
    """

    def __init__(self, table: RunTable) -> None:
        self.table = table
        count = len(table.grid)
        self._held = {variable.name: _nothing(variable, count) for variable in table.variables}
        self._words: dict[Scalar, Scalar] = {}

    def taken(self, slices: Iterable[list[tuple[int, Summary]]]) -> Iterator[bytes]:
        """Take the runs; an empty piece of a file after each slice of them, for nothing can be written before all."""
        for runs in slices:
            self._take(dict(runs))
            yield b""

    def numbers(self, variable: Variable) -> Shaped[np.ndarray, "..."]:
        """A variable of numbers over the grid; NaN is null."""
        return self._held[variable.name].reshape(self.table.grid.shape)

    def values(self, variable: Variable, start: int, stop: int) -> list[Any]:
        """The values of the runs start ≤ index < stop, None for null."""
        held: list[Any] = self._held[variable.name][start:stop].tolist()
        match variable.kind:
            case Kind.TEXT:
                return held
            case Kind.INT:
                return [None if value != value else int(value) for value in held]  # noqa: PLR0124 - NaN alone differs
            case Kind.FLOAT:
                return [None if value != value else value for value in held]  # noqa: PLR0124 - likewise

    def _take(self, runs: Mapping[int, Summary]) -> None:
        indices = list(runs)
        for variable in self.table.variables:
            found = [summary.get(variable.name) for summary in runs.values()]
            if variable.kind is Kind.TEXT:
                found = [self._words.setdefault(word, word) for word in found]
            self._held[variable.name][indices] = found


def _nothing(variable: Variable, count: int) -> Shaped[np.ndarray, "..."]:
    return np.full(count, None, dtype=object) if variable.kind is Kind.TEXT else np.full(count, np.nan)
