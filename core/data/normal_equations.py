"""Normal equations basisᵀ diag(w) basis·κ = g, w > 0: their matrix has the squared condition of its root √w∘basis.

Three ways to solve them, in ascending order of cost and accuracy:

    ridged   Cholesky of the matrix with a ridge ε·trace   dim·rank² + rank³/3 flops       never fails on rounding
    settled  Cholesky where the condition allows, else QR  the same and a condition test   at least four digits
    rooted   QR of the root, never the matrix              about four times as much        to the condition of the root

`ridged` is right for the steps of a Newton method that may lose hold of κ (at 1 < p < 2, where slopes vanish, so does
what holds κ in place): it damps them there. `settled` is right where a step must be a Newton step, though not to the
last digit, as the next one finds what is missing. `rooted` is right where κ itself is the result, or where it is the
change of an implicit step. Golub & Van Loan 2013, Matrix Computations, §5.3, on the first and the last.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs

LEAST_RECIPROCAL_CONDITION: Final = 1e-12
"""Forming the matrix squares the condition of its root: beyond this a solution would have fewer than four digits."""


def ridged_solution(
    basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"], right: Float64[np.ndarray, " rank"]
) -> Float64[np.ndarray, " rank"]:
    """The κ with (basisᵀ diag(w) basis + ε·trace·I)·κ = right.

    Raises:
        numpy.linalg.LinAlgError: the matrix is zero or not finite.
    """
    matrix = (basis.T * weights) @ basis
    # a ridge at the level of rounding: where weights vanish, so may what would hold κ in place
    matrix[np.diag_indices_from(matrix)] += np.finfo(np.float64).eps * np.trace(matrix)
    return np.asarray(cho_solve(cho_factor(matrix, check_finite=False), right, check_finite=False))


def settled_solution(
    basis: Float64[np.ndarray, "dim rank"], weights: Float64[np.ndarray, " dim"], right: Float64[np.ndarray, " rank"]
) -> Float64[np.ndarray, " rank"]:
    """The κ with basisᵀ diag(w) basis·κ = right, by Cholesky unless its estimated condition exceeds 10¹².

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
    return rooted_solution(root, right)


def rooted_solution(
    root: Float64[np.ndarray, "equation rank"], right: Float64[np.ndarray, " rank"]
) -> Float64[np.ndarray, " rank"]:
    """The κ with rootᵀroot·κ = right; rows below √w∘basis add their own squares, as those of an implicit step do.

    Raises:
        numpy.linalg.LinAlgError: the root has not full rank.
    """
    _, factor = np.linalg.qr(root)
    return np.asarray(np.linalg.solve(factor, np.linalg.solve(factor.T, right)))
