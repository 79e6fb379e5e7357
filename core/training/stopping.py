"""When a run has ended, judged on evidence: the loss at regular checks, linear stability, and how the iterates cycle.

A loss below the tolerance is not enough: during warm-up it shows nothing about η, and rounding can freeze a run on an
interpolator where gradient descent at η is unstable. Nor is a finite loss a sign of health: above the largest stable
step gradient descent settles on a cycle, bounded for ever; and a run that stands still may only be near a saddle.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

CHECK_INTERVAL: Final = 64
"""Steps between two looks at the loss. Even, so that a cycle of period two shows the same phase at every check."""

WINDOW: Final = 8192
"""Steps of a window, the unit in which a plateau and a cycle are judged; a multiple of `CHECK_INTERVAL`."""

DIVERGENCE_FACTOR: Final = 1e12
PLATEAU_WINDOWS: Final = 3
CYCLE_WINDOWS: Final = 4
FIRST_PATIENCE: Final = 2048
"""Steps that a first kick is given to grow at least; doubled with each kick."""

KICK_GROWTH: Final = 1e9
"""Factor by which a kick grows until it moves the run: it is made a relative 1e-9 of y."""

MOST_FORESIGHT: Final = 2**20
"""Most steps that a kick is given at once because an instability is weak."""


def at_check_from(step: int) -> int:
    """The first check at or after a step."""
    return -(-step // CHECK_INTERVAL) * CHECK_INTERVAL


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Glances:
    """The losses at successive checks, and whether something was seen at the last of them."""

    steps: Int64[np.ndarray, " check"]
    losses: Float64[np.ndarray, "check run"]
    alarmed: bool

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other."""
        return cls(
            steps=np.concatenate([part.steps for part in parts]),
            losses=np.concatenate([part.losses for part in parts]),
            alarmed=parts[-1].alarmed,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Limits:
    """What the runs of a batch are held to. `tolerance` and `initial_loss` are absolute losses.

    From `settled_from` on a run is at its full step size and free of label noise. `may_cycle`: its step is a function
    of θ alone, so that a cycle, once it is at rest, goes on for ever.
    """

    step_size: Float64[np.ndarray, " run"]
    warmup_steps: Int64[np.ndarray, " run"]
    settled_from: Int64[np.ndarray, " run"]
    max_steps: Int64[np.ndarray, " run"]
    tolerance: Float64[np.ndarray, " run"]
    initial_loss: Float64[np.ndarray, " run"]
    may_cycle: Bool[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NeverStable:
    """Step sizes above which no interpolator is stable for gradient descent: 2/(certified lower bound of min λ_max).

    `positive` is for parameters θ ≥ 0, `any_sign` for all. They differ at odd depth, where a parameter that has become
    negative makes its coordinate flatter.
    """

    positive: float
    any_sign: float

    def above(
        self, step_size: Float64[np.ndarray, " run"], theta: Float64[np.ndarray, "run part dim"]
    ) -> Bool[np.ndarray, " run"]:
        """Whether each step size is too large for the signs that its θ has."""
        is_positive = (theta >= 0).all(axis=(1, 2))
        too_large: Bool[np.ndarray, " run"] = step_size > np.where(is_positive, self.positive, self.any_sign)
        return too_large


@dataclass(kw_only=True, slots=True, eq=False)
class Watch:
    """What has been seen of each run so far.

    `below`: the last check was below the tolerance at full step size. `quiet_until`: a kick is still growing, and
    `patience` is how long it was given.
    `near_since`: the last check at which the run was not near an interpolator; `held_until`: it stands still until this
    step, 0 where it does not (see `core.training.delayed_instability`).
    `window_low` and `last_low`: lowest losses of this window and the one before. `anchor_loss` and `anchor`: loss and
    |θ| where the last window ended. `flat` and `still` count successive windows of plateau and of an unchanging cycle.
    """

    below: Bool[np.ndarray, " run"]
    kicks: Int64[np.ndarray, " run"]
    quiet_until: Int64[np.ndarray, " run"]
    patience: Int64[np.ndarray, " run"]
    near_since: Int64[np.ndarray, " run"]
    held_until: Int64[np.ndarray, " run"]
    window_low: Float64[np.ndarray, " run"]
    last_low: Float64[np.ndarray, " run"]
    flat: Int64[np.ndarray, " run"]
    still: Int64[np.ndarray, " run"]
    anchor_loss: Float64[np.ndarray, " run"]
    anchor: Float64[np.ndarray, "run part dim"]

    @classmethod
    def begin(cls, runs: int, parts: int, dim: int) -> Self:
        """Nothing has been seen."""
        return cls(
            below=np.zeros(runs, dtype=np.bool_),
            kicks=np.zeros(runs, dtype=np.int64),
            quiet_until=np.zeros(runs, dtype=np.int64),
            patience=np.full(runs, FIRST_PATIENCE // 2, dtype=np.int64),
            near_since=np.zeros(runs, dtype=np.int64),
            held_until=np.zeros(runs, dtype=np.int64),
            window_low=np.full(runs, np.inf),
            last_low=np.full(runs, np.inf),
            flat=np.zeros(runs, dtype=np.int64),
            still=np.zeros(runs, dtype=np.int64),
            anchor_loss=np.full(runs, np.nan),
            anchor=np.full((runs, parts, dim), np.nan),
        )

    def select(self, runs: Int64[np.ndarray, " kept"]) -> Self:
        """What has been seen of some of the runs."""
        return type(self)(**{field.name: getattr(self, field.name)[runs] for field in fields(self)})

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of every field by name, numbers only, for a checkpoint."""
        copies = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        return copies | {"below": self.below.astype(np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `arrays` was taken of."""
        return cls(**{**arrays, "below": arrays["below"].astype(np.bool_)})

    def stay_near(self, glances: Glances, near: float) -> None:
        """Note for each run the last check at which it was not near an interpolator."""
        away = ~(glances.losses <= near)
        last = len(glances.steps) - 1 - away[::-1].argmax(axis=0)
        self.near_since = np.where(away.any(axis=0), glances.steps[last], self.near_since)

    def at_checks(self, limits: Limits, glances: Glances) -> Bool[np.ndarray, " run"]:
        """Take note of successive checks; which runs were below the tolerance at the last two?

        Only checks at full step size and without label noise count, and a run that was kicked is left alone while the
        kick may be growing, unless its budget ends there.
        """
        below = (glances.steps[:, None] >= limits.settled_from) & (glances.losses <= limits.tolerance)
        before = below[-2] if len(below) > 1 else self.below
        now = glances.steps[-1]
        due = (now >= self.quiet_until) | (now >= limits.max_steps)
        settled: Bool[np.ndarray, " run"] = before & due & below[-1]
        self.below = below[-1]
        self.window_low = np.fmin(self.window_low, np.fmin.reduce(glances.losses, axis=0))
        return settled

    def give_patience(self, run: int, step: int, growth: float) -> None:
        """Leave a run that was kicked at full step size alone: twice as long as the time before, or as `growth` takes.

        Where the sharpness is beyond the stability limit by ε/η, a kick grows by a factor 1 + ε a step.
        """
        foreseen = math.log(KICK_GROWTH) / growth if growth > 0 else MOST_FORESIGHT
        self.patience[run] = max(2 * int(self.patience[run]), math.ceil(min(foreseen, MOST_FORESIGHT)))
        self.quiet_until[run] = step + self.patience[run]
        self.below[run] = False

    def at_window_end(
        self,
        limits: Limits,
        step: int,
        losses: Float64[np.ndarray, " run"],
        theta: tuple[np.ndarray, np.ndarray, np.ndarray],
        impossible: Bool[np.ndarray, " run"],
    ) -> Bool[np.ndarray, " run"]:
        """Close the window that ended at `step`, given θ(t), θ(t+1), θ(t+2) of shape (run, part, dim): who oscillates?

        Either evidence is enough, and both ask for windows entirely at full step size, without label noise:
        * it is `impossible` to settle, since no interpolator is stable at η, and the lowest loss has stopped falling;
        * a cycle of period two that has come to rest: ‖θ(t+1) − θ(t)‖ ≥ 100·‖θ(t+2) − θ(t)‖, the loss where it was a
          window ago to one in a million, and no |θ_i| growing. The last condition spares a run that waits at a saddle,
          where small coordinates grow by a constant factor per step while the loss stands still. Not for steps that
          depend on chance or on the step before.
        """
        full = step - WINDOW >= limits.settled_from
        above = losses > limits.tolerance
        with np.errstate(all="ignore"):
            plateau = full & above & (self.window_low >= 0.9 * self.last_low)
            cycle = full & above & limits.may_cycle & self._cycle_at_rest(losses, theta)
        self.flat = np.where(plateau, self.flat + 1, 0)
        self.still = np.where(cycle, self.still + 1, 0)
        self.last_low, self.window_low = self.window_low, np.full_like(self.window_low, np.inf)
        self.anchor_loss, self.anchor = losses.copy(), np.abs(theta[0])
        found: Bool[np.ndarray, " run"] = (impossible & (self.flat >= PLATEAU_WINDOWS)) | (self.still >= CYCLE_WINDOWS)
        return found

    def _cycle_at_rest(
        self, losses: Float64[np.ndarray, " run"], theta: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> Bool[np.ndarray, " run"]:
        start, one_on, two_on = theta
        swing, drift, size = _norms(one_on - start), _norms(two_on - start), _norms(start)
        growth = np.nan_to_num(np.log(np.abs(start) / self.anchor), nan=-1.0).max(axis=(1, 2))
        unchanged = np.abs(losses - self.anchor_loss) <= 1e-6 * self.anchor_loss
        at_rest: Bool[np.ndarray, " run"] = (
            (swing >= 100 * drift) & (swing > 1e-9 * size) & unchanged & (growth <= 1e-6)
        )
        return at_rest


def diverged(limits: Limits, losses: Float64[np.ndarray, " run"]) -> Bool[np.ndarray, " run"]:
    """Loss not finite, or beyond 10¹² times the initial one."""
    gone: Bool[np.ndarray, " run"] = ~np.isfinite(losses) | (losses > DIVERGENCE_FACTOR * limits.initial_loss)
    return gone


def _norms(theta: Float64[np.ndarray, "run part dim"]) -> Float64[np.ndarray, " run"]:
    """‖θ‖ of each run by itself: a joint reduction may sum in an order that depends on how many runs there are."""
    return np.sqrt([float(row @ row) for row in theta.reshape(len(theta), -1)])
