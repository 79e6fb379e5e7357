"""Renew the tables of docs/external-truth.md: every number is computed anew, in some seconds.

Run from the root as `python -m docs.make_external_truth`, or by `make external-truth`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from docs.make_reference import renewed, table
from tests.external_truth import ascent, descent, saddles
from tests.external_truth.row import Row

PAGE: Final = Path(__file__).with_name("external-truth.md")

ROWS: Final[dict[str, Callable[[], Sequence[Row]]]] = {
    "descent of 2022": descent.sam_rows,
    "descent of 2023": descent.sparse_features_rows,
    "ascents of 2022": ascent.rows,
    "saddles of 2026": saddles.rows,
}


def _table(rows: Sequence[Row]) -> str:
    return table("what, printed, here, digits that agree", (row.cells() for row in rows))


def main() -> None:
    """Write the tables anew."""
    tables = {name: (lambda rows=rows: _table(rows())) for name, rows in ROWS.items()}
    equal = [(f"{radius:g}", f"{loss:.6f}") for radius, loss in ascent.at_equal_steps()]
    tables["equal steps"] = lambda: table("ρ, test loss of n-SAM at γ = 1/2", equal)
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
