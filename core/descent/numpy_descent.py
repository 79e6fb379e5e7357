"""Descent on many runs at once, every run with its own step size: the reference, in NumPy.

The runs ("lanes") of a batch share X, y and the network. Lanes are padded to whole tiles of 16, and every matrix
product is made tile by tile, so all products have one shape whatever the batch: the bits of a lane depend on nothing
but the lane and the BLAS kernel, neither on its index in the batch nor on what else is in it (a test proves this on
the machine at hand). `core.descent.native.descent` has the same interface; `core.descent.kernel` chooses one of them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from core.descent.ascent import Ascent, AscentAlong, gradient_of_ascents
from core.descent.batch_descent import PLAIN, BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.gradient_step import gradient_step
from core.descent.loss_events import NO_EVENTS, Chunk, LossEvents
from core.descent.loss_growth import LossGrowth
from core.descent.optimizers import Optimizer
from core.networks.network import Network
from core.tiles import TILE, padded


class Descent(BatchDescent):
    """The state of a batch of lanes and the buffers to advance it in place.

    Lanes beyond `lanes` are idle copies of lane 0. Cost at D = 2: 4·N·d flops and eight passes over (lane, dim) per
    lane and step.
    """

    def __init__(
        self,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        network: Network,
        state: BatchState,
        *,
        optimizer: type[Optimizer] = Optimizer,
    ) -> None:
        """Lanes at a state; `optimizer` is what does the steps where the state has a velocity."""
        samples, dim = X.shape
        self.lanes = state.theta.shape[1]
        width = padded(self.lanes)
        order = np.arange(width)
        order[self.lanes :] = 0
        self._X = np.ascontiguousarray(X)
        self._X_transposed = np.ascontiguousarray(X.T)
        self._y = y
        self._step = gradient_step(network, width, dim)
        self._rate = self._step.rate
        self._roll = optimizer.roll
        self._network = network
        wide = state.select(order)
        self._theta = np.ascontiguousarray(wide.theta)
        self._velocity = None if wide.velocity is None else np.ascontiguousarray(wide.velocity)
        self._residual_sum = np.ascontiguousarray(wide.residual_sum)
        self._predictor_sum, self._weight_sum = wide.predictor_sum, wide.weight_sum
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
        terms: StepTerms = PLAIN,
        *,
        events: LossEvents = NO_EVENTS,
        growth: LossGrowth | None = None,
    ) -> Chunk:
        """As `BatchDescent.advance`, check by check."""
        done, checks, ended = 0, [np.empty((0, self.lanes))], False
        while done < len(step_sizes) and not ended:
            piece = slice(done, min(len(step_sizes), done + events.to_next(done)))
            first, step, done = events.start + piece.start, events.start + piece.stop, piece.stop
            looks = [] if growth is None else growth.looks(first, step, events.interval).tolist()
            seen: list[np.ndarray] = []
            if terms.ascent is not None and terms.ascent.along == AscentAlong.SAMPLE:
                self._take_along_samples(step_sizes[piece], terms.ascent)
            else:
                seen = self._take(step_sizes[piece], terms.of(piece), [look - first for look in looks])
            if is_check := step % events.interval == 0:
                checks.append(self.losses()[None])
                ended = events.finds(step, checks[-1][0])
                looks, seen = [*looks, step], [*seen, checks[-1][0]]
            if growth is not None and looks:
                growth.note(np.array(looks), np.array(seen), to_check=is_check)
        return Chunk(steps=done, losses=np.concatenate(checks), ended_by_event=ended)

    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""
        with np.errstate(all="ignore"):
            self._compute_residual(self._theta)
            # One row at a time, so that a lane's bits cannot depend on how many rows there are.
            squares = [float(row @ row) for row in self._residual[: self.lanes]]
            return np.array(squares) / (2 * len(self._y))

    def _take(
        self, step_sizes: Float64[np.ndarray, "step run"], terms: StepTerms, looks: Sequence[int]
    ) -> list[Float64[np.ndarray, " run"]]:
        """Take steps; returns the losses before those of these numbers, counted from the first."""
        noise, momentum, decay = terms.noise, terms.momentum, terms.decay
        if decay is not None and self._velocity is None:
            step_sizes = step_sizes / decay.shrink
        coefficients = self._wide(step_sizes * (self._rate / len(self._y)))[:, :, None]
        shrink = None if decay is None else self._wide(decay.shrink)[:, :, None]
        pull = None if decay is None else self._wide(decay.pull)[:, :, None]
        kept = None if momentum is None else self._wide(momentum)[:, :, None]
        lanes, seen = self._residual[: self.lanes], []
        with np.errstate(all="ignore"):
            for step, coefficient in enumerate(coefficients):
                self._accumulate(
                    coefficient if shrink is None or self._velocity is not None else coefficient * shrink[step]
                )
                there = self._gradient_point(noise, step, terms.ascent)
                self._compute_residual(there)
                if step in looks:
                    seen.append(np.einsum("ln,ln->l", lanes, lanes) / (2 * len(self._y)))
                self._add_noise(noise, step)
                np.multiply(self._residual, coefficient, out=self._residual)
                np.add(self._residual_sum, self._residual, out=self._residual_sum)
                np.matmul(self._residual_tiles, self._X, out=self._x_tiles)
                if shrink is None or pull is None:
                    self._move(there, None if kept is None else kept[step])
                else:
                    self._move_and_decay(None if kept is None else kept[step], shrink[step], pull[step])
        return seen

    def _accumulate(self, weight: Float64[np.ndarray, "padded_run 1"]) -> None:
        """Add to what time averages are made of."""
        if self._predictor_sum is not None and self._weight_sum is not None:
            self._step.predict(self._theta, self._predictor)
            self._predictor_sum += weight * self._predictor
            self._weight_sum += weight[:, 0]

    def _gradient_point(
        self, noise: ResidualNoise, step: int, ascent: Ascent | None
    ) -> Float64[np.ndarray, "part padded_run padded_dim"]:
        """Where the gradient of a step is taken: θ itself, or where noise or an ascent along ∇L leads."""
        if noise.parameters is not None:
            drawn = noise.parameters[step]
            there = self._theta.copy()
            there[:, : self.lanes] += drawn
            there[:, self.lanes :] += drawn[:, :1]
            return there
        if ascent is None:
            return self._theta
        self._compute_residual(self._theta)
        np.matmul(self._residual_tiles, self._X, out=self._x_tiles)
        gradient = self._network.jacobian(self._theta) * self._x  # times N
        rho = self._wide(ascent.rho[None])[0] / len(self._y)
        if ascent.normalized:
            # One row at a time, as for the losses.
            squares = (gradient * gradient).sum(axis=0)
            length = np.sqrt([float(row @ np.ones(len(row))) for row in squares])
            rho = np.divide(rho * len(self._y), length, out=np.zeros_like(length), where=length > 0)
        return np.asarray(self._theta + rho[:, None] * gradient)

    def _take_along_samples(self, step_sizes: Float64[np.ndarray, "step run"], ascent: Ascent) -> None:
        """Steps of 1-SAM, lane by lane."""
        ascents = [ascent.of(lane) for lane in range(self.lanes)]
        with np.errstate(all="ignore"):
            for row, weight in zip(step_sizes, self._wide(step_sizes * (self._rate / len(self._y))), strict=True):
                self._accumulate(weight[:, None])
                for lane, step_size in enumerate(row.tolist()):
                    theta = self._theta[:, lane]
                    left, gradient = gradient_of_ascents(self._X, self._y, self._network, theta, ascents[lane])
                    self._residual_sum[lane] += step_size * self._rate / len(self._y) * left
                    theta -= step_size / len(self._y) * gradient

    def _wide(self, values: Float64[np.ndarray, "step run"]) -> Float64[np.ndarray, "step padded_run"]:
        """Values for all lanes: idle ones step as lane 0 does, and stay its copies, finite for as long as it is."""
        wide = np.empty((len(values), len(self._x)))
        wide[:, : self.lanes] = values
        wide[:, self.lanes :] = values[:, :1]
        return wide

    def _compute_residual(self, theta: Float64[np.ndarray, "part padded_run padded_dim"]) -> None:
        self._step.predict(theta, self._predictor)
        np.matmul(self._predictor_tiles, self._X_transposed, out=self._residual_tiles)
        np.subtract(self._residual, self._y, out=self._residual)

    def _add_noise(self, noise: ResidualNoise, step: int) -> None:
        lanes, idle = self._residual[: self.lanes], self._residual[self.lanes :]
        if noise.shift is not None:
            np.subtract(lanes, noise.shift[step], out=lanes)
            np.subtract(idle, noise.shift[step, 0], out=idle)
        if noise.weight is not None:
            np.multiply(lanes, noise.weight[step], out=lanes)
            np.multiply(idle, noise.weight[step, 0], out=idle)

    def _move(
        self, there: Float64[np.ndarray, "part padded_run padded_dim"], kept: Float64[np.ndarray, "padded_run 1"] | None
    ) -> None:
        """The step by the gradient at `there`."""
        if there is not self._theta:
            np.add(self._theta, self._step.change(there, self._x), out=self._theta)
            return
        if kept is None or self._velocity is None:
            self._step.move(self._theta, self._x)
            return
        self._roll(self._theta, self._velocity, self._step.change(self._theta, self._x), kept)

    def _move_and_decay(
        self,
        kept: Float64[np.ndarray, "padded_run 1"] | None,
        shrink: Float64[np.ndarray, "padded_run 1"],
        pull: Float64[np.ndarray, "padded_run 1"],
    ) -> None:
        if kept is None or self._velocity is None:
            self._step.move(self._theta, self._x)
            np.multiply(self._theta, shrink, out=self._theta)
            return
        change = self._step.change(self._theta, self._x)
        np.subtract(change, pull * self._theta, out=change)
        np.multiply(self._theta, shrink, out=self._theta)
        self._roll(self._theta, self._velocity, change, kept)
