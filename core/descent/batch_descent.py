"""Runs that are advanced together as a batch, whatever advances them (`core.descent.kernel`)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.ascent import Ascent
from core.descent.gradient_noise import NO_NOISE, ResidualNoise
from core.descent.gradient_step import gradient_step
from core.descent.loss_events import NO_EVENTS, Chunk, LossEvents
from core.descent.loss_growth import LossGrowth
from core.descent.per_run import RUN_AXIS, PerRun
from core.descent.weight_decay import Decay
from core.networks.network import Network


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StepTerms:
    """What steps are made of beside their sizes and the gradient at θ, a row for each; nothing of it by default.

    `noise` is what is done to residuals or to where gradients are taken, `momentum` what each step keeps of the
    velocity, where there is one, `decay` what becomes of θ beside the gradient. Gradients are taken where an `ascent`
    leads, of steps without noise, velocity or decay.
    """

    noise: ResidualNoise = NO_NOISE
    momentum: Float64[np.ndarray, "step run"] | None = None
    decay: Decay | None = None
    ascent: Ascent | None = None

    def of(self, steps: slice) -> "StepTerms":
        """Some of the steps."""
        return StepTerms(
            noise=self.noise.of(steps),
            momentum=None if self.momentum is None else self.momentum[steps],
            decay=None if self.decay is None else self.decay.of(steps),
            ascent=self.ascent,
        )


PLAIN: Final = StepTerms()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BatchState(PerRun):
    """Where the runs of a batch are: all that their next steps depend on, and what their certificate is made of.

    `residual_sum` is Σ_t of the residuals Xβ − y, each times rate·η_t/N, so that `BatchDescent.gradient_sum` is its
    product with X; under weight decay, where there is no velocity, each is over 1 − η_tλ as well
    (`core.descent.weight_decay`). `velocity` is what an optimiser with momentum remembers, θ(t) − θ(t−1) of heavy ball
    where no decay is beside it, None without. Where time averages are recorded, `predictor_sum` is Σ_t of β(θ_t), and
    `weight_sum` that of 1, with the same weights rate·η_t/N; None elsewhere.
    """

    theta: Float64[np.ndarray, "part run dim"] = field(metadata={RUN_AXIS: 1})
    residual_sum: Float64[np.ndarray, "run sample"]
    velocity: Float64[np.ndarray, "part run dim"] | None = field(default=None, metadata={RUN_AXIS: 1})
    predictor_sum: Float64[np.ndarray, "run dim"] | None = None
    weight_sum: Float64[np.ndarray, " run"] | None = None

    @classmethod
    def begin(
        cls, theta: Float64[np.ndarray, "part run dim"], samples: int, *, momentum: bool = False, averages: bool = False
    ) -> Self:
        """Runs that have not taken a step; with `averages` their predictors are summed up."""
        return cls(
            theta=theta,
            residual_sum=np.zeros((theta.shape[1], samples)),
            velocity=np.zeros_like(theta) if momentum else None,
            predictor_sum=np.zeros(theta.shape[1:]) if averages else None,
            weight_sum=np.zeros(theta.shape[1]) if averages else None,
        )


class BatchDescent(ABC):
    """What all kernels have in common, for as many runs as `lanes`; arrays may be padded beyond these, d and N."""

    lanes: int
    _network: Network
    _theta: Float64[np.ndarray, "part padded_run padded_dim"]
    _velocity: Float64[np.ndarray, "part padded_run padded_dim"] | None
    _residual_sum: Float64[np.ndarray, "padded_run padded_sample"]
    _rate: float
    _X: Float64[np.ndarray, "sample dim"]
    _predictor_sum: Float64[np.ndarray, "padded_run padded_dim"] | None
    _weight_sum: Float64[np.ndarray, " padded_run"] | None

    @property
    def state(self) -> BatchState:
        """Where the runs are; views, valid until the next step."""
        velocity, predictors, weights = self._velocity, self._predictor_sum, self._weight_sum
        samples, dim = self._X.shape
        return BatchState(
            theta=self.theta,
            residual_sum=self._residual_sum[: self.lanes, :samples],
            velocity=None if velocity is None else velocity[:, : self.lanes, :dim],
            predictor_sum=None if predictors is None else predictors[: self.lanes, :dim],
            weight_sum=None if weights is None else weights[: self.lanes],
        )

    @property
    def theta(self) -> Float64[np.ndarray, "part run dim"]:
        """The parameters of the runs; a view, valid until the next step."""
        return self._theta[:, : self.lanes, : self._X.shape[1]]

    def gradient_sum(self, run: int) -> Float64[np.ndarray, " dim"]:
        """Σ_t x_t of a run, x_t = rate·η_t·g_t: the accumulator of the implicit-bias certificate."""
        total: Float64[np.ndarray, " dim"] = self._residual_sum[run, : len(self._X)] @ self._X
        return total

    @property
    def time(self) -> Float64[np.ndarray, " run"]:
        """T = Σ_t η_t of the steps taken; 0 where averages are not asked for."""
        if self._weight_sum is None:
            return np.zeros(self.lanes)
        total: Float64[np.ndarray, " run"] = self._weight_sum[: self.lanes] * (len(self._X) / self._rate)
        return total

    def time_average(self, runs: Int64[np.ndarray, " kept"]) -> Float64[np.ndarray, "kept dim"]:
        """Σ_t η_tβ_t/Σ_t η_t of the predictors that steps were taken from; NaN before the first, or not asked for."""
        if self._predictor_sum is None or self._weight_sum is None:
            return np.full((len(runs), self._X.shape[1]), np.nan)
        with np.errstate(all="ignore"):
            sums = self._predictor_sum[runs, : self._X.shape[1]]
            average: Float64[np.ndarray, "kept dim"] = sums / self._weight_sum[runs, None]
        return average

    @abstractmethod
    def advance(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        terms: StepTerms = PLAIN,
        *,
        events: LossEvents = NO_EVENTS,
        growth: LossGrowth | None = None,
    ) -> Chunk:
        """Take one step for each row of `step_sizes` and of `terms`, up to the first event.

        In `growth` is noted where losses grow, of runs whose step size is not 0 and whose gradient is that of θ.
        Overflow is no error here: a run that diverges goes to infinity or NaN by itself and disturbs no other.
        """

    @abstractmethod
    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every run at its present state."""

    def step_by(self, run: int, step_size: float, residual: Float64[np.ndarray, " sample"]) -> None:
        """One plain gradient step of one run with the given residual in place of its own.

        The step stays in the row space of X and enters the run's `residual_sum`, so the certificate goes on holding.
        """
        scaled = (self._rate * step_size / len(residual)) * residual
        x = scaled @ self._X
        theta = self.theta[:, run : run + 1]
        step = gradient_step(self._network, 1, len(x))
        with np.errstate(all="ignore"):  # a run may have blown up since its loss was last checked
            step.predict(theta, np.empty((1, len(x))))
            step.move(theta, x[None])
            self._residual_sum[run, : len(scaled)] += scaled
