"""When a run in training is tried to be completed, and when the limit that is found is believed (`core.completion`).

A limit is believed at once where its error is proven to be within the tolerance. Else the estimate must be within it,
and an attempt at a step smaller by a quarter, or more, must have found the same to a tenth of the tolerance.

An error that is too large falls with the loss, and hardly faster than its square: until the loss has fallen by nearly
the root of what is wanted, no attempt is made.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.completion.completion import Completion, Unsettled
from core.completion.stride_cost import LEAST_STEPS, steps_worth_strides
from core.completion.warm_up import WarmUp
from core.descent.per_run import PerRun
from core.training.batch import Batch
from core.training.limits import Limits
from core.training.loss_checks import FIRST_ATTEMPT, NEVER, SPACING, at_check_from
from core.training.training_run import TrainingRun, stepping

AHEAD_SPACING: Final = 1.15
"""From one attempt with strides to the next at least, beside `steps_worth_strides`."""

CONFIRMED_AFTER: Final = 1.25
CONFIRMED_WITHIN: Final = 0.1
REMEMBERED_WITHIN: Final = 10.0
"""Multiple of the tolerance below which an estimate makes a limit worth remembering, to be confirmed later."""

EARLY: Final = 1.25
"""Factor by which the loss may be above what the error asks for: a run that goes on for nothing costs the most."""

LARGEST_FALL: Final = 0.01
"""Factor by which the loss falls at most before another attempt: the error may have been out of reach of float64."""

NEARLY_PROVEN: Final = 4.0
"""Multiple of the tolerance below which a bound is expected to prove a limit before an estimate can be confirmed."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompletionAttempts(PerRun):
    """For each run the step from which on it is `due`, and its last unconfirmed β, `found`, with the step of that.

    `found_at` is 0 where there is none. A run that is due is tried if its loss is `below`, and put off if not. From
    `ahead_from` on it is tried with strides.
    """

    due: Int64[np.ndarray, " run"]
    below: Float64[np.ndarray, " run"]
    found_at: Int64[np.ndarray, " run"]
    found: Float64[np.ndarray, "run dim"]
    ahead_from: Int64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: Sequence[TrainingRun], dim: int) -> Self:
        """Nothing has been found."""
        return cls(
            due=np.array([first_attempt(run) for run in runs], dtype=np.int64),
            below=np.full(len(runs), np.inf),
            found_at=np.zeros(len(runs), dtype=np.int64),
            found=np.full((len(runs), dim), np.nan),
            ahead_from=np.array([0 if _may_be_strided(run) else NEVER for run in runs], dtype=np.int64),
        )

    def next_due(self) -> int:
        """The earliest step from which on any run is due."""
        return int(self.due.min(initial=NEVER))

    def at_check(self, limits: Limits, step: int) -> list[int]:
        """The runs that are due, and those whose budget ends unless they never are."""
        tried: Bool[np.ndarray, " run"] = (self.due <= step) | (limits.exhausted(step) & (self.due < NEVER))
        return list(np.flatnonzero(tried).tolist())

    def attempt(self, batch: Batch, index: int, step: int, loss: float) -> Completion | None:
        """The limit of a run that is ripe, if it is believed and the run is at full step size."""
        run, completer = batch.runs[index], batch.problem.completer
        tolerance, remembered = run.completion_tolerance, REMEMBERED_WITHIN * run.completion_tolerance
        is_settled = step >= batch.limits.settled_from[index]
        step_size = run.end_step_size if is_settled else run.largest_step_size_from(step)
        if not completer.is_worth_trying(loss=loss, step_size=step_size, tolerance=tolerance):
            return None
        theta = batch.descent.theta[:, index].copy()
        after = stepping(run, batch.velocity(index), len(batch.problem.dataset.y))
        found = completer.complete(theta, step_size=step_size, tolerance=remembered, stepping=after)
        if isinstance(found, Unsettled):
            self.has_failed(index, loss, found.error, remembered)
        if not isinstance(found, Completion):
            return None
        if run.wants_proof and found.bound > tolerance:
            self.has_failed(index, loss, found.bound, tolerance)
            return None
        if not self.believes(index, step, loss, found, tolerance):
            return None
        is_proven = found.bound <= tolerance  # of any step sizes that are this one at most
        return found if is_settled or (is_proven and _comes_to_full_step_size(run)) else None

    def attempt_ahead(self, batch: Batch, index: int, step: int) -> Completion | None:
        """The limit of a run of plain descent that strides find, if its steps have cost as much as they do."""
        if not self._is_worth_strides(batch, index, step):
            return None
        run, theta = batch.runs[index], batch.descent.theta[:, index].copy()
        self.ahead_from[index] = max(math.ceil(AHEAD_SPACING * step), step + _apart(batch), run.steady_from)
        found = batch.problem.completer.complete_ahead(
            theta,
            step_size=run.end_step_size,
            tolerance=run.completion_tolerance,
            warm_up=WarmUp(taken=step, steps=run.warmup_steps),
        )
        return found if isinstance(found, Completion) else None

    def is_time(self, batch: Batch, index: int, step: int) -> bool:
        """Whether a run that is due is tried: early in a warm-up once, if strides cost less than what is left of it."""
        run, apart = batch.runs[index], _apart(batch)
        ordinary = _first_ordinary(run)
        if step >= min(run.steady_from, ordinary) or self._is_worth_strides(batch, index, step):
            return True
        self.due[index] = min(ordinary, at_check_from(apart)) if step < apart else ordinary
        return False

    def _is_worth_strides(self, batch: Batch, index: int, step: int) -> bool:
        """Whether it has taken as many steps as strides cost, and has as many to take until it may end without."""
        apart, run = _apart(batch), batch.runs[index]
        if step < max(int(self.ahead_from[index]), apart) or batch.problem.network.degree > 2:
            return False
        left = run.steady_from - step
        is_warming_alone = run.step_shape is None and not run.weight_decay.rate
        return left <= 0 or (is_warming_alone and left >= apart and _comes_to_full_step_size(run))

    def is_ripe(self, run: int, step: int, loss: float) -> bool:
        """Whether the loss of a run that is due lets an attempt succeed; when to ask again is noted."""
        self.due[run] = next_attempt(step)
        return loss <= float(self.below[run])

    def has_failed(self, run: int, loss: float, error: float, tolerance: float) -> None:
        """An attempt at this loss came to an error above the tolerance: the next one is for when it may be below."""
        self.below[run] = loss * max(LARGEST_FALL, EARLY * math.sqrt(tolerance / error))

    def believes(self, run: int, step: int, loss: float, limit: Completion, tolerance: float) -> bool:
        """Whether a limit that was found is believed; if not, it may be remembered, and the next attempt is put off."""
        if self._is_believed(run, step, limit, tolerance):
            return True
        least = min(limit.estimate, limit.bound)
        if least > tolerance:
            self.has_failed(run, loss, least, tolerance)
        elif limit.bound > NEARLY_PROVEN * tolerance:
            self.due[run] = max(int(self.due[run]), at_check_from(math.ceil(CONFIRMED_AFTER * self.found_at[run])))
        return False

    def _is_believed(self, run: int, step: int, limit: Completion, tolerance: float) -> bool:
        if limit.bound <= tolerance:
            return True
        since = int(self.found_at[run])
        if since and step < CONFIRMED_AFTER * since:
            return False
        apart = float(np.linalg.norm(limit.predictor - self.found[run])) if since else math.inf
        agrees = apart <= CONFIRMED_WITHIN * tolerance * float(np.linalg.norm(limit.predictor))
        if agrees and limit.estimate <= tolerance:
            return True
        if not agrees:
            self.found_at[run], self.found[run] = step, limit.predictor
        return False


