"""The equations of a stride in C: `core.completion.stages`."""

import ctypes
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.descent.native import library as native
from core.descent.native.arrays import address, aligned_zeros, padded_rows, padded_width
from core.implicit_bias.log_steps import Linearisation, NewtonLimits, PairSizes

ROWS: Final = 4
"""Rows that are passed together."""

Logs = Float64[np.ndarray, "2 dim"]
Stages = Float64[np.ndarray, "node 2 dim"]


class NativeStages:
    """A `StageSolver` by the kernel of one instruction set: at N = 50, d = 100 some 7 µs for each Newton step."""

    def __init__(
        self,
        kernel: int,
        root: Float64[np.ndarray, "dim rank"],
        target: Float64[np.ndarray, " rank"],
        *,
        limits: NewtonLimits,
    ) -> None:
        found = native.library()
        if found is None:
            raise RuntimeError("the native kernel is not compiled here")
        self._functions, self._kernel = found.functions, kernel
        dim, self._rank = len(root), -(-root.shape[1] // ROWS) * ROWS
        self._dims = padded_width(dim)
        self._arrays = {
            "root": self._rows(root),
            "target": padded_rows(target, self._rank),
            "work": aligned_zeros((self._functions.stepbias_stages_work(self._dims, self._rank),)),
        }
        places = {name: address(array) for name, array in self._arrays.items()}
        self._descent = native.LogDescent(dim=dim, dims=self._dims, rank=self._rank, **places)
        self._limits = native.NewtonLimits(solved=limits.solved, farthest=limits.farthest, most=limits.iterations)
        self._directions = aligned_zeros((self._rank, self._dims))
        self._diagonal, self._below = aligned_zeros((self._rank,)), aligned_zeros((self._rank,))
        self._slopes = aligned_zeros((2, self._dims))
        self._modes = native.LogModes(
            diagonal=address(self._diagonal),
            below=address(self._below),
            directions=address(self._directions),
            slopes=address(self._slopes),
        )

    def pace(self, logs: Stages, sizes: PairSizes) -> Stages:
        """As `core.completion.stages.StageSolver.pace`."""
        logs, r = np.ascontiguousarray(logs), np.ascontiguousarray(sizes.r)
        pace, pairs = np.empty(logs.shape), native.PairSizes(rate=sizes.rate, rise=sizes.rise, r=address(r))
        self._functions.stepbias_pace(
            self._kernel,
            ctypes.byref(self._descent),
            ctypes.byref(pairs),
            len(logs),
            address(logs),
            address(pace),
        )
        return pace

    def settled(
        self,
        start: Logs,
        foreseen: Stages,
        sizes: PairSizes,
        weights: Float64[np.ndarray, "node node"],
        linearisation: Linearisation,
    ) -> tuple[Stages, Stages] | None:
        """As `core.completion.stages.StageSolver.settled`."""
        start, weights, r = np.ascontiguousarray(start), np.ascontiguousarray(weights), np.ascontiguousarray(sizes.r)
        states = np.array(foreseen, order="C")
        pace = np.empty(states.shape)
        pairs = native.PairSizes(rate=sizes.rate, rise=sizes.rise, r=address(r))
        is_settled = self._functions.stepbias_settled(
            self._kernel,
            ctypes.byref(self._descent),
            ctypes.byref(self._linearised(linearisation)),
            ctypes.byref(pairs),
            address(weights),
            ctypes.byref(self._limits),
            address(start),
            address(states),
            address(pace),
        )
        return (states, pace) if is_settled else None

    def _linearised(self, linearisation: Linearisation) -> native.LogModes:
        """It is padded."""
        dim, rank = linearisation.directions.shape
        self._directions[:rank, :dim] = linearisation.directions.T
        self._slopes[:, :dim] = linearisation.slopes
        self._diagonal[:rank], self._below[:rank] = linearisation.diagonal, linearisation.below
        return self._modes

    def _rows(self, columns: Float64[np.ndarray, "dim rank"]) -> np.ndarray:
        rows = np.zeros((self._rank, len(columns)))
        rows[: columns.shape[1]] = columns.T
        return padded_rows(rows, self._dims)
