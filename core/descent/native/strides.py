"""A stride in C: `core.completion.stride`."""

import ctypes
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.descent.native import library as native
from core.descent.native.arrays import address, aligned_zeros, padded_rows, padded_width
from core.implicit_bias.log_steps import Modes, NewtonLimits, Packed, Stages, Stride, Way

NODES: Final = 3

SUMS: Final = ctypes.sizeof(native.StepSums) // ctypes.sizeof(ctypes.c_double)


class NativeStrides:
    """A `StrideSolver` by the kernel of one instruction set. Not for two threads at a time.

    Cost: some 60 µs at N = 50, d = 100.
    """

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
        self._dim, self._rank = root.shape
        dims, ranks = (padded_width(size) for size in root.shape)
        by_rank = np.zeros((ranks, self._dim))
        by_rank[: self._rank] = root.T
        problem = {
            "by_rank": padded_rows(by_rank, dims),
            "by_dim": padded_rows(root, ranks),
            "target": padded_rows(target, ranks),
            "shares": padded_rows(1 / np.square(root).sum(axis=0), ranks),
            "work": aligned_zeros((self._functions.stepbias_strides_work(dims, ranks),)),
        }
        asked: dict[str, tuple[int, ...]] = {"before": (SUMS,), "over": (SUMS,), "start": (2, dims), "limit": (2, dims)}
        told = {"past": (NODES, 2, dims), "states": (NODES, 2, dims), "pace": (NODES, 2, dims), "moved": (dims,)}
        stride = {name: aligned_zeros(shape) for name, shape in (asked | told | {"modes": (2, ranks)}).items()}
        self._kept = problem, stride
        self._descent = native.LogDescent(dim=self._dim, dims=dims, rank=self._rank, ranks=ranks, **_places(problem))
        self._limits = native.NewtonLimits(solved=limits.solved, farthest=limits.farthest, most=limits.iterations)
        self._stride = native.Stride(**_places(stride))
        self._before, self._over, self._modes = stride["before"], stride["over"], stride["modes"][:, : self._rank]
        self._start, self._limit, self._past, self._states, self._pace, self._moved = (
            stride[name][..., : self._dim] for name in ("start", "limit", "past", "states", "pace", "moved")
        )

    def stride(self, way: Way, over: Packed, before: tuple[Packed, Stages] | None) -> Stride | None:
        """As `core.completion.stride.StrideSolver.stride`."""
        asked = self._stride
        asked.rate, asked.level, asked.slope, asked.continued = way.rate, way.level, way.slope, before is not None
        self._over[:], self._start[:], self._limit[:] = over.numbers, way.logs, way.limit
        if before:
            self._before[:], self._past[:] = before[0].numbers, before[1]
        if not self._functions.stepbias_stride(
            self._kernel, ctypes.byref(self._descent), ctypes.byref(self._limits), ctypes.byref(asked)
        ):
            return None
        diagonal, below = self._modes.copy()
        return Stride(
            states=self._states.copy(),
            pace=self._pace.copy(),
            modes=Modes(diagonal=diagonal, below=below),
            moved=self._moved.copy(),
            distance=asked.distance,
            along=asked.along,
            least=asked.least,
            step=asked.step,
        )


def _places(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: address(array) for name, array in arrays.items()}
