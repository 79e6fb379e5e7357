"""What a figure can be had as: pictures, its numbers, and its words."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class FileKind(StrEnum):
    """The ending of a file."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    CSV = "csv"
    TXT = "txt"


MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        FileKind.PNG: "image/png",
        FileKind.SVG: "image/svg+xml",
        FileKind.PDF: "application/pdf",
        FileKind.CSV: "text/csv; charset=utf-8",
        FileKind.TXT: "text/plain; charset=utf-8",
    }
)
"""The media type of each."""
