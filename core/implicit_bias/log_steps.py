"""Steps of descent on the squared model in p = ln|u±|, as what solves for many of them is told of them.

A step adds ln(1 ∓ x) to p, x = rate·r·root(rootᵀβ − target) where root·rootᵀ = XᵀX.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairSizes:
    """Of pairs of steps, one pair for each node: their first steps have rate·r, their second ones rate·(r + `rise`)."""

    rate: float
    r: Float64[np.ndarray, " node"]
    rise: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Linearisation:
    """How two steps act on p near a state: of a change of p, seen as v, r(2 − rT)v moves p along the `directions`.

    v = directionsᵀ(slopes₊∘change₊ + slopes₋∘change₋); T is η times the Gram matrix in a basis where it is tridiagonal,
    `below` its `diagonal` the numbers of each column, of which the last is 0. u₊ moves against what u₋ does.
    """

    diagonal: Float64[np.ndarray, " rank"]
    below: Float64[np.ndarray, " rank"]
    directions: Float64[np.ndarray, "dim rank"]
    slopes: Float64[np.ndarray, "2 dim"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewtonLimits:
    """Newton's steps are over when one changes no exponent by more than `solved`.

    There is no solution where one changes any by `farthest` or more, or not after so many `iterations`.
    """

    solved: float
    farthest: float
    iterations: int
