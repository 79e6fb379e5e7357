"""The projector along which a change of β follows once Xβ = y is restored by the multipliers of the conserved form."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dpotrf, dpotrs

from core.stability.extreme_eigenvalues import largest_eigenvalue, least_eigenvalue

MOST_SPREAD: Final = 1e8
"""Ratio of the weights up to which M is formed."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ObliqueProjector:
    """Two norms of P = I − C Xᵀ(X C Xᵀ)⁻¹X with C = diag(weights) > 0, a projector onto the null space of X.

    `norm` is ‖P‖₂, 0 where the interpolator is unique; else `complement`, ‖I − P‖₂, is the same, both being oblique.
    `stiffness` is ‖Xᵀ(X C Xᵀ)⁻¹X‖₂ ≤ 1/min C: by how much the exponents of the form move with a change of β.
    """

    norm: float
    complement: float
    stiffness: float

    @classmethod
    def of(cls, basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"]) -> Self:
        """With V = `basis`, orthonormal, of the row space of X, I − P = CV·M⁻¹·Vᵀ with M = VᵀCV. O(d·rank²).

        By Cholesky of M where the condition of C, and so of M, leaves eight digits; else by the singular values of
        √C·V, whose squares are the eigenvalues of M.
        """
        dim, rank = basis.shape
        complement, stiffness = (_by_cholesky if weights.max() <= MOST_SPREAD * weights.min() else _by_root)(
            basis, weights
        )
        return cls(norm=complement if rank < dim else 0.0, complement=complement, stiffness=stiffness)


def _by_cholesky(basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"]) -> tuple[float, float]:
    """‖I − P‖₂² is the largest eigenvalue of M⁻¹(CV)ᵀ(CV)M⁻¹, and M the inverse of the stiffness for its least one."""
    weighted = weights[:, None] * basis
    matrix = basis.T @ weighted
    factor, failed = dpotrf(matrix, lower=True, clean=False)
    if failed:
        return _by_root(basis, weights)
    solved = dpotrs(factor, weighted.T, lower=True)[0]
    return float(np.sqrt(largest_eigenvalue(solved @ solved.T))), 1 / least_eigenvalue(matrix)


def _by_root(basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"]) -> tuple[float, float]:
    root = np.sqrt(weights)[:, None]
    left, values, _ = np.linalg.svd(root * basis, full_matrices=False)
    return float(np.linalg.norm(root * left / values, 2)), float(values[-1]) ** -2
