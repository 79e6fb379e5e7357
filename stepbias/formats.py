"""What results are sent and saved as, by the ending of a file."""

from pathlib import Path
from typing import Final

RESULT_FORMATS: Final = ("json", "csv", "ndjson", "parquet", "npz")


def ending(file: Path) -> str:
    """What comes after the last dot of its name, in small letters: names on some systems are in large ones."""
    return file.suffix[1:].lower()
