"""What every figure of an experiment is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.curves import Analysis
from core.grid import Grid
from core.result import Summary


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """The runs of a grid that are there, None for each other one, and the analyses of its data sets by data key.

    `name` is the experiment's, in its user's words.
    """

    grid: Grid
    summaries: Sequence[Summary | None]
    analyses: Mapping[str, Analysis]
    name: str

    @property
    def runs_done(self) -> int:
        """How many runs are there."""
        return sum(summary is not None for summary in self.summaries)

    @property
    def runs_converged(self) -> int:
        """How many of them converged."""
        return sum(summary is not None and summary["outcome"] == "converged" for summary in self.summaries)

    @property
    def max_stable_step(self) -> float | None:
        """The largest stable step size η*; None where data sets differ, or before the analysis."""
        if self.grid.data_sets > 1:
            return None
        step: float | None = self.analyses.get(self.grid.run(0).data_key, {}).get("max_stable_step")
        return step
