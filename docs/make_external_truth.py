"""Renew the tables of docs/external-truth.md: every number is computed anew, in some minutes for the laws.

Run from the root as `python -m docs.make_external_truth`, or by `make external-truth`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from docs.make_reference import renewed, table
from tests.external_truth import ascent, descent, lasso_path, minibatches, paper, saddles, unbalanced
from tests.external_truth.row import Bound, Draw, Row

PAGE: Final = Path(__file__).with_name("external-truth.md")

ROWS: Final[dict[str, Callable[[], Sequence[Row]]]] = {
    "descent of 2022": descent.sam_rows,
    "descent of 2023": descent.sparse_features_rows,
    "ascents of 2022": ascent.rows,
    "changes of 2022": ascent.change_rows,
    "minibatches of 2023": minibatches.rows,
    "unbalanced layers of 2021": unbalanced.descent_rows,
    "minimiser of 2021": unbalanced.solver_rows,
    "saddles of 2026": saddles.rows,
    "scales": saddles.scale_rows,
    "the paper": paper.rows,
}
"""Numbers that are found again."""

DRAWS: Final[dict[str, Callable[[], Sequence[Draw]]]] = {
    "decays of 2023": descent.decay_draws,
    "laws of minibatches": minibatches.draws,
    "monotone paths": lasso_path.draws,
}
"""Numbers that are one draw of a law."""

SLOW_ROWS: Final[dict[str, Callable[[], Sequence[Row]]]] = {"label noise": paper.label_noise_rows}
"""Numbers that are found again in more than some seconds."""

BOUNDS: Final[dict[str, Callable[[], Sequence[Bound]]]] = {"bounds of 2020": paper.woodworth_bounds}

HEADS: Final = {
    "what, printed, here, digits that agree": ROWS | SLOW_ROWS,
    "what, printed, least to greatest here, where it is": DRAWS,
    "what, proven, here, does it": BOUNDS,
}


def _table(head: str, rows: Callable[[], Sequence[Row | Draw | Bound]]) -> str:
    return table(head, (row.cells() for row in rows()))


def main() -> None:
    """Write the tables anew."""
    tables = {
        name: (lambda head=head, rows=rows: _table(head, rows))
        for head, groups in HEADS.items()
        for name, rows in groups.items()
    }
    equal = [(f"{radius:g}", f"{loss:.6f}") for radius, loss in ascent.at_equal_steps()]
    tables["equal steps"] = lambda: table("ρ, test loss of n-SAM at γ = 1/2", equal)
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
