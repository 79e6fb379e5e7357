"""Descent on many runs at once, every run with its own step size: the reference, in NumPy.

The runs ("lanes") of a batch share X, y and the network. Lanes are padded to whole tiles of 16, and every matrix
product is made tile by tile, so all products have one shape whatever the batch: the bits of a lane depend on nothing
but the lane and the BLAS kernel, neither on its place in the batch nor on its company (a test proves this on the
machine at hand). `core.native.descent` has the same interface, and `core.kernel` chooses between them.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.gradient_noise import Perturbation
from core.gradient_step import gradient_step
from core.networks import Network

TILE: Final = 16
"""Lanes of one matrix product."""

UNPERTURBED: Final = Perturbation()


def padded(lanes: int) -> int:
    """`lanes` rounded up to whole tiles."""
    return -(-lanes // TILE) * TILE


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Alarm:
    """When a stretch of steps is to end early, so that somebody may look.

    Losses are looked at where the step number, that of the first step of the stretch being `start`, is a multiple of
    `interval`. The stretch ends at the first look that finds a lane with loss ≤ `low` at a step number ≥ `low_from`,
    with loss ≤ `calm` at a step number < `calm_until`, or without loss ≤ `high`.
    """

    start: int
    interval: int
    low: Float64[np.ndarray, " run"]
    low_from: Int64[np.ndarray, " run"]
    calm: Float64[np.ndarray, " run"]
    calm_until: Int64[np.ndarray, " run"]
    high: Float64[np.ndarray, " run"]

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
    low=np.array(-1.0),
    low_from=np.array(0),
    calm=np.array(-1.0),
    calm_until=np.array(0),
    high=np.array(np.inf),
)
"""Steps to the end without a look."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """What came of a stretch: the steps taken, the losses at every look, and whether the last look ended it."""

    steps: int
    losses: Float64[np.ndarray, "check run"]
    alarmed: bool


class LaneState:
    """What a batch of lanes is, whatever advances it; rows may be padded beyond `lanes` and the dimension."""

    lanes: int
    _dim: int
    _network: Network
    _theta: Float64[np.ndarray, "part lane row"]
    _velocity: Float64[np.ndarray, "part lane row"] | None
    _gradient_sum: Float64[np.ndarray, "lane row"]
    _rate: float
    _samples: int
    _X: Float64[np.ndarray, "sample dim"]

    @property
    def theta(self) -> Float64[np.ndarray, "part run dim"]:
        """The parameters of the lanes; a view, valid until the next step."""
        return self._theta[:, : self.lanes, : self._dim]

    @property
    def velocity(self) -> Float64[np.ndarray, "part run dim"] | None:
        """θ(t) − θ(t−1) of the lanes; a view, valid until the next step."""
        return None if self._velocity is None else self._velocity[:, : self.lanes, : self._dim]

    @property
    def gradient_sum(self) -> Float64[np.ndarray, "run dim"]:
        """Σ_t x_t of the lanes; a view, valid until the next step."""
        return self._gradient_sum[: self.lanes, : self._dim]

    def kick(self, lane: int, step_size: float, residual: Float64[np.ndarray, " sample"]) -> None:
        """One plain gradient step of one lane with the given residual in place of its own.

        The step stays in the row space of X and enters the lane's `gradient_sum`, so the certificate goes on holding.
        """
        x = (self._rate * step_size / self._samples) * (residual @ self._X)
        theta = self.theta[:, lane : lane + 1]
        step = gradient_step(self._network, 1, len(x))
        with np.errstate(all="ignore"):  # a lane may have blown up since it was last looked at
            step.predict(theta, np.empty((1, len(x))))
            step.move(theta, x[None])
            self.gradient_sum[lane] += x


class Descent(LaneState):
    """The state of a batch of lanes and the buffers to advance it in place.

    `theta` holds the parameters, shape (part, lane, dim); `gradient_sum` is Σ_t x_t with x_t = rate·η_t·g_t, shape
    (lane, dim), the accumulator of the implicit-bias certificate (`core.gradient_step`). `velocity` is θ(t) − θ(t−1)
    for heavy-ball momentum, None for any other optimiser. Lanes beyond `lanes` are idle copies of lane 0.

    Cost at D = 2: 4·N·d flops and nine passes over (lane, dim) per lane and step.
    """

    def __init__(  # noqa: PLR0913 - the problem and the state, all named
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        *,
        network: Network,
        theta: Float64[np.ndarray, "part run dim"],
        gradient_sum: Float64[np.ndarray, "run dim"],
        velocity: Float64[np.ndarray, "part run dim"] | None = None,
    ) -> None:
        samples, dim = X.shape
        self.lanes, self._dim, self._samples = theta.shape[1], dim, samples
        width = padded(self.lanes)
        order = np.arange(width)
        order[self.lanes :] = 0
        self._X = np.ascontiguousarray(X)
        self._X_transposed = np.ascontiguousarray(X.T)
        self._y = y
        self._step = gradient_step(network, width, dim)
        self._rate = self._step.rate
        self._network = network
        self._theta = np.ascontiguousarray(theta[:, order])
        self._velocity = None if velocity is None else np.ascontiguousarray(velocity[:, order])
        self._gradient_sum = np.ascontiguousarray(gradient_sum[order])
        self._predictor = np.empty((width, dim))
        self._residual = np.empty((width, samples))
        self._x = np.empty((width, dim))
        tiles = width // TILE
        self._predictor_tiles = self._predictor.reshape(tiles, TILE, dim)
        self._residual_tiles = self._residual.reshape(tiles, TILE, samples)
        self._x_tiles = self._x.reshape(tiles, TILE, dim)

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
        done, looks, alarmed = 0, [np.empty((0, self.lanes))], False
        while done < len(step_sizes) and not alarmed:
            piece = slice(done, min(len(step_sizes), done + alarm.to_next(done)))
            self._take(step_sizes[piece], perturbation.of(piece), None if momentum is None else momentum[piece])
            done = piece.stop
            if (step := alarm.start + done) % alarm.interval == 0:
                looks.append(self.losses()[None])
                alarmed = alarm.finds(step, looks[-1][0])
        return Stretch(steps=done, losses=np.concatenate(looks), alarmed=alarmed)

    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""
        with np.errstate(all="ignore"):
            self._compute_residual()
            # One row at a time, so that a lane's bits cannot depend on how many rows there are.
            squares = [float(row @ row) for row in self._residual[: self.lanes]]
            return np.array(squares) / (2 * len(self._y))

    def _take(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        perturbation: Perturbation,
        momentum: Float64[np.ndarray, "step run"] | None,
    ) -> None:
        coefficients = self._wide(step_sizes * (self._rate / self._samples))[:, :, None]
        kept = None if momentum is None else self._wide(momentum)[:, :, None]
        with np.errstate(all="ignore"):
            for step, coefficient in enumerate(coefficients):
                self._compute_residual()
                self._perturb(perturbation, step)
                np.multiply(self._residual, coefficient, out=self._residual)
                np.matmul(self._residual_tiles, self._X, out=self._x_tiles)
                self._move(None if kept is None else kept[step])
                np.add(self._gradient_sum, self._x, out=self._gradient_sum)

    def _wide(self, values: Float64[np.ndarray, "step run"]) -> Float64[np.ndarray, "step lane"]:
        """Values for all lanes: idle ones step as lane 0 does, and stay its copies, finite for as long as it is."""
        wide = np.empty((len(values), len(self._x)))
        wide[:, : self.lanes] = values
        wide[:, self.lanes :] = values[:, :1]
        return wide

    def _compute_residual(self) -> None:
        self._step.predict(self._theta, self._predictor)
        np.matmul(self._predictor_tiles, self._X_transposed, out=self._residual_tiles)
        np.subtract(self._residual, self._y, out=self._residual)

    def _perturb(self, perturbation: Perturbation, step: int) -> None:
        lanes, idle = self._residual[: self.lanes], self._residual[self.lanes :]
        if perturbation.shift is not None:
            np.subtract(lanes, perturbation.shift[step], out=lanes)
            np.subtract(idle, perturbation.shift[step, 0], out=idle)
        if perturbation.weight is not None:
            np.multiply(lanes, perturbation.weight[step], out=lanes)
            np.multiply(idle, perturbation.weight[step, 0], out=idle)

    def _move(self, kept: Float64[np.ndarray, "lane 1"] | None) -> None:
        if kept is None or self._velocity is None:
            self._step.move(self._theta, self._x)
            return
        np.multiply(self._velocity, kept, out=self._velocity)
        np.add(self._velocity, self._step.change(self._theta, self._x), out=self._velocity)
        np.add(self._theta, self._velocity, out=self._theta)
