"""The ends of the spectrum of (1/N)·X diag(c) Xᵀ on the range of X: sharpness, and how fast the slowest mode decays."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.data.row_space import InterpolatorSet


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GramSpectrum:
    """Spectra for many c ≥ 0 on the same data.

    With X = UΣVᵀ the matrix has, on the range of X, the spectrum of MᵀM for M = diag(√c)·VΣ/√N; `root` is VΣ/√N. Its
    singular values are found without forming MᵀM: the least eigenvalue then keeps digits down to 1e-30 of the largest.
    """

    root: Float64[np.ndarray, "dim rank"]

    @classmethod
    def of(cls, space: InterpolatorSet) -> Self:
        """For the data of this set of interpolators."""
        values = 1 / np.linalg.norm(space.to_dual, axis=0)
        return cls(root=space.basis * values / np.sqrt(len(space.X)))

    @property
    def largest_moment(self) -> float:
        """‖X‖²/N, the largest eigenvalue for c = 1; for any c it is below ‖X‖²/N·max c."""
        return float(np.square(np.linalg.norm(self.root, axis=0).max()))

    def ends(self, tangent_weights: Float64[np.ndarray, " dim"]) -> tuple[float, float]:
        """The least and the largest eigenvalue. Cost O(d·rank²)."""
        values = np.linalg.svd(self.root * np.sqrt(tangent_weights)[:, None], compute_uv=False)
        return float(np.square(values[-1])), float(np.square(values[0]))
