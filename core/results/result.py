"""The result of a run, and the results of an experiment as a labelled array."""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from core.array_block import MalformedArrays, pack_arrays, unpack_arrays
from core.errors import InvalidChoice
from core.identity import canonical_json
from core.results.variables import COORDINATES, VARIABLES, Kind, Variable
from core.sweep.grid import Grid

__all__ = [
    "VARIABLES",
    "MalformedArrays",
    "coordinate_entries",
    "decode_summary",
    "encode_summary",
    "pack_arrays",
    "to_xarray",
    "unpack_arrays",
    "variable_attributes",
    "whole_summary",
]

Scalar = float | int | str | None
Summary = Mapping[str, Scalar]

_TYPES: Final = {Kind.FLOAT: (float, int), Kind.INT: (int,), Kind.TEXT: (str,)}


def whole_summary(summary: Mapping[str, Any]) -> dict[str, Scalar]:
    """A run's scalars as JSON can say them: every variable of the table, NaN and infinities as null.

    NumPy scalars are taken as the numbers they are; a variable that is absent is null.

    Raises:
        InvalidChoice: a name is not in the table of variables.
        TypeError: a value is not of its variable's kind.
    """
    for name in summary:
        if name not in VARIABLES:
            raise InvalidChoice("summary", VARIABLES)
    return {name: _scalar(known, summary.get(known.alias_of or name)) for name, known in VARIABLES.items()}


def encode_summary(summary: Mapping[str, Any]) -> bytes:
    """`whole_summary` as compressed canonical JSON.

    Raises:
        InvalidChoice, TypeError: as there.
    """
    return zlib.compress(canonical_json(whole_summary(summary)))


def decode_summary(stored: bytes) -> dict[str, Scalar]:
    """The scalars of a run that `encode_summary` wrote, in this version or in one that had former names alone."""
    plain = stored if stored.startswith(b"{") else zlib.decompress(stored)  # as it was stored before it was compressed
    summary: dict[str, Scalar] = json.loads(plain)
    former = {known.alias_of: summary[name] for name, known in VARIABLES.items() if known.alias_of and name in summary}
    return former | summary


def to_xarray(grid: Grid, summaries: Sequence[Summary | None], attrs: Mapping[str, Any]) -> dict[str, Any]:
    """All runs as one labelled array, in the form that `xarray.Dataset.from_dict` reads, ready for JSON.

    Every axis of the grid is a dimension coordinate, with what is linked to it beside it; every other variable is an
    array over all dimensions, as nested lists in grid order. Null stands for a run that is not there (yet), and for
    numbers that are not finite. A variable that is swept is a coordinate alone, since one name cannot be both.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    check_one_per_run(grid, summaries)
    dims = [axis.name for axis in grid.axes]
    swept = {each.name for axis in grid.axes for each in axis.members}
    return {
        "attrs": dict(attrs),
        "dims": dict(zip(dims, grid.shape, strict=True)),
        "coords": coordinate_entries(grid),
        "data_vars": {
            name: {"dims": dims, "attrs": variable_attributes(variable), "data": _nested(grid, summaries, name)}
            for name, variable in VARIABLES.items()
            if name not in swept
        },
    }


def check_one_per_run(grid: Grid, summaries: Sequence[Summary | None]) -> None:
    """Refuse summaries that cannot belong to the grid.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    if len(summaries) != len(grid):
        raise ValueError(f"{len(summaries)} summaries for {len(grid)} runs")


def _scalar(variable: Variable, value: Any) -> Scalar:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None:
        return None
    if isinstance(plain, bool) or not isinstance(plain, _TYPES[variable.kind]):
        raise TypeError(f"{variable.name} should be {variable.kind}, not {type(value).__name__}")
    if isinstance(plain, int | float) and variable.kind is Kind.FLOAT:
        return float(plain) if math.isfinite(plain) else None
    number_or_text: Scalar = plain
    return number_or_text


def coordinate_entries(grid: Grid) -> dict[str, Any]:
    """The axes of the grid as dimension coordinates of the labelled array; what is linked to one lies along it."""
    return {
        each.name: {
            "dims": [axis.name],
            "attrs": variable_attributes(COORDINATES[each.name]),
            "data": list(each.values),
        }
        for axis in grid.axes
        for each in axis.members
    }


def variable_attributes(variable: Variable) -> dict[str, str]:
    """What the labelled array says of a variable."""
    return {"long_name": variable.label, "symbol": variable.symbol, "description": variable.description}


def _nested(grid: Grid, summaries: Sequence[Summary | None], name: str) -> Any:
    column = np.empty(len(grid), dtype=object)
    column[:] = [None if summary is None else summary.get(name) for summary in summaries]
    return column.reshape(grid.shape).tolist()
