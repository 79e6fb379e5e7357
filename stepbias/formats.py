"""What results are sent and saved as, by the ending of a file."""

from typing import Final

RESULT_FORMATS: Final = ("json", "csv", "ndjson", "parquet", "npz")
