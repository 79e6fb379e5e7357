"""The row space of X and the affine set of interpolators, in coordinates that are as well conditioned as can be."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from core.errors import NoInterpolator

CONSISTENCY = 1e-9
"""Largest relative residual of the least-squares solution that still counts as Xβ = y."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InterpolatorSet:
    """All β with Xβ = y, written as basisᵀβ = coordinates with orthonormal columns in `basis`.

    The reduced system has full rank and condition number 1 whatever X is, which linear programmes and Newton steps
    are grateful for. `to_dual` = UΣ⁻¹ (from X = UΣVᵀ) maps its multipliers to those of Xβ = y: Xᵀ(to_dual·κ) = basis·κ.
    """

    X: Float64[np.ndarray, "sample dim"]
    y: Float64[np.ndarray, " sample"]
    basis: Float64[np.ndarray, "dim rank"]
    coordinates: Float64[np.ndarray, " rank"]
    to_dual: Float64[np.ndarray, "sample rank"]

    @property
    def nearest_to_zero(self) -> Float64[np.ndarray, " dim"]:
        """The interpolator of least ℓ2 norm, the pseudo-inverse of X applied to y."""
        nearest: Float64[np.ndarray, " dim"] = self.basis @ self.coordinates
        return nearest

    def residual(self, predictor: Float64[np.ndarray, " dim"]) -> float:
        """max|Xβ − y| / max|y|, the proof that β interpolates; absolute where y = 0."""
        return relative_residual(self.X, self.y, predictor)

    def polished(self, predictor: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, " dim"]:
        """The nearest interpolator that keeps the zeros of `predictor`, or leaves them where nothing else fits."""
        support = np.flatnonzero(predictor)
        if support.size < predictor.size:
            sparse = self._corrected_on(support, predictor)
            if self.residual(sparse) <= 1e-12:
                return sparse
        return self._corrected(predictor)

    def _corrected_on(
        self, support: Int[np.ndarray, " kept"], predictor: Float64[np.ndarray, " dim"]
    ) -> Float64[np.ndarray, " dim"]:
        corrected = predictor.copy()
        for _ in range(2):  # the second round removes what rounding left in the first
            missing = self.y - self.X @ corrected
            corrected[support] += np.linalg.lstsq(self.X[:, support], missing)[0]
        return corrected

    def _corrected(self, predictor: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, " dim"]:
        for _ in range(2):
            missing = self.y - self.X @ predictor
            predictor = predictor + self.basis @ (self.to_dual.T @ missing)
        return predictor


def row_space(X: Float64[np.ndarray, "sample dim"]) -> Float64[np.ndarray, "dim rank"]:
    """An orthonormal basis of the span of the rows of X, from its singular value decomposition, O(Nd·min(N, d))."""
    return _truncated_svd(X)[2].T


def interpolator_set(X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]) -> InterpolatorSet:
    """The solutions of Xβ = y; rows of X may depend on one another as long as y agrees. Cost O(Nd·min(N, d)).

    Raises:
        NoInterpolator: the least-squares residual exceeds 1e-9·max|y|, also by the conditioning of X alone.
    """
    left, values, right = _truncated_svd(X)
    to_dual = left / values
    found = InterpolatorSet(X=X, y=y, basis=right.T, coordinates=to_dual.T @ y, to_dual=to_dual)
    residual = found.residual(found.nearest_to_zero)
    if residual > CONSISTENCY:
        if len(values) == len(y):
            raise NoInterpolator(
                f"the {len(y)} samples are independent, so that predictors fit them, but float64 does not find one: "
                f"the least-squares fit leaves {residual:.3g} of max|y|, for the singular values of X are from "
                f"{values[-1]:.3g} to {values[0]:.3g}; centre the columns, or standardise them"
            )
        raise NoInterpolator(
            f"no predictor fits the {len(y)} samples exactly: the least-squares fit in {X.shape[1]} dimensions "
            f"leaves {residual:.3g} of max|y|; interpolation needs more dimensions than samples, or consistent y"
        )
    return found


def relative_residual(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], predictor: Float64[np.ndarray, " dim"]
) -> float:
    """max|Xβ − y| / max|y|; the numerator alone where y = 0."""
    largest = float(np.abs(y).max())
    return float(np.abs(X @ predictor - y).max()) / (largest or 1.0)


def _truncated_svd(X: Float64[np.ndarray, "sample dim"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    left, values, right = np.linalg.svd(X, full_matrices=False)
    keep = values > max(X.shape) * np.finfo(np.float64).eps * values[0]
    return left[:, keep], values[keep], right[keep]
