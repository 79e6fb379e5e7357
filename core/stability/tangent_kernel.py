"""The tangent kernel, and how far training has moved it: small in the kernel regime, large in the rich one."""

import numpy as np
from jaxtyping import Float64


def kernel_change(
    X: Float64[np.ndarray, "sample dim"],
    tangent_weights: Float64[np.ndarray, " dim"],
    initial_tangent_weights: Float64[np.ndarray, " dim"],
) -> float:
    """‖K − K₀‖_F/‖K₀‖_F with K = X diag(c) Xᵀ (eqs. 5–6 of Nacson et al. 2022); NaN where K₀ = 0. Cost O(N²d)."""
    start = (X * initial_tangent_weights) @ X.T
    size = float(np.linalg.norm(start))
    change = float(np.linalg.norm((X * (tangent_weights - initial_tangent_weights)) @ X.T))
    return change / size if size > 0 else float("nan")
