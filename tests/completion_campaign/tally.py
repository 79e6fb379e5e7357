"""What a campaign counts: the judgements of completed runs, and how all others ended."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.completion.completion import Completer, Completion
from core.training.problem import Problem
from core.training.training_run import CompletedLimit, TrainedRun
from tests.completion_campaign.continuation import KICK_GROWTH, NEAR_ENOUGH, ROUNDING, Continuation


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judgement:
    """A completed run with its continuation; `where` names its batch and place, for drawing it again."""

    where: str
    trained: TrainedRun
    continuation: Continuation

    @property
    def completion(self) -> CompletedLimit:
        """The limit, and what is claimed of its error."""
        assert self.trained.completion is not None
        return self.trained.completion

    @property
    def tolerance(self) -> float:
        """Of the completion."""
        return self.trained.run.completion_tolerance

    @property
    def is_proven(self) -> bool:
        """Whether the limit was believed for its bound; else two attempts agreed."""
        return self.completion.bound <= self.tolerance

    @property
    def is_finished(self) -> bool:
        """Whether the continuation came to its end; if not, its distance from the limit says little."""
        return self.continuation.rest <= NEAR_ENOUGH * self.tolerance

    @property
    def faults(self) -> list[str]:
        """What is wrong with the completion, where the continuation came to its end; else what is wrong in any case.

        A run that strides were taken of may ride the edge of stability for as long as it is followed.
        """
        end, allowed, found = self.continuation, ROUNDING + KICK_GROWTH * self.continuation.kick, list[str]()
        if not end.threshold < 2 and (self.is_finished or not self.completion.by_strides):
            found.append(f"ηλ = {end.threshold:.9g} where the continuation ends")
        if not np.isfinite(end.error) or end.error > 10 * end.start + allowed:
            found.append(f"the continuation goes away, from {end.start:.2e} to {end.error:.2e}")
        if self.is_finished:
            allowed += end.rest
            if end.error > self.tolerance + allowed:
                found.append(f"error {end.error:.2e} above the tolerance {self.tolerance:.0e}")
            if end.error > self.completion.bound + allowed:
                found.append(f"error {end.error:.2e} above the bound {self.completion.bound:.2e}")
        return found

    def ratio(self, scale: float) -> float:
        """The error, less what rounding and the rest of the way explain of it, over a scale."""
        return max(self.continuation.error - self.continuation.rest - ROUNDING, 0.0) / scale


@dataclass(kw_only=True, slots=True)
class Tally:
    """The counts so far."""

    judged: list[Judgement] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)

    def count_refusal(self, problem: Problem, trained: TrainedRun) -> None:
        """A run that was not completed: how it ended, and what completion has to say of its last iterate."""
        self.outcomes[trained.outcome] += 1
        found = Completer(problem.dataset, problem.network).complete(
            trained.theta, step_size=trained.run.step_size, tolerance=trained.run.completion_tolerance
        )
        self.refusals["would be accepted" if isinstance(found, Completion) else found] += 1

    @property
    def faulty(self) -> list[Judgement]:
        """Those whose completion is wrong."""
        return [judgement for judgement in self.judged if judgement.faults]

    def lines(self) -> Iterator[str]:
        """The report."""
        finished = [judgement for judgement in self.judged if judgement.is_finished]
        kicked = [judgement for judgement in finished if judgement.continuation.kick]
        plain = [judgement for judgement in finished if not judgement.continuation.kick]
        unfinished = [judgement for judgement in self.judged if not judgement.is_finished]
        proven = sum(judgement.is_proven for judgement in self.judged)
        yield f"{len(self.judged)} runs completed, {proven} by proof, {len(self.judged) - proven} by confirmation"
        yield f"{len(plain)} continued to their end, {len(kicked)} more with a kick, {len(unfinished)} not to the end"
        yield f"not completed: {_counted(self.outcomes)}; their last iterates: {_counted(self.refusals)}"
        yield from _worst("error/tolerance", plain, lambda judgement: judgement.ratio(judgement.tolerance))
        estimated = [judgement for judgement in plain if not judgement.is_proven]
        for name, some in (("all", plain), ("by confirmation", estimated)):
            yield from _worst(
                f"error/estimate, {name}",
                some,
                lambda judgement: judgement.ratio(judgement.completion.estimate),
            )
        bounded = [judgement for judgement in plain if np.isfinite(judgement.completion.bound)]
        yield from _worst("error/bound", bounded, lambda judgement: judgement.ratio(judgement.completion.bound))
        yield from _worst(
            "with a kick, error/tolerance", kicked, lambda judgement: judgement.ratio(judgement.tolerance)
        )
        yield from _worst(
            "not to the end, error/rest",
            unfinished,
            lambda judgement: judgement.continuation.error / judgement.continuation.rest,
        )
        within = sum(judgement.continuation.error <= judgement.tolerance for judgement in unfinished)
        yield f"not to the end: {within} within the tolerance of their limit already"
        yield f"{len(self.faulty)} faulty"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def _worst(name: str, judged: Sequence[Judgement], ratio: Callable[[Judgement], float]) -> Iterator[str]:
    if judged:
        ratios = np.array([ratio(judgement) for judgement in judged])
        worst = judged[int(ratios.argmax())]
        yield f"{name}: worst {ratios.max():.3g} ({worst.where}), median {np.median(ratios):.2g}, of {len(judged)}"
