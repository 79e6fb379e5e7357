"""The equations of a stride: p = ln|u±| at its nodes, each the sum of what the steps up to it add.

At node j two steps of descent on the squared model add F(p) = ln(1 ∓ x) + ln(1 ∓ x′) (`core.implicit_bias.log_steps`).
States with p_j = start + Σ_l weights_jl·F(p_l) are found by Newton steps with one linearisation.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.linalg import lu_factor, lu_solve

from core.implicit_bias.log_steps import Logs, NewtonLimits, Stages

FARTHEST: Final = 5.0
"""Largest change of an exponent in an iteration, beyond which the solution is out of sight."""

LIMITS: Final = NewtonLimits(solved=1e-9, farthest=FARTHEST, iterations=12)

AGAINST: Final = np.array([[-1.0], [1.0]])
"""The signs with which x enters u₊ and u₋."""

Weights = Float64[np.ndarray, "node node"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairSizes:
    """Of pairs of steps, one pair for each node: their first steps have rate·r, their second ones rate·(r + `rise`)."""

    rate: float
    r: Float64[np.ndarray, " node"]
    rise: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Linearisation:
    """How two steps act on p near a state: of a change of p, seen as v, r(2 − rT)v moves p along the `directions`.

    v = directionsᵀ(slopes₊∘change₊ + slopes₋∘change₋); `matrix` is T, η times the Gram matrix. u₊ moves against what u₋
    does.
    """

    matrix: Float64[np.ndarray, "rank rank"]
    directions: Float64[np.ndarray, "dim rank"]
    slopes: Float64[np.ndarray, "2 dim"]


@dataclass(frozen=True, slots=True, eq=False)
class NumpyStages:
    """They and their solution on one problem: `root` is VΣ, `target` Uᵀy where X = UΣVᵀ."""

    root: Float64[np.ndarray, "dim rank"]
    target: Float64[np.ndarray, " rank"]

    def missing(self, logs: Float64[np.ndarray, "*node 2 dim"]) -> Float64[np.ndarray, "*node rank"]:
        """The residuals rootᵀβ − target."""
        squares = np.exp(2 * logs)
        missing: Float64[np.ndarray, "*node rank"] = (squares[..., 0, :] - squares[..., 1, :]) @ self.root - self.target
        return missing

    def x(
        self, logs: Float64[np.ndarray, "*node 2 dim"], size: Float64[np.ndarray, "*node"] | float
    ) -> Float64[np.ndarray, "*node dim"]:
        """That x of the next step, of this rate·r, with which it adds ln(1 ∓ x)."""
        return np.asarray((self.missing(logs) @ self.root.T) * np.asarray(size)[..., None])

    def step(
        self, logs: Float64[np.ndarray, "*node 2 dim"], size: Float64[np.ndarray, "*node"] | float
    ) -> Float64[np.ndarray, "*node 2 dim"]:
        """What that adds to p."""
        return np.asarray(np.log1p(self.x(logs, size)[..., None, :] * AGAINST))

    def pace(self, logs: Stages, sizes: PairSizes) -> Stages:
        """F at some states; not finite where a step leads to 0 or changes a sign."""
        first = self.step(logs, sizes.rate * sizes.r)
        pace: Stages = first + self.step(logs + first, sizes.rate * (sizes.r + sizes.rise))
        return pace

    def settled(
        self, start: Logs, foreseen: Stages, sizes: PairSizes, weights: Weights, linearisation: Linearisation
    ) -> tuple[Stages, Stages] | None:
        """The states at the nodes and F there, from foreseen states on; None where Newton steps do not settle."""
        T, slopes, rank = linearisation.matrix, linearisation.slopes, len(linearisation.matrix)
        lag = np.stack([each * (2 * np.eye(rank) - each * T) for each in sizes.r])
        blocks = np.eye(3 * rank).reshape(3, rank, 3, rank) + np.einsum("ij,jkm->ikjm", weights, lag @ T)
        factors = lu_factor(blocks.reshape(3 * rank, -1), check_finite=False)
        states, last = foreseen, np.inf
        pace = self.pace(states, sizes)
        for _ in range(LIMITS.iterations):
            missing = start + combined(weights, pace) - states
            seen = (slopes[0] * missing[:, 0] + slopes[1] * missing[:, 1]) @ linearisation.directions
            solved = lu_solve(factors, seen.ravel(), check_finite=False).reshape(3, rank, 1)
            moved = (weights @ (lag @ solved)[:, :, 0]) @ linearisation.directions.T
            change = missing + moved[:, None] * AGAINST
            states, size = states + change, float(np.abs(change).max())
            if not size < min(2 * last, LIMITS.farthest):
                return None
            pace = self.pace(states, sizes)
            if size <= LIMITS.solved:
                return states, pace
            last = size
        return None


def combined(weights: Float64[np.ndarray, "place node"], stages: Stages) -> Float64[np.ndarray, "place 2 dim"]:
    """Σ_j weights_j·stage_j for each place."""
    combined: Float64[np.ndarray, "place 2 dim"] = (weights @ stages.reshape(3, -1)).reshape(-1, *stages.shape[1:])
    return combined