def first_attempt(run: TrainingRun) -> int:
    """The check of the first attempt; never for a run that insists on iterating."""
    if not (run.completion_tolerance > 0 and 0 < run.end_step_size < math.inf) or run.weight_decay.lasts:
        return NEVER
    ordinary = _first_ordinary(run)
    return min(ordinary, at_check_from(LEAST_STEPS)) if _may_be_strided(run) else ordinary


def _first_ordinary(run: TrainingRun) -> int:
    """That of the first but for strides: it may be before a warm-up is over, to be confirmed by one after it."""
    noise_steps = run.optimizer.noise_steps
    settled_from = max(run.steady_from, noise_steps)
    return at_check_from(max(noise_steps or math.ceil(settled_from / CONFIRMED_AFTER), FIRST_ATTEMPT))


def _may_be_strided(run: TrainingRun) -> bool:
    """Never where steps are not of θ alone."""
    is_descent = run.optimizer.follows_gradient and not run.weight_decay.lasts
    return run.completion_tolerance > 0 and is_descent and not run.wants_proof


def _comes_to_full_step_size(run: TrainingRun) -> bool:
    """Whether its budget lets it, and nothing but the size of its steps is other before."""
    is_quiet = not (run.optimizer.noise_steps or run.weight_decay.rate)
    return run.steady_from <= run.max_steps and is_quiet and 0 < run.end_step_size < math.inf


def _apart(batch: Batch) -> int:
    return steps_worth_strides(batch.problem.dataset.X.size)


def next_attempt(step: int) -> int:
    """The check of the attempt after one at `step`."""
    return at_check_from(max(step + 1, math.ceil(step * SPACING)))
