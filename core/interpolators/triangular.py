"""Triangular systems and Cholesky factors by LAPACK itself: scipy checks longer than a small matrix takes to solve."""

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

Square = Float64[np.ndarray, "order order"]


def solve_lower(
    factor: Square, right: Float64[np.ndarray, "order ..."], *, transposed: bool = False
) -> Float64[np.ndarray, "order ..."]:
    """L⁻¹·right, or L⁻ᵀ·right; what stands above the diagonal of L is not read.

    Raises:
        numpy.linalg.LinAlgError: there is a 0 on the diagonal.
    """
    if not right.size:
        return np.empty_like(right)
    # LAPACK goes by columns: what lies by rows is the transpose of an upper triangle.
    by_columns = factor.flags.f_contiguous
    solution, failed = dtrtrs(
        factor if by_columns else factor.T, right, lower=by_columns, trans=transposed == by_columns
    )
    if failed:
        raise np.linalg.LinAlgError("a triangular matrix is singular")
    return np.asarray(solution)


def upper_factor(matrix: Square) -> Square:
    """The R with RᵀR = matrix in the upper triangle; below it is anything.

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite in floating point.
    """
    factor, failed = dpotrf(matrix, lower=False, clean=False)
    if failed:
        raise np.linalg.LinAlgError("a matrix is not positive definite")
    return np.asarray(factor)


def solve_factored(factor: Square, right: Float64[np.ndarray, "order ..."]) -> Float64[np.ndarray, "order ..."]:
    """(RᵀR)⁻¹·right, of an `upper_factor`."""
    return np.asarray(dpotrs(factor, right, lower=False)[0])
