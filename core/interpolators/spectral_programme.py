"""The least top eigenvalue of Σ |β_i|^p a_ia_iᵀ over an affine set of β: a convex programme, and its two bounds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.interpolators.power_law import dual_norm


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpectralProgramme:
    """Minimise λ_max(A diag|β|^p Aᵀ) over basisᵀβ = target, 1 ≤ p < 2.

    A = `columns` has no column of zeros; `basis` has orthonormal columns. Since λ_max(M) = max over P ⪰ 0, tr P = 1 of
    ⟨P, M⟩, it equals the maximum over P and κ of targetᵀκ less the conjugate of Σ w_i|β_i|^p, with the dual
    weights w_i(P) = a_iᵀPa_i. P is the dual matrix, κ are the multipliers, and s = basis·κ is a subgradient of the
    sum at its minimiser.
    """

    columns: Float64[np.ndarray, "order dim"]
    basis: Float64[np.ndarray, "dim rank"]
    target: Float64[np.ndarray, " rank"]
    power: float

    def gram(self, tangent_weights: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, "order order"]:
        """A diag(c) Aᵀ for c ≥ 0, O(dim·order²); a product with its own transpose takes half the time of another."""
        scaled = self.columns * np.sqrt(tangent_weights)
        gram: Float64[np.ndarray, "order order"] = scaled @ scaled.T
        return gram

    def dual_weights(self, dual_matrix: Float64[np.ndarray, "order order"]) -> Float64[np.ndarray, " dim"]:
        """w_i(P) = a_iᵀPa_i."""
        return quadratic_forms(dual_matrix, self.columns)

    def repaired(self, predictor: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, " dim"]:
        """The nearest β with basisᵀβ = target."""
        repaired: Float64[np.ndarray, " dim"] = predictor + self.basis @ (self.target - self.basis.T @ predictor)
        return repaired

    def upper(self, predictor: Float64[np.ndarray, " dim"]) -> float:
        """λ_max at a β with basisᵀβ = target."""
        return float(np.linalg.eigvalsh(self.gram(np.abs(predictor) ** self.power))[-1])

    def lower(self, dual_weights: Float64[np.ndarray, " dim"], multipliers: Float64[np.ndarray, " rank"]) -> float:
        """The bound that the dual weights of a P ⪰ 0 of trace 1 and any κ prove, by Hölder's inequality; unguarded."""
        norm = dual_norm(self.basis @ multipliers, dual_weights, self.power)
        value = float(self.target @ multipliers)
        return (value / norm) ** self.power if norm > 0 and value > 0 else 0.0


def quadratic_forms(
    matrix: Float64[np.ndarray, "order order"], vectors: Float64[np.ndarray, "order dim"]
) -> Float64[np.ndarray, " dim"]:
    """a_iᵀMa_i for every column a_i."""
    forms: Float64[np.ndarray, " dim"] = np.einsum("ri,ri->i", vectors, matrix @ vectors)
    return forms


def weighted_gram(
    vectors: Float64[np.ndarray, "order dim"], weights: Float64[np.ndarray, " dim"]
) -> Float64[np.ndarray, "order order"]:
    """Σ w_ia_ia_iᵀ over the columns a_i, for weights of any sign."""
    gram: Float64[np.ndarray, "order order"] = (vectors * weights) @ vectors.T
    return gram
