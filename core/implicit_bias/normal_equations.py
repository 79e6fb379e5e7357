"""Normal equations basisᵀ diag(w) basis·κ = g, w > 0: by Cholesky where float64 can afford it, else by QR."""

from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs

LEAST_RECIPROCAL_CONDITION: Final = 1e-12
"""Forming the matrix squares the condition of its root: beyond this a solution would have fewer than four digits."""


def normal_solution(
    basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"], right: Float64[np.ndarray, " rank"]
) -> Float64[np.ndarray, " rank"]:
    """The κ with basisᵀ diag(w) basis·κ = right.

    A Cholesky factor of the matrix costs a quarter of the QR factorisation of its root, and four digits of a Newton
    step lose nothing: the next step finds what is missing.

    Raises:
        numpy.linalg.LinAlgError: weights underflowed, so that the matrix is singular.
    """
    root = np.sqrt(weights)[:, None] * basis
    matrix = root.T @ root
    factor, failed = dpotrf(matrix, lower=True, clean=False)
    if not failed and dpocon(factor, np.abs(matrix).sum(axis=0).max(initial=0.0), uplo="L")[0] >= (
        LEAST_RECIPROCAL_CONDITION
    ):
        solution: Float64[np.ndarray, " rank"] = dpotrs(factor, right, lower=True)[0]
        return solution
    _, upper = np.linalg.qr(root)
    return np.asarray(np.linalg.solve(upper, np.linalg.solve(upper.T, right)))
