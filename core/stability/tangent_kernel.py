"""The tangent kernel, and how far training has moved it: small in the kernel regime, large in the rich one."""

from typing import Final

import numpy as np
from jaxtyping import Float64

MOST_SAMPLES: Final = 20_000
"""Up to so many samples the kernel itself is formed, N² numbers; beyond, its norm is found from the d² of XᵀX."""


def kernel_change(
    X: Float64[np.ndarray, "sample dim"],
    tangent_weights: Float64[np.ndarray, " dim"],
    initial_tangent_weights: Float64[np.ndarray, " dim"],
    initial_norm: float | None = None,
) -> float:
    """‖K − K₀‖_F/‖K₀‖_F with K = X diag(c) Xᵀ (eqs. 5–6 of Nacson et al. 2022); NaN where K₀ = 0. Cost O(N²d).

    `initial_norm` is ‖K₀‖_F, where it is known.
    """
    size = kernel_norm(X, initial_tangent_weights) if initial_norm is None else initial_norm
    change = kernel_norm(X, tangent_weights - initial_tangent_weights)
    return change / size if size > 0 else float("nan")


def kernel_norm(X: Float64[np.ndarray, "sample dim"], weights: Float64[np.ndarray, " dim"]) -> float:
    """‖X diag(c) Xᵀ‖_F."""
    return (_norm_of_kernel if len(X) <= MOST_SAMPLES else _norm_from_features)(X, weights)


def _norm_of_kernel(X: Float64[np.ndarray, "sample dim"], weights: Float64[np.ndarray, " dim"]) -> float:
    return float(np.linalg.norm((X * weights) @ X.T))


def _norm_from_features(X: Float64[np.ndarray, "sample dim"], weights: Float64[np.ndarray, " dim"]) -> float:
    """‖X diag(c) Xᵀ‖_F² = cᵀ(G∘G)c with G = XᵀX, in O(Nd²) and without N² numbers."""
    squares = np.square(X.T @ X)
    # G∘G is positive semidefinite (Schur), but for rounding.
    return float(np.sqrt(max(weights @ squares @ weights, 0.0)))
