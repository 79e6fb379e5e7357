"""The formats of results."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Format(StrEnum):
    """The formats of results, by the endings of their addresses; the first one where nothing is asked for."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    NPZ = "npz"

    @property
    def media_type(self) -> str:
        """What it is called in `Accept` and `Content-Type`."""
        return MEDIA_TYPES[self]


MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.JSON: "application/json",
        Format.NDJSON: "application/x-ndjson",
        Format.CSV: "text/csv",
        Format.PARQUET: "application/vnd.apache.parquet",
        Format.NPZ: "application/x-npz",
    }
)

ROWS: Final = frozenset({Format.NDJSON, Format.CSV, Format.PARQUET})
"""Those with a row for each run: what is written first is known when few runs are read."""

TEXT: Final = frozenset({Format.JSON, Format.NDJSON, Format.CSV})
"""Those that are sent as gzip where it is accepted; the others are compressed in themselves."""
