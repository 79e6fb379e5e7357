"""The sharpness along trajectories in C, a few states at a time: `core.stability.sharpness.trajectory_sharpness`.

X and y enter as a factor F and a target t with no more rows than columns, for which ‖Fβ − t‖²/2 is the loss up to a
constant: X/√N and y/√N themselves where N is small, else R and Qᵀy/√N of X/√N = QR, whose zeros are skipped.
"""

import ctypes
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.descent.native import library as native
from core.descent.native.arrays import address, aligned_zeros, padded_rows, padded_width
from core.networks.network import Network
from core.stability.hessian import every_direction

ROWS: Final = 4
"""Rows of F that are passed together."""

FACTORED_BEYOND: Final = 0.5
"""N/d from which R is made: a quarter of the entries of X are spared at least."""

EVERYWHERE: Final = 0.1
"""Length of the part of a start vector that points in every direction, beside Φ·1 of length 1 (`Hessians.start`)."""


class NativeSharpness:
    """λ_max of the full Hessian at many states of one loss, by the kernel of one instruction set.

    The bits of a value depend on its state and the kernel alone. At N = 50, d = 100 a state takes 3 to 6 µs by AVX-512
    along trajectories, and up to 80 µs where the data are centred and the top eigenvalues lie close together; a call
    takes 3 µs beside. Where X is large, states that are asked for together take half as long.
    """

    def __init__(
        self,
        kernel: int,
        X: Float64[np.ndarray, "sample dim"],
        y: Float64[np.ndarray, " sample"],
        *,
        network: Network,
        tolerance: float,
    ) -> None:
        found = native.library()
        if found is None:
            raise RuntimeError("the native kernel is not compiled here")
        self._functions, self._kernel = found.functions, kernel
        dim, dims = X.shape[1], padded_width(X.shape[1])
        exponent = int(np.frexp(np.abs(X).max())[1])
        with np.errstate(all="ignore"):  # a residual that overflows is NaN
            factor, target = (np.ldexp(array, -exponent) / np.sqrt(len(X)) for array in (X, y))
        ones = factor.sum(axis=0)
        factored = len(X) > FACTORED_BEYOND * dim
        if factored:
            orthonormal, factor = np.linalg.qr(factor)
            target = target @ orthonormal
        rows = -(-len(factor) // ROWS) * ROWS
        wide = np.zeros((rows, dim))
        wide[: len(factor)] = factor
        self._arrays = {
            "factor": padded_rows(wide, dims),
            "target": padded_rows(target, rows),
            "ones": padded_rows(ones, dims),
            "everywhere": padded_rows(EVERYWHERE * every_direction(2 * dim).reshape(2, dim), dims),
            "work": aligned_zeros((self._functions.stepbias_sharpness_work(dims),)),
        }
        self._loss = native.FactoredLoss(
            rows=rows,
            dim=dim,
            dims=dims,
            network=network.step_kind,
            depth=network.degree,
            exponent=exponent,
            trapezoidal=factored,
            tolerance=tolerance,
            **{name: address(array) for name, array in self._arrays.items()},
        )

    def __call__(self, theta: Float64[np.ndarray, "part run dim"]) -> Float64[np.ndarray, " run"]:
        """λ_max at every state, NaN where it has overflowed."""
        theta = np.ascontiguousarray(theta)
        values = np.empty(theta.shape[1])
        self._functions.stepbias_sharpness(
            self._kernel, ctypes.byref(self._loss), address(theta), len(values), address(values)
        )
        return values
