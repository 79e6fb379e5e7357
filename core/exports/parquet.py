"""The table of runs as Apache Parquet."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, takewhile
from typing import Any, Final

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from core.exports.run_table import Row, RunTable
from core.exports.written import Sink, written
from core.results.result import Scalar, variable_attributes
from core.results.variables import Kind, Variable

_ROWS_PER_GROUP: Final = 10_000
"""Rows that are held until they are written: a few megabytes."""

_TYPES: Final = {Kind.FLOAT: DataType.float64, Kind.INT: DataType.int64, Kind.TEXT: DataType.string}
_OF_KIND: Final = {Kind.FLOAT: float, Kind.INT: int, Kind.TEXT: str}


def parquet_pieces(table: RunTable, slices: Iterable[list[Row]], attrs: Mapping[str, Any]) -> Iterator[bytes]:
    """One file; its metadata have `attrs` as JSON under `stepbias`, and of each column what the variable is."""
    metadata = {"stepbias": json.dumps(dict(attrs), ensure_ascii=False)}
    schema = Schema([_field(column) for column in table.columns], metadata=metadata)
    remaining = iter(slices)
    # Before anything is written: what is wrong with the first one can still be said.
    known = [next(remaining, [])]
    batches = (_batch(table, rows, schema) for rows in chain(known, remaining) if rows)
    yield from written(partial(_write, schema, batches))


def _write(schema: Schema, batches: Iterator[RecordBatch], sink: Sink) -> None:
    # By a generator: the writer asks for a batch when it has written the one before.
    reader = RecordBatchReader.from_batches(schema, takewhile(lambda _: not sink.is_left, batches))
    write_parquet(reader, sink, max_row_group_size=_ROWS_PER_GROUP, compression="zstd(1)")


def _field(column: Variable) -> Field:
    return Field(column.name, _TYPES[column.kind](), nullable=True, metadata=variable_attributes(column))


def _batch(table: RunTable, rows: list[Row], schema: Schema) -> RecordBatch:
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    return RecordBatch.from_arrays([_array(column.kind, values) for column, values in columns], schema=schema)


def _array(kind: Kind, values: Iterable[Scalar]) -> Array:
    of_kind = _OF_KIND[kind]
    return Array([None if value is None else of_kind(value) for value in values], _TYPES[kind]())
