"""How runs end, judged on evidence: the loss at regular checks, linear stability, and how the iterates cycle.

A loss below the tolerance is not enough: during warm-up it shows nothing about η, and rounding can freeze a run on an
interpolator where gradient descent at η is unstable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.completion.completion import Completion
from core.descent.loss_events import LossEvents
from core.descent.per_run import PerRun
from core.outcome import Outcome
from core.training.batch import Batch
from core.training.completion_attempts import CompletionAttempts
from core.training.delayed_instability import FROZEN, NEAR, DelayedInstability
from core.training.edge_crossings import EdgeCrossings
from core.training.escapes import Escapes
from core.training.landmarks import Landmarks
from core.training.loss_checks import CHECK_INTERVAL, LossChecks
from core.training.oscillation import WINDOW, Oscillation, ThreeSteps, WindowEnd
from core.training.penalised_limit import rests_at_penalised_limit
from core.training.settling import Settling
from core.training.training_run import Cycle, TrainingRun


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Verdict:
    """How a run ended, what it is completed to if it is, and how it cycles if it does."""

    outcome: Outcome
    completion: Completion | None = None
    cycle: Cycle | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evidence(PerRun):
    """All that the verdicts on the runs of a batch rest on."""

    settling: Settling
    oscillation: Oscillation
    instability: DelayedInstability
    escapes: Escapes
    attempts: CompletionAttempts
    edge_crossings: EdgeCrossings
    landmarks: Landmarks

    @classmethod
    def begin(cls, runs: Sequence[TrainingRun], parts: int, dim: int) -> Self:
        """Nothing has been seen."""
        return cls(
            settling=Settling.begin(len(runs)),
            oscillation=Oscillation.begin(len(runs), parts, dim),
            instability=DelayedInstability.begin(len(runs)),
            escapes=Escapes.begin(len(runs)),
            attempts=CompletionAttempts.begin(runs, dim),
            edge_crossings=EdgeCrossings.begin(len(runs)),
            landmarks=Landmarks.begin(len(runs), dim),
        )

    @property
    def moves_from(self) -> Int64[np.ndarray, " run"]:
        """The step from which on each run moves; it stands still before."""
        return self.instability.waits_until

    def perturbations(self, run: int) -> int:
        """How many times a run was perturbed."""
        return int(self.escapes.count[run])

    def held_steps(self, run: int) -> int:
        """How many steps of size 0 a run took on an interpolator."""
        return int(self.instability.held_steps[run])

    def loss_grew(self, run: int) -> bool:
        """Whether the loss of a run grew somewhere."""
        return bool(self.edge_crossings.grew_at[run])

    def next_due(self, batch: Batch, step: int) -> int:
        """The earliest step after which the verdicts may change whatever the losses are."""
        releases = [self.instability.next_release(step), self.settling.next_release(step)]
        due = [int(batch.limits.max_steps.min()), self.attempts.next_due(), *releases]
        return min(after for after in due if after is not None)

    def events(self, batch: Batch, step: int) -> LossEvents:
        """The losses after `step` at which the verdicts may change."""
        limits = batch.limits
        return LossEvents(
            start=step,
            interval=CHECK_INTERVAL,
            converged_below=self.settling.event_below(limits, step),
            converged_from=self.settling.event_from(limits),
            frozen_below=np.full(len(batch.runs), FROZEN * batch.problem.zero_loss),
            frozen_until=self.instability.event_until(limits),
            diverged_above=limits.divergence,
        )

    def at_window_end(
        self, batch: Batch, step: int, losses: Float64[np.ndarray, " run"], theta: ThreeSteps
    ) -> WindowEnd:
        """Which runs oscillate or stand still, by the window that ended at `step` and the three iterates from there."""
        impossible = batch.problem.never_stable.above(batch.limits.equivalent_step_size, theta[0])
        return self.oscillation.at_window_end(batch.limits, step, losses, theta, impossible)

    def verdicts(self, batch: Batch, checks: LossChecks, window: WindowEnd | None) -> dict[int, Verdict]:
        """The verdict on every run that ends at the last of these checks, by its index in the batch.

        A run that diverged is not called anything else; else a limit completes what would only run out of budget.
        """
        step, limits = checks.last_step, batch.limits
        self._follow_instability(batch, checks)
        ended = _each(limits.exhausted(step), Outcome.BUDGET_EXHAUSTED)
        if window is not None:
            ended |= _each(window.still, Outcome.STANDSTILL)
            ended |= {run: Verdict(outcome=Outcome.OSCILLATING, cycle=cycle) for run, cycle in window.cycles.items()}
        ended = {run: verdict for run, verdict in ended.items() if not batch.runs[run].takes_all_steps}
        ended |= _each(limits.stopped(step), Outcome.STOPPED)
        ended |= self._penalised(batch, step, ended)
        ended |= self._settled(batch, checks)
        ended |= self._completed(batch, checks, ended)
        ended |= _each(limits.diverged(checks.losses[-1]), Outcome.DIVERGED)
        return self._met(batch, step) | ended

    def _met(self, batch: Batch, step: int) -> dict[int, Verdict]:
        """Twins that end at the landmark of their run, as the run did."""
        disturbed = np.maximum(self.edge_crossings.grew_at, self.escapes.last)
        return dict.fromkeys(self.landmarks.look(batch, step, disturbed), Verdict(outcome=Outcome.CONVERGED))

    def _follow_instability(self, batch: Batch, checks: LossChecks) -> None:
        """Perturb the runs that have waited for their delayed instability, and let those wait that are frozen."""
        step = checks.last_step
        self.instability.note(checks, NEAR * batch.problem.zero_loss)
        for index in self.instability.release(batch.limits, step):
            self.escapes.perturb(batch, index, step)
        self.instability.let_wait(batch, step, checks.losses[-1])

    def _settled(self, batch: Batch, checks: LossChecks) -> dict[int, Verdict]:
        self.oscillation.note(checks)
        settled = np.flatnonzero(self.settling.at_checks(batch.limits, checks)).tolist()
        step, losses = checks.last_step, checks.losses[-1]
        let_go = [index for index in settled if not self.settling.holds(batch.limits, index, step, losses[index])]
        outcomes = {index: self._at_interpolator(batch, index, step) for index in let_go}
        return {index: Verdict(outcome=outcome) for index, outcome in outcomes.items() if outcome is not None}

    def _at_interpolator(self, batch: Batch, index: int, step: int) -> Outcome | None:
        """A run whose loss is below the tolerance: converged if it is stable there, else perturbed, to go on."""
        run = batch.runs[index]
        instability = batch.instability(index)
        if instability < 0:
            return Outcome.STATIONARY if batch.problem.dataset.least_loss else Outcome.CONVERGED
        if not run.perturb_unstable or batch.problem.zero_loss == 0:
            return Outcome.UNSTABLE_INTERPOLATOR
        if run.max_steps <= step:
            return Outcome.BUDGET_EXHAUSTED
        self.escapes.perturb(batch, index, step)
        self.settling.let_grow(index, step, instability)
        return None

    def _penalised(self, batch: Batch, step: int, ended: Mapping[int, Verdict]) -> dict[int, Verdict]:
        """Runs whose weights decay for ever and that rest at the least penalised loss, seen at the ends of windows.

        Every batch stops there; and where they would end in another way.
        """
        limits = batch.limits
        due = (step >= np.maximum(limits.settled_from, limits.judged_from)) if step % WINDOW == 0 else []
        found = {*np.flatnonzero(due).tolist(), *(run for run in ended if step >= limits.settled_from[run])}
        resting = [run for run in sorted(found) if rests_at_penalised_limit(batch, run)]
        return dict.fromkeys(resting, Verdict(outcome=Outcome.STATIONARY))

    def _completed(self, batch: Batch, checks: LossChecks, ended: dict[int, Verdict]) -> dict[int, Verdict]:
        """The limits of runs that are due, and of those that would be let go without one."""
        step, found = checks.last_step, {}
        let_go = [index for index, verdict in ended.items() if verdict.outcome is Outcome.CONVERGED]
        for index in sorted({*self.attempts.at_check(batch.limits, step), *let_go}):
            if index in ended and ended[index].outcome not in {Outcome.BUDGET_EXHAUSTED, Outcome.CONVERGED}:
                continue
            if not self.attempts.is_time(batch, index, step):
                continue
            loss = float(checks.losses[-1, index])
            is_ripe = self.attempts.is_ripe(index, step, loss) or index in let_go
            if self.instability.waits(index, step):
                continue
            completion = self.attempts.attempt(batch, index, step, loss) if is_ripe else None
            completion = completion or self.attempts.attempt_ahead(batch, index, step)
            if completion is not None:
                found[index] = Verdict(outcome=Outcome.CONVERGED, completion=completion)
        return found


def _each(runs: Bool[np.ndarray, " run"], outcome: Outcome) -> dict[int, Verdict]:
    return dict.fromkeys(np.flatnonzero(runs).tolist(), Verdict(outcome=outcome))
