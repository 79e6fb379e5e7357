"""Tables as text: CSV and NDJSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from core.exports.run_table import Row


def csv_pieces(columns: Sequence[str], slices: Iterable[list[Row]], *, has_names: bool) -> Iterator[bytes]:
    """CSV (RFC 4180): a line of names, unless it is not wanted, and a line for each run; an empty field is null.

    Numbers are written with the fewest digits from which the same bits are read.
    """
    names: list[Iterable[object]] = [columns] if has_names else []
    for rows in slices:
        yield _lines([*names, *rows])
        names = []
    yield _lines(names)


def ndjson_pieces(columns: Sequence[str], slices: Iterable[list[Row]]) -> Iterator[bytes]:
    """A JSON object for each run, on a line of its own."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    for rows in slices:
        yield "".join(f"{encode(dict(zip(columns, row, strict=True)))}\n" for row in rows).encode()


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    write = csv.writer(text).writerow
    # One by one: a call of `writerows` keeps every other thread of the process waiting until all are written.
    for row in rows:
        write(row)
    return text.getvalue().encode()
