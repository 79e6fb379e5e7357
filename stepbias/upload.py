"""A data set on its way to the service: the bytes that are sent, and what they are declared to be."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from stepbias.errors import ClientError

JSON: Final = "application/json"
ZIP: Final = "application/zip"

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType({".json": JSON, ".csv": "text/csv", ".npz": ZIP, ".zip": ZIP})
"""What a file is, by its ending."""

LONGEST_NAME: Final = 200

Data = Mapping[str, Any] | str | Path | Sequence[str | Path]
"""Arrays by name, nested lists or anything with `tolist`; a file; or the .npy files of one data set."""


class UnknownFile(ClientError):
    """A file whose ending does not say what it is."""


def encoded(data: Data) -> tuple[bytes, str]:
    """The bytes to send and their media type. Files are sent as they are, .npy files in one archive.

    Raises:
        UnknownFile: the ending of a file is not known.
        ValueError: an array holds NaN or infinity, which JSON has no words for.
        OSError: a file cannot be read.
    """
    if isinstance(data, Mapping):
        return json.dumps(dict(data), allow_nan=False, default=_plain).encode(), JSON
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
    is_one = not isinstance(data, Mapping) and len(data) == 1
    return Path(next(iter(data))).name[:LONGEST_NAME] if is_one else None


def _plain(value: Any) -> Any:
    """Numbers and lists of them, of an array of any library."""
    if not hasattr(value, "tolist"):
        raise TypeError(f"{type(value).__name__} is no array")
    return value.tolist()


def _archive(files: Sequence[Path]) -> bytes:
    """An .npz file is no more than that: a zip archive of .npy files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        for file in files:
            members.write(file, f"{file.stem}.npy")
    return archive.getvalue()
