"""Linear programmes over split variables, the form in which least weighted ℓ1 norms are computed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linprog

from core.errors import SolverFailure


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solution:
    """A minimiser, and the multipliers of its constraints: the rate at which the optimum grows with each right side."""

    minimiser: Float64[np.ndarray, " variable"]
    equality_multipliers: Float64[np.ndarray, " equality"]
    inequality_multipliers: Float64[np.ndarray, " inequality"]


def least(
    cost: Float64[np.ndarray, " variable"],
    *,
    equal: tuple[Float64[np.ndarray, "equality variable"], Float64[np.ndarray, " equality"]],
    at_most: tuple[Float64[np.ndarray, "inequality variable"], Float64[np.ndarray, " inequality"]],
) -> Solution:
    """Minimise costᵀx over x ≥ 0 with Ax = b for (A, b) in `equal` and Ax ≤ b for (A, b) in `at_most`.

    Dual simplex (HiGHS), so that the minimiser is a vertex: as few nonzero entries as there are binding constraints.
    The tolerances are absolute: scale the problem to numbers of order 1.

    Raises:
        SolverFailure: HiGHS gives up, or a number is not finite.
    """
    try:
        result = linprog(
            cost,
            A_eq=equal[0],
            b_eq=equal[1],
            A_ub=at_most[0],
            b_ub=at_most[1],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
    except ValueError as refusal:  # of numbers that overflowed on the way here
        raise SolverFailure(f"the linear programme was not solved: {refusal}") from refusal
    if result.status != 0 or result.x is None:
        raise SolverFailure(f"the linear programme was not solved: {result.message}")
    return Solution(
        minimiser=result.x,
        equality_multipliers=result.eqlin.marginals,
        inequality_multipliers=result.ineqlin.marginals,
    )
