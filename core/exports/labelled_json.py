"""The labelled array of all runs as JSON, byte for byte `core.results.result.to_xarray`, made in pieces."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from core.exports.columns import Columns
from core.exports.run_table import RunTable
from core.results.result import Summary, coordinate_entries, variable_attributes
from core.results.variables import Kind
from core.sweep.grid import Grid

_PIECE: Final = 5000
"""Values of one piece."""

_LAST: Final = 255

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def labelled_pieces(
    table: RunTable, slices: Iterable[list[tuple[int, Summary]]], attrs: Mapping[str, Any]
) -> Iterator[bytes]:
    """The document: attributes, axes, then the nested lists of one variable after the other."""
    columns, grid = Columns(table), table.grid
    yield from columns.taken(slices)
    dims = [axis.name for axis in grid.axes]
    head = {
        "attrs": dict(attrs),
        "dims": dict(zip(dims, grid.shape, strict=True)),
        "coords": coordinate_entries(grid),
    }
    yield f'{_encode(head)[:-1]},"data_vars":{{'.encode()
    closings = _closings(grid)
    for place, variable in enumerate(table.variables):
        entry = {"dims": dims, "attrs": variable_attributes(variable)}
        yield f'{"," if place else ""}{_encode(variable.name)}:{_encode(entry)[:-1]},"data":{"[" * len(dims)}'.encode()
        for start in range(0, len(grid), _PIECE):
            stop = min(start + _PIECE, len(grid))
            texts = _texts(columns.values(variable, start, stop), variable.kind)
            yield "".join(map("".join, zip(texts, _separators(closings[start:stop]), strict=True))).encode()
        yield f"{']' * len(dims)}}}".encode()
    yield b"}}"


def _closings(grid: Grid) -> UInt8[np.ndarray, " run"]:
    """How many lists end after each run and begin anew; after the last run nothing does."""
    after = np.arange(1, len(grid) + 1)
    sizes = [math.prod(grid.shape[axis:]) for axis in range(1, len(grid.shape))]
    closings: UInt8[np.ndarray, " run"] = sum(
        ((after % size == 0).astype(np.uint8) for size in sizes), np.zeros(len(grid), dtype=np.uint8)
    )
    closings[-1] = _LAST
    return closings


def _texts(values: Sequence[Any], kind: Kind) -> Iterable[str]:
    """Each value as JSON; no number has a comma in it."""
    return map(_encode, values) if kind is Kind.TEXT else _encode(values)[1:-1].split(",")


def _separators(closings: UInt8[np.ndarray, " run"]) -> Iterable[str]:
    """What stands between each value and the next one."""
    return ("" if count == _LAST else f"{']' * count},{'[' * count}" for count in closings.tolist())
