"""A data set on its way to the service: the bytes that are sent, and what they are declared to be."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Final, Protocol

from stepbias.errors import StepbiasError, UnusableValue
from stepbias.plain import plain

JSON: Final = "application/json"
ZIP: Final = "application/zip"
CSV: Final = "text/csv"

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType({".json": JSON, ".csv": CSV, ".npz": ZIP, ".zip": ZIP})
"""What a file is, by its ending."""

LONGEST_NAME: Final = 200

ARRAYS: Final = frozenset({"true_predictor", "held_out_X", "held_out_y"})
"""Of a data set, beside `X` and `y`."""


class Table(Protocol):
    """A table of pandas or polars: both have columns, and write themselves as CSV by a method of another name."""

    columns: Any


Data = Mapping[str, Any] | Table | str | Path | Sequence[str | Path]
"""Arrays by name, of any library or nested lists; a table; a file; or the .npy files of one data set."""


class UnknownFile(StepbiasError):
    """A file whose ending does not say what it is."""


def encoded(data: Data) -> tuple[bytes, str]:
    """The bytes to send and their media type. Files are sent as they are, .npy files in one archive.

    Raises:
        UnknownFile: the ending of a file is not known.
        UnusableValue: what is given is no array of numbers.
        OSError: a file cannot be read.
    """
    if isinstance(data, Mapping):
        is_binary = any(hasattr(value, "__array__") for value in data.values())
        return (_npz(data), ZIP) if is_binary else (json.dumps(plain(data)).encode(), JSON)
    if not isinstance(data, str | Path | Sequence):
        return _csv(data), CSV
    files = [Path(data)] if isinstance(data, str | Path) else [Path(file) for file in data]
    suffixes = [file.suffix.lower() for file in files]
    if set(suffixes) == {".npy"}:
        return _archive(files), ZIP
    if len(files) != 1 or suffixes[0] not in MEDIA_TYPES:
        endings = ", ".join(MEDIA_TYPES)
        raise UnknownFile(f"one file that ends with {endings} is wanted, or X.npy and y.npy")
    return files[0].read_bytes(), MEDIA_TYPES[suffixes[0]]


def file_name(data: Data) -> str | None:
    """What a data set is called that has no other name: its file, without the folder."""
    if isinstance(data, str | Path):
        return Path(data).name[:LONGEST_NAME]
    if isinstance(data, Mapping) or not isinstance(data, Sequence) or len(data) != 1:
        return None
    return Path(data[0]).name[:LONGEST_NAME]


def is_table(data: Any) -> bool:
    """Whether it is one of pandas or polars, whose columns have names."""
    return hasattr(data, "columns") and (hasattr(data, "write_csv") or hasattr(data, "to_csv"))


def with_column(table: Any, name: str, values: Any) -> Any:
    """The table with one more column.

    Raises:
        UnusableValue: it has one of that name.
    """
    if name in list(table.columns):
        raise UnusableValue("/y", f"the table has a column {name}: say by target what y is to be called")
    if hasattr(table, "with_columns"):
        series: Any = type(next(iter(table.iter_columns())))
        return table.with_columns(series(name, plain(values, "/y")))
    return table.assign(**{name: plain(values, "/y")})


def _npz(arrays: Mapping[str, Any]) -> bytes:
    """Arrays in float64, whatever they are of; whoever has an array that NumPy reads has NumPy."""
    import numpy as np  # noqa: PLC0415 - the client needs it for nothing else

    content = io.BytesIO()
    np.savez_compressed(content, **{name: _float64(np, value, name) for name, value in arrays.items()})
    return content.getvalue()


def _float64(np: ModuleType, value: Any, name: str) -> Any:
    try:
        found = np.asarray(value)
        found = (found if found.dtype.kind in "biuf" else np.asarray(plain(value, f"/{name}"))).astype(np.float64)
    except ValueError as error:
        raise error if isinstance(error, UnusableValue) else UnusableValue(f"/{name}", str(error)) from None
    for entry in np.argwhere(~np.isfinite(found)):
        pointer = "/".join(["", name, *map(str, entry.tolist())])
        raise UnusableValue(pointer, f"{found[tuple(entry)]} is no finite number")
    return found


def _csv(table: Any) -> bytes:
    """A table as its library writes it: the shortest digits that give each number again."""
    if hasattr(table, "write_csv"):
        return str(table.write_csv()).encode()
    if hasattr(table, "to_csv"):
        return str(table.to_csv(index=False)).encode()
    raise UnusableValue("", f"a {type(table).__name__} is no data set: arrays by name, a table, or files are")


def _archive(files: Sequence[Path]) -> bytes:
    """An .npz file is no more than that: a zip archive of .npy files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        for file in files:
            members.write(file, f"{file.stem}.npy")
    return archive.getvalue()
