"""The delayed loss of stability of a run that interpolates while its step size is still growing.

Near an interpolator the residual along the top eigenvector of the Gram matrix, of eigenvalue λ, is multiplied by
1 − η_tλ at each step. While η_tλ < 2 it decays; beyond, it grows again, with its sign turning at each step. Nothing
else feeds it: what the second order of a step leaves in it follows the other modes smoothly and does not alternate. So
the run leaves the interpolator when it has won back all that it lost since it came near, which takes long.

Floating point cannot follow this. Steps below half a unit of 1 ∓ x are lost, so the run freezes where it is, and
rounding noise, many powers of ten too large, sets it free at a moment that the last bit of α decides, or never. Where
exact arithmetic is asked for, a run whose residual has become small waits where it is until the step at which the exact
one would be back. Derived here.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.per_run import PerRun
from core.training.batch import Batch
from core.training.limits import Limits
from core.training.loss_checks import LossChecks

NEAR: Final = 1e-6
"""Loss, relative to ½Ê[y²], below which a run is near its interpolator, and its modes evolve by themselves."""

FROZEN: Final = 1e-22
"""Loss, relative to ½Ê[y²], below which a warming run waits: a residual of 1e-11, which float64 still resolves."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DelayedInstability(PerRun):
    """The last check at which each run was `away` from any interpolator, and the step that it `waits_until`.

    That is 0 where it does not wait. `held_steps`: how many steps it has waited, or will have, in all.
    """

    away: Int64[np.ndarray, " run"]
    waits_until: Int64[np.ndarray, " run"]
    held_steps: Int64[np.ndarray, " run"]

    @classmethod
    def begin(cls, runs: int) -> Self:
        """No run is near an interpolator, none waits."""
        away, waits_until, held_steps = np.zeros((3, runs), dtype=np.int64)
        return cls(away=away, waits_until=waits_until, held_steps=held_steps)

    def waits(self, run: int, step: int) -> bool:
        """Whether a run stands still at this step."""
        return bool(self.waits_until[run] > step)

    def next_release(self, step: int) -> int | None:
        """The earliest step after this one at which a run has waited long enough; None where no run waits."""
        return min((until for until in self.waits_until.tolist() if until > step), default=None)

    def event_until(self, limits: Limits) -> Int64[np.ndarray, " run"]:
        """Up to which step a loss below `FROZEN` is an event."""
        return np.where(limits.may_hold & (self.waits_until == 0), np.minimum(limits.warmup_steps, limits.max_steps), 0)

    def note(self, checks: LossChecks, near: float) -> None:
        """Note for each run the last check whose loss was not below `near`."""
        away = ~(checks.losses <= near)
        last = len(checks.steps) - 1 - away[::-1].argmax(axis=0)
        self.away[:] = np.where(away.any(axis=0), checks.steps[last], self.away)

    def release(self, limits: Limits, step: int) -> list[int]:
        """Set free the runs that have waited long enough before their warm-up is over: they are to be perturbed.

        They are near once more, and from here on unstable: none waits again unless it has been away in between.
        """
        over = (self.waits_until > 0) & (self.waits_until <= step)
        released: list[int] = np.flatnonzero(_warming(limits, step) & over).tolist()
        self.waits_until[released], self.away[released] = 0, step
        return released

    def let_wait(self, batch: Batch, step: int, losses: Float64[np.ndarray, " run"]) -> None:
        """Let the warming runs wait whose residual has become small, as long as exact arithmetic would take."""
        frozen = (losses > 0) & (losses <= FROZEN * batch.problem.zero_loss)
        for index in np.flatnonzero(_warming(batch.limits, step) & (self.waits_until == 0) & frozen).tolist():
            until = release_step(
                step_size=batch.runs[index].step_size,
                warmup_steps=batch.runs[index].warmup_steps,
                since=int(self.away[index]),
                sharpness=batch.interpolator_sharpness(index),
            )
            self.waits_until[index] = until if until > step else 0
            self.held_steps[index] += max(min(until, batch.runs[index].max_steps) - step, 0)


def _warming(limits: Limits, step: int) -> Bool[np.ndarray, " run"]:
    """Runs that may wait at this step."""
    warming: Bool[np.ndarray, " run"] = limits.may_hold & (step < limits.warmup_steps) & (step < limits.max_steps)
    return warming


def release_step(*, step_size: float, warmup_steps: int, since: int, sharpness: float) -> int:
    """The step until which a run that has been near its interpolator since `since` stays where it is.

    With z = η_tλ growing linearly the exponent Σ ln|1 − z| is (W/ηλ)·[F(z) − F(z_since)], where
    F(z) = (z − 1)·ln|z − 1| − z falls up to z = 2 and rises beyond: the run is free where F is back at F(z_since). At
    most `warmup_steps`, when the run is judged at full step size like any other; `since` itself where the interpolator
    was unstable already then.
    """
    final = step_size * sharpness
    z_since = final * since / warmup_steps
    if z_since >= 2:
        return since
    if final <= 2 or _exponent(final) <= _exponent(z_since):
        return warmup_steps
    low, high = 2.0, final
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _exponent(middle) <= _exponent(z_since) else (low, middle)
    return math.ceil(warmup_steps * high / final)


def _exponent(z: float) -> float:
    return (z - 1) * math.log(abs(z - 1) or 1.0) - z
