"""One end of the spectrum of a symmetric matrix, in a third of the time of all eigenvalues."""

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dsyevr

Matrix = Float64[np.ndarray, "order order"]


def largest_eigenvalue(matrix: Matrix) -> float:
    """The largest (algebraic) eigenvalue, to rounding of ‖M‖. Cost: (4/3)·order³ flops.

    Raises:
        numpy.linalg.LinAlgError: the matrix is not finite.
    """
    return _eigenvalue(matrix, len(matrix))


def least_eigenvalue(matrix: Matrix) -> float:
    """The least one, likewise."""
    return _eigenvalue(matrix, 1)


def _eigenvalue(matrix: Matrix, place: int) -> float:
    if not np.isfinite(matrix).all():
        raise np.linalg.LinAlgError("the matrix is not finite")
    values, *_, failed = dsyevr(matrix, compute_v=0, range="I", il=place, iu=place)
    if failed:
        raise np.linalg.LinAlgError("an eigenvalue was not found")
    return float(values[0])
