"""Runs that are advanced together, the "lanes" of a batch, whatever advances them (`core.descent.kernel`)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.gradient_noise import Perturbation
from core.descent.gradient_step import gradient_step
from core.networks.network import Network

UNPERTURBED: Final = Perturbation()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Alarm:
    """When a stretch of steps is to end early, so that somebody may look.

    Losses are looked at where the step number, that of the first step of the stretch being `start`, is a multiple of
    `interval`. The stretch ends at the first look that finds a lane with loss ≤ `low` at a step number ≥ `low_from`,
    with loss ≤ `calm` at a step number < `calm_until`, or without loss ≤ `high`. A single entry is that of every lane.
    """

    start: int
    interval: int
    low: Float64[np.ndarray, "#run"]
    low_from: Int64[np.ndarray, "#run"]
    calm: Float64[np.ndarray, "#run"]
    calm_until: Int64[np.ndarray, "#run"]
    high: Float64[np.ndarray, "#run"]

    def checks(self, steps: int) -> int:
        """How many looks there are in so many steps."""
        return (self.start + steps) // self.interval - self.start // self.interval

    def to_next(self, done: int) -> int:
        """Steps to the next look, `done` steps into the stretch."""
        return self.interval - (self.start + done) % self.interval

    def finds(self, step: int, losses: Float64[np.ndarray, " run"]) -> bool:
        """Whether a look at this step number ends the stretch."""
        low = (losses <= self.low) & (step >= self.low_from)
        calm = (losses <= self.calm) & (step < self.calm_until)
        return bool((low | calm | ~(losses <= self.high)).any())

    def of(self, lanes: int) -> Self:
        """The alarm with an entry for each lane, in memory of its own."""
        whole = {name: np.full(lanes, getattr(self, name)) for name in ("low", "calm", "high")}
        steps = {name: np.full(lanes, getattr(self, name), dtype=np.int64) for name in ("low_from", "calm_until")}
        return type(self)(start=self.start, interval=self.interval, **whole, **steps)


NO_ALARM: Final = Alarm(
    start=0,
    interval=2**62,
    low=np.array([-1.0]),
    low_from=np.array([0]),
    calm=np.array([-1.0]),
    calm_until=np.array([0]),
    high=np.array([np.inf]),
)
"""Steps to the end without a look."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """What came of a stretch: the steps taken, the losses at every look, and whether the last look ended it."""

    steps: int
    losses: Float64[np.ndarray, "check run"]
    alarmed: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LaneState:
    """Where the lanes of a batch are: all that their next steps depend on, and what their certificate is made of.

    `residual_sum` is Σ_t of the residuals Xβ − y, each times rate·η_t/N, so that `Lanes.gradient_sum` is its product
    with X. `velocity` is θ(t) − θ(t−1) for heavy-ball momentum, None for any other optimiser.
    """

    theta: Float64[np.ndarray, "part run dim"]
    residual_sum: Float64[np.ndarray, "run sample"]
    velocity: Float64[np.ndarray, "part run dim"] | None = None

    @classmethod
    def begin(cls, theta: Float64[np.ndarray, "part run dim"], samples: int, *, momentum: bool = False) -> Self:
        """Lanes that have not taken a step."""
        return cls(
            theta=theta,
            residual_sum=np.zeros((theta.shape[1], samples)),
            velocity=np.zeros_like(theta) if momentum else None,
        )

    def select(self, lanes: Int64[np.ndarray, " kept"]) -> Self:
        """Some of the lanes, in arrays of their own."""
        return type(self)(
            theta=self.theta[:, lanes],
            residual_sum=self.residual_sum[lanes],
            velocity=None if self.velocity is None else self.velocity[:, lanes],
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies by name, for a checkpoint."""
        present = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array.copy() for name, array in present.items() if array is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `arrays` was taken of."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls) if field.name in arrays})


class Lanes(ABC):
    """What all kernels have in common; their rows may be padded beyond `lanes`, the dimension and the samples."""

    lanes: int
    _network: Network
    _theta: Float64[np.ndarray, "part padded_run padded_dim"]
    _velocity: Float64[np.ndarray, "part padded_run padded_dim"] | None
    _residual_sum: Float64[np.ndarray, "padded_run padded_sample"]
    _rate: float
    _X: Float64[np.ndarray, "sample dim"]

    @property
    def state(self) -> LaneState:
        """Where the lanes are; views, valid until the next step."""
        velocity = self._velocity
        samples, dim = self._X.shape
        return LaneState(
            theta=self.theta,
            residual_sum=self._residual_sum[: self.lanes, :samples],
            velocity=None if velocity is None else velocity[:, : self.lanes, :dim],
        )

    @property
    def theta(self) -> Float64[np.ndarray, "part run dim"]:
        """The parameters of the lanes; a view, valid until the next step."""
        return self._theta[:, : self.lanes, : self._X.shape[1]]

    def gradient_sum(self, lane: int) -> Float64[np.ndarray, " dim"]:
        """Σ_t x_t of a lane, x_t = rate·η_t·g_t: the accumulator of the implicit-bias certificate."""
        total: Float64[np.ndarray, " dim"] = self._residual_sum[lane, : len(self._X)] @ self._X
        return total

    @abstractmethod
    def advance(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        *,
        perturbation: Perturbation = UNPERTURBED,
        momentum: Float64[np.ndarray, "step run"] | None = None,
        alarm: Alarm = NO_ALARM,
    ) -> Stretch:
        """Take one step for each row of `step_sizes`, with the residual of each step perturbed, unless alarmed before.

        `momentum` is what each step keeps of the velocity, where there is one. Overflow is no error here: a lane that
        diverges goes to infinity or NaN by itself and disturbs no other.
        """

    @abstractmethod
    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""

    def kick(self, lane: int, step_size: float, residual: Float64[np.ndarray, " sample"]) -> None:
        """One plain gradient step of one lane with the given residual in place of its own.

        The step stays in the row space of X and enters the lane's `residual_sum`, so the certificate goes on holding.
        """
        scaled = (self._rate * step_size / len(residual)) * residual
        x = scaled @ self._X
        theta = self.theta[:, lane : lane + 1]
        step = gradient_step(self._network, 1, len(x))
        with np.errstate(all="ignore"):  # a lane may have blown up since it was last looked at
            step.predict(theta, np.empty((1, len(x))))
            step.move(theta, x[None])
            self._residual_sum[lane, : len(scaled)] += scaled
