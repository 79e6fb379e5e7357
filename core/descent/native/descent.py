"""Descent by the compiled kernel: the interface of `core.descent.batch_descent`, the loop over steps and lanes in C.

Lanes need no padding: a sum is one fused multiply-add after another whatever else is computed beside it, so the bits of
a lane depend on nothing but the lane and the kernel.
"""

import ctypes
from collections.abc import Sequence
from operator import is_not
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.descent.ascent import AscentAlong
from core.descent.batch_descent import PLAIN, BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import ResidualNoise
from core.descent.gradient_step import gradient_step
from core.descent.loss_events import NO_EVENTS, Chunk, LossEvents
from core.descent.loss_growth import LossGrowth
from core.descent.native import library as native
from core.descent.native.arrays import address, aligned_zeros, padded_rows, padded_width, tiled, with_whole_rows
from core.descent.optimizers import Optimizer
from core.networks.network import Network

RESIDENT: Final = 2**16
"""Entries of X up to which two copies of it stay in the second-level cache."""

LARGE: Final = 2**20
"""Entries of X from which reading it takes longer than multiplying it by the parameters of a few lanes."""


class NativeDescent(BatchDescent):
    """The state of a batch of lanes, advanced by the kernel of one instruction set.

    Cost at D = 2: 4·N·d flops and one pass over the row of a lane per lane and step.
    """

    def __init__(  # noqa: PLR0913 - what a `Kernel` is given, and which one it is
        self,
        kernel: int,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        network: Network,
        state: BatchState,
        *,
        optimizer: type[Optimizer] = Optimizer,
    ) -> None:
        """Lanes at a state; `optimizer` says what a velocity does to θ."""
        found = native.library()
        if found is None:
            raise RuntimeError("the native kernel is not compiled here")
        self._functions, self._kernel = found.functions, kernel
        self._network, self._X = network, X
        samples, dim = X.shape
        self.lanes = state.theta.shape[1]
        rows, dims = padded_width(samples), padded_width(dim)
        self._rows, self._dims = rows, dims
        self._rate = gradient_step(network, 1, 1).rate
        self._theta = padded_rows(state.theta, dims)
        self._velocity = None if state.velocity is None else padded_rows(state.velocity, dims)
        self._residual_sum = padded_rows(state.residual_sum, rows)
        self._predictor_sum = None if state.predictor_sum is None else padded_rows(state.predictor_sum, dims)
        self._weight_sum = None if state.weight_sum is None else np.array(state.weight_sum)
        self._conditions: tuple[np.ndarray, ...] = ()
        self._drawn: dict[str, np.ndarray] = {}
        self._scratch = [aligned_zeros((self.lanes, width)) for width in (dims, rows, dims)]
        self._minus_targets = padded_rows(-y, rows)
        swept = is_swept(X.size, self.lanes)
        self._packed = [] if swept else [self._pack(X), self._pack(X.T)]
        self._tiles = tiled(X) if swept else None
        predictor, residual, gradient = (address(array) for array in self._scratch)
        self._batch = native.Batch(
            samples=samples,
            dim=dim,
            lanes=self.lanes,
            rows=rows,
            dims=dims,
            network=network.step_kind,
            depth=network.degree,
            by_sample=None if swept else address(self._packed[0]),
            by_dim=None if swept else address(self._packed[1]),
            tiles=None if self._tiles is None else address(self._tiles),
            minus_targets=address(self._minus_targets),
            theta=address(self._theta),
            velocity=None if self._velocity is None else address(self._velocity),
            residual_sum=address(self._residual_sum),
            predictor=predictor,
            residual=residual,
            gradient=gradient,
            nesterov=optimizer.looks_ahead,
            predictor_sum=None if self._predictor_sum is None else address(self._predictor_sum),
            weight_sum=None if self._weight_sum is None else address(self._weight_sum),
        )

    def advance(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        terms: StepTerms = PLAIN,
        *,
        events: LossEvents = NO_EVENTS,
        growth: LossGrowth | None = None,
    ) -> Chunk:
        """As `BatchDescent.advance`, the whole chunk in one call."""
        steps, noise, momentum = len(step_sizes), terms.noise, terms.momentum
        decay, ascent = terms.decay, terms.ascent
        if decay is not None and self._velocity is None:
            step_sizes = _rowwise(np.divide, step_sizes, decay.shrink)
        coefficients, coefficient_stride = _strided(step_sizes, self._rate / len(self._X))
        kept, kept_stride = None, 0
        if self._velocity is not None:
            # A step without memory of the last is one that keeps nothing of it.
            kept, kept_stride = _strided(np.broadcast_to(0.0, step_sizes.shape) if momentum is None else momentum, 1.0)
        if noise.weight is not None and self._tiles is None:
            self._tiles = tiled(self._X)
            self._batch.tiles = address(self._tiles)
        padded = noise.padded
        if padded is None:
            padded = ResidualNoise(
                weight=self._wide("weight", noise.weight),
                shift=self._wide("shift", noise.shift),
            )
        weight, shift = padded.weight, padded.shift
        shrink, shrink_stride = (None, 0) if decay is None else _strided(decay.shrink, 1.0)
        pull, pull_stride = (None, 0) if decay is None else _strided(decay.pull, 1.0)
        parameters = None if noise.parameters is None else with_whole_rows(noise.parameters)
        step, part, lane = (0, 0, 0) if parameters is None else (stride // 8 for stride in parameters.strides[:3])
        rho = None if ascent is None else np.ascontiguousarray(ascent.rho)
        if ascent is not None or parameters is not None:
            self._take_gradients_elsewhere(by_samples=ascent is not None and ascent.along == AscentAlong.SAMPLE)
        losses = np.empty((events.checks(steps), self.lanes))
        low, low_from, calm, calm_until, high = self._watched(events)
        stretch = native.Stretch(
            steps=steps,
            coefficients=address(coefficients),
            coefficient_stride=coefficient_stride,
            kept=None if kept is None else address(kept),
            kept_stride=kept_stride,
            shift=None if shift is None else address(shift),
            weight=None if weight is None else address(weight),
            start=events.start,
            interval=events.interval,
            losses=address(losses),
            low=low,
            low_from=low_from,
            calm=calm,
            calm_until=calm_until,
            high=high,
            shrink=None if shrink is None else address(shrink),
            shrink_stride=shrink_stride,
            pull=None if pull is None else address(pull),
            pull_stride=pull_stride,
            rho=None if rho is None else address(rho),
            by_samples=ascent is not None and ascent.along == AscentAlong.SAMPLE,
            normalized=ascent is not None and ascent.normalized,
            parameters=None if parameters is None else address(parameters),
            parameters_step=step,
            parameters_part=part,
            parameters_lane=lane,
            floor=None if growth is None else address(growth.floor),
            lowest=None if growth is None else address(growth.lowest),
            grew_at=None if growth is None else address(growth.grew_at),
            least=0.0 if growth is None else growth.least,
        )
        taken = self._functions.stepbias_advance(self._kernel, ctypes.byref(self._batch), ctypes.byref(stretch))
        return Chunk(steps=taken, losses=losses[: events.checks(taken)], ended_by_event=bool(stretch.alarmed))

    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""
        losses = np.empty(self.lanes)
        self._functions.stepbias_losses(self._kernel, ctypes.byref(self._batch), address(losses))
        return losses

    def _take_gradients_elsewhere(self, *, by_samples: bool) -> None:
        """Have what steps need whose gradient is not taken at θ."""
        if self._batch.ascent:
            return
        is_deep = self._network.degree > 3
        if not self._packed and by_samples and is_deep:
            self._packed = [self._pack(self._X), self._pack(self._X.T)]
            self._batch.by_sample, self._batch.by_dim = map(address, self._packed)
        shapes = (
            (3 if by_samples else 1, self.lanes, self._dims),
            (2, self.lanes, self._dims),
            (self.lanes, self._rows),
            (2, self.lanes, self._rows),
        )
        scratch = [aligned_zeros(shape) for shape in shapes]
        self._scratch += scratch
        self._batch.ascent, self._batch.second, self._batch.curvature, self._batch.cubic = map(address, scratch)
        if by_samples and self._packed and not is_deep:
            squares = self._X * self._X
            cubes = squares * self._X
            powers = [self._pack(each) for each in (squares, cubes, squares.T)]
            batch = self._batch
            batch.squares_by_sample, batch.cubes_by_sample, batch.squares_by_dim = map(address, powers)
            if self._network.degree == 3:
                powers += [self._pack(each) for each in (cubes * self._X, cubes.T)]
                batch.fourths_by_sample, batch.cubes_by_dim = map(address, powers[3:])
            self._packed += powers

    def _watched(self, events: LossEvents) -> Sequence[int]:
        """Where copies of the conditions are that the kernel reads: one chunk after another has the same ones."""
        conditions = events.conditions
        if not self._conditions or any(map(is_not, conditions, self._conditions)):
            self._conditions, self._copies = conditions, events.conditions_of(self.lanes)
            self._addresses = [address(copy) for copy in self._copies]
        return self._addresses

    def _pack(self, matrix: Float64[np.ndarray, "inner outer"]) -> Float64[np.ndarray, " entry"]:
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        packed = aligned_zeros((self._functions.stepbias_packed_size(self._kernel, *matrix.shape),))
        self._functions.stepbias_pack(self._kernel, address(matrix), *matrix.shape, address(packed))
        return packed

    def _wide(
        self, name: str, values: Float64[np.ndarray, "step ..."] | None
    ) -> Float64[np.ndarray, "step ..."] | None:
        """The rows padded, in memory that the next chunk of so many steps has again."""
        if values is None:
            return None
        wide = self._drawn.get(name)
        if wide is None or wide.shape[0] != len(values):
            wide = self._drawn[name] = aligned_zeros((*values.shape[:-1], self._rows))
        wide[..., : values.shape[-1]] = values
        return wide


def is_swept(entries: int, lanes: int) -> bool:
    """Whether X is passed once a step, in tiles, instead of twice: where lanes are few. Bits are the same."""
    return entries > RESIDENT and lanes <= (2 if entries < LARGE else 16)


def _strided(values: Float64[np.ndarray, "step run"], factor: float) -> tuple[np.ndarray, int]:
    """The rows times a factor, and how far one is from the next: 0 for a single row that all steps share."""
    if len(values) and values.strides[0] == 0:
        return np.ascontiguousarray(values[0] * factor), 0
    return np.ascontiguousarray(values * factor), values.shape[1]


def _rowwise(
    combine: np.ufunc, left: Float64[np.ndarray, "step run"], right: Float64[np.ndarray, "step run"]
) -> Float64[np.ndarray, "step run"]:
    """The two combined; a single row that all steps share where both are such."""
    if len(left) and left.strides[0] == right.strides[0] == 0:
        return np.broadcast_to(combine(left[0], right[0]), left.shape)
    return np.asarray(combine(left, right))
