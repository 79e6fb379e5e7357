"""The results of an experiment as a file of one format."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.exports.archive import archive_pieces
from core.exports.format import Format
from core.exports.labelled_json import labelled_pieces
from core.exports.rows import csv_pieces, ndjson_pieces
from core.exports.run_table import RunTable
from core.results.result import Summary
from core.sweep.grid import Grid


def file_pieces(
    form: Format,
    grid: Grid,
    slices: Iterable[list[tuple[int, Summary]]],
    attrs: Mapping[str, Any],
    *,
    has_names: bool = True,
) -> Iterator[bytes]:
    """The bytes of the file; an empty piece where a slice was read, and nothing is written of it yet.

    Args:
        form: its format.
        grid: of the experiment.
        slices: index and summary of the runs that are there, in order.
        attrs: of which experiment they are.
        has_names: whether CSV begins with a line of names.
    """
    table = RunTable(grid)
    rows = ([table.row(*each) for each in runs] for runs in slices)
    match form:
        case Format.CSV:
            return csv_pieces(table.names, rows, has_names=has_names)
        case Format.NDJSON:
            return ndjson_pieces(table.names, rows)
        case Format.PARQUET:
            # Five megabytes of a process that few ask for it.
            from core.exports.parquet import parquet_pieces  # noqa: PLC0415

            return parquet_pieces(table, rows, attrs)
        case Format.NPZ:
            return archive_pieces(table, slices, attrs)
        case Format.JSON:
            return labelled_pieces(table, slices, attrs)
