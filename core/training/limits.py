"""The numbers that each run of a batch is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.data.regression import train_loss
from core.training.loss_checks import NEVER
from core.training.problem import Problem
from core.training.training_run import TrainingRun

DIVERGENCE_FACTOR: Final = 1e12

TIGHTER: Final = 1e-10
"""A run that may be completed is let go by iteration at this multiple of its tolerance, if no limit is found before."""

TIGHTEST: Final = 1e-22
"""But at this loss relative to ½Ê[y²], unless its tolerance asks for less: a residual that float64 still resolves."""

RESOLVED: Final = 1e-13
"""Least tolerance, relative to ½Ê[y²], where the loss tends to something else than 0 and has its rounding."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Limits:
    """Steps and absolute losses, for each run.

    `equivalent_step_size` is that of gradient descent for which the same interpolators are stable at the step size that
    a run ends with; 0 where weight decay leads elsewhere than to an interpolator. From `settled_from` on a run is at
    that step size, free of label noise, and its decay is over or goes on for ever. `may_cycle`: its step is a function
    of θ alone, so that a cycle, once it is at rest, goes on for ever. `start_loss` is the loss of the start,
    `divergence` that beyond which a run has diverged. One that `may_hold` waits on an interpolator while its step size
    grows. A run that `may_complete` does not insist on iterating to its `tolerance`, and goes on from there until its
    loss is `tight`. Before `judged_from` it ends by divergence alone. With weight decay that goes on for ever no loss
    is low enough: `tolerance` is −1 (see `core.training.penalised_limit`).
    """

    step_size: Float64[np.ndarray, " run"]
    equivalent_step_size: Float64[np.ndarray, " run"]
    warmup_steps: Int64[np.ndarray, " run"]
    settled_from: Int64[np.ndarray, " run"]
    max_steps: Int64[np.ndarray, " run"]
    tolerance: Float64[np.ndarray, " run"]
    tight: Float64[np.ndarray, " run"]
    start_loss: Float64[np.ndarray, " run"]
    divergence: Float64[np.ndarray, " run"]
    may_cycle: Bool[np.ndarray, " run"]
    perturb_unstable: Bool[np.ndarray, " run"]
    may_hold: Bool[np.ndarray, " run"]
    may_complete: Bool[np.ndarray, " run"]
    judged_from: Int64[np.ndarray, " run"]

    @classmethod
    def of(cls, problem: Problem, runs: Sequence[TrainingRun]) -> Self:
        """Those of some runs on one problem."""
        step_size = np.array([run.step_size for run in runs])
        warmup_steps = np.array([run.warmup_steps for run in runs], dtype=np.int64)
        noise_steps = np.array([run.optimizer.noise_steps for run in runs], dtype=np.int64)
        relative = np.array([run.loss_tolerance for run in runs])
        start_loss = np.array([_start_loss(problem, run) for run in runs])
        decays = np.array([run.weight_decay.lasts for run in runs], dtype=np.bool_)
        return cls(
            step_size=step_size,
            equivalent_step_size=np.array(
                [0.0 if run.weight_decay.lasts else run.optimizer.step_of_descent(run.end_step_size) for run in runs]
            ),
            warmup_steps=warmup_steps,
            settled_from=np.maximum([_steady_from(run) for run in runs], noise_steps).astype(np.int64),
            max_steps=np.array([run.max_steps for run in runs], dtype=np.int64),
            tolerance=np.where(decays, -1.0, _tolerance(problem, relative, start_loss)),
            tight=np.minimum(relative, np.maximum(TIGHTER * relative, TIGHTEST)) * (problem.zero_loss or start_loss),
            start_loss=start_loss,
            divergence=np.minimum(DIVERGENCE_FACTOR * np.fmax(start_loss, problem.zero_loss), np.finfo(np.float64).max),
            may_cycle=np.array([run.optimizer.is_map_of_theta for run in runs], dtype=np.bool_),
            perturb_unstable=np.array([run.perturb_unstable for run in runs], dtype=np.bool_),
            may_hold=np.array([run.holds and run.optimizer.follows_gradient for run in runs], dtype=np.bool_),
            may_complete=np.array(
                [run.completion_tolerance > 0 and not problem.dataset.least_loss for run in runs], dtype=np.bool_
            ),
            judged_from=np.array([run.max_steps if run.takes_all_steps else 0 for run in runs], dtype=np.int64),
        )

    def diverged(self, losses: Float64[np.ndarray, " run"]) -> Bool[np.ndarray, " run"]:
        """Loss not finite, or beyond 10¹² times the initial one."""
        gone: Bool[np.ndarray, " run"] = ~(losses <= self.divergence)
        return gone

    def exhausted(self, step: int) -> Bool[np.ndarray, " run"]:
        """Whether the budget ends at this step or has ended before."""
        over: Bool[np.ndarray, " run"] = self.max_steps <= step
        return over

    def stopped(self, step: int) -> Bool[np.ndarray, " run"]:
        """Whether a run that takes all its steps has taken them."""
        over: Bool[np.ndarray, " run"] = (self.judged_from > 0) & (self.judged_from <= step)
        return over


def _tolerance(
    problem: Problem, relative: Float64[np.ndarray, " run"], start_loss: Float64[np.ndarray, " run"]
) -> Float64[np.ndarray, " run"]:
    """The loss at which a run settles: so much above the least one that there is; of that at the start where y = 0."""
    if not problem.dataset.least_loss:
        of_zero: Float64[np.ndarray, " run"] = relative * (problem.zero_loss or start_loss)
        return of_zero
    resolved, lost = RESOLVED * problem.zero_loss, problem.zero_loss - problem.dataset.least_loss
    tolerance: Float64[np.ndarray, " run"] = problem.dataset.least_loss + np.maximum(relative * lost, resolved)
    return tolerance


def _start_loss(problem: Problem, run: TrainingRun) -> float:
    with np.errstate(all="ignore"):
        return float(train_loss(problem.network.predictor(run.initial), problem.dataset.X, problem.dataset.y))


def _steady_from(run: TrainingRun) -> int:
    """When a run is at the step size that it ends with; never where that is 0, which shows nothing, or has no end."""
    return run.steady_from if 0 < run.end_step_size < np.inf else NEVER
