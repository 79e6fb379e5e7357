"""Without pyarrow pandas reads no Parquet: Polars reads the file in its place."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl


def read_parquet(path: Path) -> Any:
    """The table in a file."""
    return pd.DataFrame(pl.read_parquet(path).to_dict(as_series=False))


pd.read_parquet = read_parquet  # type: ignore[assignment]  # of what pandas takes, one parameter
