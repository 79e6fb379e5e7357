"""The largest step size from which gradient descent converges, found by experiment: next to η* = 2/min λ_max in theory.

A step size converges or does not; the bracket between the two is divided again and again, by sixteen step sizes at a
time, because a tile of runs costs what one run costs. All probes begin at the same start, with the same warm-up and
random streams.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.outcome import Outcome
from core.stability.step_bracket import PROBES, divided, parts_of
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trials import SearchResult


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StepSearch:
    """A run whose step size is looked for between `lower` and `upper` times that of `run`.

    The bracket is [largest probe that converged, next probe above it that did not]. It is divided anew, geometrically,
    until its ends are within a factor 1 + `resolution`. Convergence need not be monotone in η: the largest probe of all
    that converged counts, whatever failed below it. To fail is to end in any other way, by a budget that does not
    suffice, too: it limits how close to η* a step size can be seen to converge (see `core.planning.cost`).
    """

    run: TrainingRun
    lower: float
    upper: float
    resolution: float

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """First probes from end to end, the ends included; later ones strictly inside the bracket."""
        return [replace(self.run, step_size=step_size) for step_size in self._step_sizes(history)]

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """The ends of the bracket: every later probe lies between them."""
        return [trained for trained in _bracket(history) if trained is not None]

    def result(self, history: Sequence[TrainedRun]) -> SearchResult:
        """The largest probe that converged, with the next above it that failed as `first_failing_step`.

        That is NaN where the upper end converged. Where nothing did, the lower end stands for the run, which failed.
        """
        best, failing = _bracket(history)
        trained = best or failing
        if trained is None:
            raise ValueError("a search without probes has found nothing")
        first_failing_step = math.nan if failing is None else failing.run.step_size
        return SearchResult(trained=trained, extras={"first_failing_step": first_failing_step})

    def _step_sizes(self, history: Sequence[TrainedRun]) -> list[float]:
        if not history:
            low, high = self.run.step_size * self.lower, self.run.step_size * self.upper
            return divided(low, high, max(parts_of(low, high, self.resolution, PROBES - 1), 1))
        best, failing = _bracket(history)
        if best is None or failing is None:
            return []
        low, high = best.run.step_size, failing.run.step_size
        return divided(low, high, parts_of(low, high, self.resolution, PROBES + 1))[1:-1]


def _bracket(history: Sequence[TrainedRun]) -> tuple[TrainedRun | None, TrainedRun | None]:
    """The largest step size that converged, and the smallest above it that did not; None for what there is not."""
    ordered = sorted(history, key=lambda trained: trained.run.step_size)
    best = next((trained for trained in reversed(ordered) if trained.outcome is Outcome.CONVERGED), None)
    above = ordered if best is None else ordered[ordered.index(best) + 1 :]
    return best, next(iter(above), None)
