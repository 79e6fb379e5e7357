"""The projector along which a change of β follows once Xβ = y is restored by the multipliers of the conserved form."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64


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
        """With V = `basis`, orthonormal, of the row space of X, I − P = C V(VᵀCV)⁻¹Vᵀ.

        By the singular values of √C·V: VᵀCV has their squares. O(d·rank²).
        """
        root = np.sqrt(weights)[:, None]
        left, values, _ = np.linalg.svd(root * basis, full_matrices=False)
        complement = float(np.linalg.norm(root * left / values, 2))
        dim, rank = basis.shape
        return cls(norm=complement if rank < dim else 0.0, complement=complement, stiffness=float(values[-1]) ** -2)
