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
        factored = _by_cholesky(basis, weights)
        if factored is None:
            complement, stiffness = _by_root(basis, weights)
        else:
            complement, stiffness = factored[0], 1 / least_eigenvalue(factored[1])
        return cls(norm=complement if rank < dim else 0.0, complement=complement, stiffness=stiffness)


def complement_norm(basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"]) -> float:
    """‖I − P‖₂ alone, to the bit as `ObliqueProjector.of` has it."""
    factored = _by_cholesky(basis, weights)
    return _by_root(basis, weights)[0] if factored is None else factored[0]


def _by_cholesky(
    basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"]
) -> tuple[float, Float64[np.ndarray, "rank rank"]] | None:
    """‖I − P‖₂, whose square is the largest eigenvalue of M⁻¹(CV)ᵀ(CV)M⁻¹, and M; None where that is not for M."""
    if not weights.max() <= MOST_SPREAD * weights.min():
        return None
    weighted = weights[:, None] * basis
    matrix = basis.T @ weighted
    factor, failed = dpotrf(matrix, lower=True, clean=False)
    if failed:
        return None
    solved = dpotrs(factor, weighted.T, lower=True)[0]
    return float(np.sqrt(largest_eigenvalue(solved @ solved.T))), matrix


def _by_root(basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"]) -> tuple[float, float]:
    root = np.sqrt(weights)[:, None]
    left, values, _ = np.linalg.svd(root * basis, full_matrices=False)
    return float(np.linalg.norm(root * left / values, 2)), float(values[-1]) ** -2
