"""The labelled array of all runs as an .npz file, made array by array."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from core.exports.columns import Columns
from core.exports.run_table import RunTable
from core.results.result import Summary
from core.results.variables import Kind


def archive_pieces(
    table: RunTable, slices: Iterable[list[tuple[int, Summary]]], attrs: Mapping[str, Any]
) -> Iterator[bytes]:
    """A zip archive of .npy files, as `numpy.savez_compressed` makes them.

    Every axis is an array of its values, as is what is linked to it; every other result an array over all axes: NaN is
    null, and whole numbers are in float64 with them; a word that is null is empty. `dims` names the axes
    in order, `attrs` is JSON.
    """
    columns, sink = Columns(table), _Sink()
    yield from columns.taken(slices)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in _arrays(columns, attrs):
            # By its name alone it gets no date: equal results are equal bytes.
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
            yield sink.taken()
    yield sink.taken()


def _arrays(columns: Columns, attrs: Mapping[str, Any]) -> Iterator[tuple[str, Shaped[np.ndarray, "..."]]]:
    grid = columns.table.grid
    yield "attrs", np.array(json.dumps(dict(attrs), ensure_ascii=False))
    yield "dims", np.array([axis.name for axis in grid.axes], dtype=np.str_)
    for each in (each for axis in grid.axes for each in axis.members):
        yield each.name, np.array(each.values)
    for variable in columns.table.variables:
        if variable.kind is Kind.TEXT:
            words = columns.values(variable, 0, len(grid))
            yield variable.name, np.array([word or "" for word in words], dtype=np.str_).reshape(grid.shape)
        else:
            yield variable.name, columns.numbers(variable)


class _Sink(io.RawIOBase):
    """Holds what is written until it is taken; it cannot be gone back in, so the archive is written in one pass."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held
