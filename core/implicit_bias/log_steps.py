"""Strides over steps of descent on the squared model in p = ln|u±|, as what solves for them is told of them.

A step adds ln(1 ∓ x) to p, x = rate·r·root(rootᵀβ − target) where root·rootᵀ = XᵀX.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float64
from scipy.linalg.lapack import dpbsv, dpttrf, dsterf

Logs = Float64[np.ndarray, "2 dim"]
Stages = Float64[np.ndarray, "node 2 dim"]


class Packed(Protocol):
    """The weights of values at nodes in sums over a stretch of steps (`core.completion.summation.Stretch`)."""

    @property
    def numbers(self) -> Float64[np.ndarray, " number"]:
        """All of them in one array."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Way:
    """Pairs of steps from p = `logs` on.

    The first step of pair t has r = `level` + `slope`·t, the second slope/2 more. `limit` has |β| and c = u₊² + u₋² of
    about where it leads.
    """

    logs: Logs
    rate: float
    level: float
    slope: float
    limit: Float64[np.ndarray, "2 dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Modes:
    """How two steps act on p near a state: by T, η times the Gram matrix in the mean over both, QTQᵀ, T tridiagonal.

    Two steps at rη lower what is seen of a change of p by rT(2 − rT) of itself.
    """

    diagonal: Float64[np.ndarray, " rank"]
    below: Float64[np.ndarray, " rank"]
    """T_(k+1)k, of which the last is 0."""

    @property
    def z(self) -> Float64[np.ndarray, " rank"]:
        """The eigenvalues, in ascending order."""
        z: Float64[np.ndarray, " rank"] = dsterf(self.diagonal, self.below[: max(len(self.below) - 1, 1)])[0]
        return z

    @property
    def largest(self) -> float:
        """The largest z."""
        return float(self.z[-1])

    def is_stable(self, r: float) -> bool:
        """Whether rz < 2 for all of them: whether 2 − rT is positive definite; not where it is not finite."""
        factors, _, failed = dpttrf(2 - r * self.diagonal, -r * self.below[: max(len(self.below) - 1, 1)])
        return bool(failed == 0 and factors[-1] > 0)

    def slowed(self, change: Float64[np.ndarray, " rank"], r: float, pairs: float) -> Float64[np.ndarray, " rank"]:
        """(1 + pairs·rT(2 − rT))⁻¹·change: about what so many pairs of steps at rη leave of it on their mean.

        ∞ where that matrix is not positive definite.
        """
        a, b, rank = self.diagonal, self.below, len(self.diagonal)
        band = np.zeros((3, rank))
        band[0] = a * a + b * b
        band[0, 1:] += np.square(b[:-1])
        band[1, :-1] = b[:-1] * (a[:-1] + a[1:])
        band[2, :-2] = b[:-2] * b[1:-1]
        band *= -r * r
        band[0] += 2 * r * a
        band[1] += 2 * r * b
        band *= pairs
        band[0] += 1
        kept, failed = dpbsv(band[: min(3, rank)], change, lower=1)[1:]
        return kept if not failed else np.full(rank, np.inf)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stride:
    """A stretch of pairs of steps: p at its nodes, and the `pace` there, what two steps add.

    To first order what is missed of the sum moves β of the limit by `moved` at most, a vector of length `distance`, and
    the run on its way by `along` in Σx. Both are ∞ or NaN where that is not bounded. Of what comes then `least` is
    ηL·max(1, max|β|/c), and `step` the largest |x| of the next step at r = 1. The `modes` are those at the node in the
    middle.
    """

    states: Stages
    pace: Stages
    modes: Modes
    moved: Float64[np.ndarray, " dim"]
    distance: float
    along: float
    least: float
    step: float

    @property
    def end(self) -> Logs:
        """The last p."""
        end: Logs = self.states[-1]
        return end


@dataclass(frozen=True, kw_only=True, slots=True)
class NewtonLimits:
    """Newton's steps are over when one changes no exponent by more than `solved`.

    There is no solution where one changes any by `farthest` or more, or not after so many `iterations`.
    """

    solved: float
    farthest: float
    iterations: int
