"""Linear programmes in standard form, the form in which least weighted ℓ1 norms are computed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linprog

from core.errors import SolverFailure


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solution:
    """A minimiser, and the multipliers of its equations: the rate at which the optimum grows with each right side."""

    minimiser: Float64[np.ndarray, " variable"]
    multipliers: Float64[np.ndarray, " equation"]


def least(
    cost: Float64[np.ndarray, " variable"],
    matrix: Float64[np.ndarray, "equation variable"],
    right_side: Float64[np.ndarray, " equation"],
) -> Solution:
    """Minimise costᵀx over x ≥ 0 with matrix·x = right_side.

    Dual simplex (HiGHS), so that the minimiser is a vertex: no more nonzero entries than there are equations. The
    tolerances are absolute: scale the problem to numbers of order 1.

    Raises:
        SolverFailure: HiGHS gives up, or a number is not finite.
    """
    try:
        result = linprog(
            cost,
            A_eq=matrix,
            b_eq=right_side,
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
    except ValueError as refusal:  # of numbers that overflowed on the way here
        raise SolverFailure(f"the linear programme was not solved: {refusal}") from refusal
    if result.status != 0 or result.x is None:
        raise SolverFailure(f"the linear programme was not solved: {result.message}")
    return Solution(minimiser=result.x, multipliers=result.eqlin.marginals)
