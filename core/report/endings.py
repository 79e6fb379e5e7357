"""Why runs ended as they did: of each way to end, among the same thresholds of the step size, one run's explanation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.results.explanation import exceeded, explained
from core.results.result import Summary
from core.sweep.grid import Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How many `runs` had this `outcome` with a step size above the same thresholds.

    `explanation` is that of `run`, the first of them by its index.
    """

    outcome: str
    runs: int
    above: tuple[str, ...]
    run: int
    explanation: str

    def to_document(self) -> dict[str, Any]:
        """The ending as JSON."""
        return asdict(self) | {"above": list(self.above)}


def endings(grid: Grid, summaries: Sequence[Summary | None]) -> tuple[Ending, ...]:
    """Those of the runs of the grid that are stored, the most frequent first."""
    alike: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for index, summary in enumerate(summaries):
        if summary is not None:
            alike.setdefault((str(summary["outcome"]), exceeded(summary)), []).append(index)
    found = [
        Ending(
            outcome=outcome,
            runs=len(indices),
            above=above,
            run=indices[0],
            explanation=explained(grid.run(indices[0]), summaries[indices[0]] or {}),
        )
        for (outcome, above), indices in alike.items()
    ]
    return tuple(sorted(found, key=lambda ending: -ending.runs))
