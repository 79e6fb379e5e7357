"""One end of the spectrum of a symmetric matrix, in a third of the time of all eigenvalues."""

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dsyevr

Matrix = Float64[np.ndarray, "order order"]


def largest_eigenvalue(matrix: Matrix) -> float:
    """The largest (algebraic) eigenvalue, to rounding of ‖M‖. Cost: (4/3)·order³ flops.

    By bisection; where all eigenvalues are one but for rounding, as those of a projector onto everything, LAPACK may
    count them otherwise than it counted them before, and gives up: there by the whole spectrum.

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
    return float(np.linalg.eigvalsh(matrix)[place - 1] if failed else values[0])
