"""What the sharpness is for the mean square of a run of minibatch SGD near an interpolator."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.stability.extreme_eigenvalues import largest_eigenvalue
from core.stability.gram_spectrum import GramSpectrum
from core.stability.mean_square_step import minibatch_moment


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MinibatchSpectrum:
    """The largest eigenvalue of M = (1 − q)·G + qN·diag(G), G = (1/N)·X diag(c) Xᵀ, for many c ≥ 0 on the same data.

    Near an interpolator the gradient of a minibatch that is drawn anew has E‖g_B‖² = rᵀMr/N, so that E‖θ − θ̂‖² falls
    by η(2 − ηλ_max(M))·2L a step at least. q is the `dispersion` of `core.completion.stepping`.
    """

    gram: GramSpectrum
    X: Float64[np.ndarray, "sample dim"]
    dispersion: float

    @property
    def largest_moment(self) -> float:
        """The largest eigenvalue for c = 1 is at most this."""
        return self._mixed(self.gram.largest_moment, float(np.square(self.X).sum(axis=1).max()))

    def largest(self, tangent_weights: Float64[np.ndarray, " dim"]) -> float:
        """The largest eigenvalue. Cost O(N²(d + N)).

        Raises:
            numpy.linalg.LinAlgError: c is not finite.
        """
        return largest_eigenvalue(minibatch_moment(self.X, tangent_weights, self.dispersion))

    def _mixed(self, full: float, single: float) -> float:
        return (1 - self.dispersion) * full + self.dispersion * single
