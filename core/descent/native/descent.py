"""Descent by the compiled kernel: the interface of `core.descent.lanes`, the loop over steps and lanes in C.

Lanes need no padding: a sum is one fused multiply-add after another whatever else is computed beside it, so the bits of
a lane depend on nothing but the lane and the kernel.
"""

import ctypes
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.descent.gradient_noise import Perturbation
from core.descent.gradient_step import gradient_step
from core.descent.lanes import NO_ALARM, UNPERTURBED, Alarm, Lanes, LaneState, Stretch
from core.descent.native import library as native
from core.networks.network import UV, Diagonal, Network

WIDEST: Final = 8
"""Entries of the widest vector; rows of arrays are padded to whole ones."""

ALIGNMENT: Final = 64
"""Bytes of a cache line and of the widest vector."""

SQUARED, DEEP, UNTIED = range(3)


class NativeDescent(Lanes):
    """The state of a batch of lanes, advanced by the kernel of one instruction set.

    Cost at D = 2: 4·N·d flops and one pass over the row of a lane per lane and step.
    """

    def __init__(
        self,
        kernel: int,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        network: Network,
        state: LaneState,
    ) -> None:
        found = native.library()
        if found is None:
            raise RuntimeError("the native kernel is not compiled here")
        self._functions, self._kernel = found.functions, kernel
        self._network, self._X = network, X
        samples, dim = X.shape
        self.lanes = state.theta.shape[1]
        rows, dims = _padded(samples), _padded(dim)
        self._rows = rows
        self._rate = gradient_step(network, 1, 1).rate
        self._theta = _rows_of(state.theta, dims)
        self._velocity = None if state.velocity is None else _rows_of(state.velocity, dims)
        self._residual_sum = _rows_of(state.residual_sum, rows)
        self._scratch = [_aligned((self.lanes, width)) for width in (dims, rows, dims)]
        self._minus_targets = _rows_of(-y, rows)
        self._packed = [self._pack(X), self._pack(X.T)]
        predictor, residual, pull = (_address(array) for array in self._scratch)
        self._batch = native.Batch(
            samples=samples,
            dim=dim,
            lanes=self.lanes,
            rows=rows,
            dims=dims,
            network=_kind(network),
            depth=network.degree,
            by_sample=_address(self._packed[0]),
            by_dim=_address(self._packed[1]),
            minus_targets=_address(self._minus_targets),
            theta=_address(self._theta),
            velocity=None if self._velocity is None else _address(self._velocity),
            residual_sum=_address(self._residual_sum),
            predictor=predictor,
            residual=residual,
            pull=pull,
        )

    def advance(
        self,
        step_sizes: Float64[np.ndarray, "step run"],
        *,
        perturbation: Perturbation = UNPERTURBED,
        momentum: Float64[np.ndarray, "step run"] | None = None,
        alarm: Alarm = NO_ALARM,
    ) -> Stretch:
        """As `Lanes.advance`, the whole stretch in one call."""
        steps = len(step_sizes)
        coefficients, coefficient_stride = _strided(step_sizes, self._rate / len(self._X))
        # A step without memory of the last is one that keeps nothing of it.
        kept = np.broadcast_to(0.0, step_sizes.shape) if momentum is None else momentum
        kept, kept_stride = _strided(kept, 1.0)
        shift, weight = (self._wide(values) for values in (perturbation.shift, perturbation.weight))
        losses = np.empty((alarm.checks(steps), self.lanes))
        watched = alarm.of(self.lanes)
        stretch = native.Stretch(
            steps=steps,
            coefficients=_address(coefficients),
            coefficient_stride=coefficient_stride,
            kept=None if self._velocity is None else _address(kept),
            kept_stride=kept_stride,
            shift=None if shift is None else _address(shift),
            weight=None if weight is None else _address(weight),
            start=alarm.start,
            interval=alarm.interval,
            losses=_address(losses),
            low=_address(watched.low),
            low_from=_address(watched.low_from),
            calm=_address(watched.calm),
            calm_until=_address(watched.calm_until),
            high=_address(watched.high),
        )
        taken = self._functions.stepbias_advance(self._kernel, ctypes.byref(self._batch), ctypes.byref(stretch))
        return Stretch(steps=taken, losses=losses[: alarm.checks(taken)], alarmed=bool(stretch.alarmed))

    def losses(self) -> Float64[np.ndarray, " run"]:
        """L = ‖Xβ − y‖²/(2N) of every lane at its present state."""
        losses = np.empty(self.lanes)
        self._functions.stepbias_losses(self._kernel, ctypes.byref(self._batch), _address(losses))
        return losses

    def _pack(self, matrix: Float64[np.ndarray, "inner outer"]) -> Float64[np.ndarray, " entry"]:
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        packed = _aligned((self._functions.stepbias_packed_size(self._kernel, *matrix.shape),))
        self._functions.stepbias_pack(self._kernel, _address(matrix), *matrix.shape, _address(packed))
        return packed

    def _wide(
        self, values: Float64[np.ndarray, "step run sample"] | None
    ) -> Float64[np.ndarray, "step run padded_sample"] | None:
        return None if values is None else _rows_of(values, self._rows)


def _kind(network: Network) -> int:
    if isinstance(network, UV):
        return UNTIED
    return DEEP if isinstance(network, Diagonal) and network.depth > 2 else SQUARED


def _padded(entries: int) -> int:
    return -(-entries // WIDEST) * WIDEST


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that begin at the beginning of a cache line."""
    size = int(np.prod(shape))
    room = np.zeros(size + ALIGNMENT // 8)
    skipped = -room.ctypes.data % ALIGNMENT // 8
    return room[skipped : skipped + size].reshape(shape)


def _rows_of(values: np.ndarray, width: int) -> np.ndarray:
    """A copy whose rows are padded with zeros."""
    rows = _aligned((*values.shape[:-1], width))
    rows[..., : values.shape[-1]] = values
    return rows


def _strided(values: Float64[np.ndarray, "step run"], factor: float) -> tuple[np.ndarray, int]:
    """The rows times a factor, and how far one is from the next: 0 for a single row that all steps share."""
    if len(values) and values.strides[0] == 0:
        return np.ascontiguousarray(values[0] * factor), 0
    return np.ascontiguousarray(values * factor), values.shape[1]


def _address(array: np.ndarray) -> int:
    return int(array.ctypes.data)
