"""Where training tends to in the kernel regime: the limit of the network that is linearised at its start."""

import numpy as np
from jaxtyping import Float64

from core.networks.network import Network


def kernel_limit(
    X: Float64[np.ndarray, "sample dim"],
    y: Float64[np.ndarray, " sample"],
    start: Float64[np.ndarray, "part dim"],
    network: Network,
) -> Float64[np.ndarray, " dim"] | None:
    """The β of least Σ(β_i − β_i(0))²/c_i with Xβ = y, c the tangent weights of the start; None where none is left.

    That is the norm of the tangent kernel X diag(c) Xᵀ (eqs. 5–6 of Nacson et al. 2022): least ℓ2 from equal |u_i|, a
    weighted one from others. Gradient descent tends to it as α → ∞. Where nothing interpolates, Xβ = y is meant in the
    least squares. Cost O(N²d).
    """
    root = np.sqrt(network.tangent_weights(start))
    largest = root.max()
    if not 0 < largest < np.inf:
        return None
    first, scaled = network.predictor(start), root / largest
    limit: Float64[np.ndarray, " dim"] = first + scaled * np.linalg.lstsq(X * scaled, y - X @ first)[0]
    return limit
