"""The largest eigenvalue of (1/N)·X diag(c) Xᵀ: the sharpness at an interpolator."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.data.row_space import InterpolatorSet
from core.stability.extreme_eigenvalues import largest_eigenvalue


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GramSpectrum:
    """Spectra for many c ≥ 0 on the same data.

    With X = UΣVᵀ the matrix has, on the range of X, the spectrum of rootᵀ·diag(c)·root with `root` = VΣ/√N.
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

    def largest(self, tangent_weights: Float64[np.ndarray, " dim"]) -> float:
        """The largest eigenvalue. Cost O(d·rank²).

        Raises:
            numpy.linalg.LinAlgError: c is not finite.
        """
        return largest_eigenvalue((self.root.T * tangent_weights) @ self.root)
