"""The equations of a stride: p = ln|u±| at its nodes, each the sum of what the steps up to it add.

At node j two steps of descent on the squared model add F(p) = ln(1 ∓ x) + ln(1 ∓ x′) (`core.implicit_bias.log_steps`).
States with p_j = start + Σ_l weights_jl·F(p_l) are found by Newton steps with one linearisation. In the basis where
the Gram matrix is tridiagonal their equations have a band, which is solved in a tenth of the time of a spectral
decomposition.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from jaxtyping import Float64
from scipy.linalg import lu_factor, lu_solve

from core.implicit_bias.log_steps import Linearisation, NewtonLimits, PairSizes

FARTHEST: Final = 5.0
"""Largest change of an exponent in an iteration, beyond which the solution is out of sight."""

LIMITS: Final = NewtonLimits(solved=1e-9, farthest=FARTHEST, iterations=12)

AGAINST: Final = np.array([[-1.0], [1.0]])
"""The signs with which x enters u₊ and u₋."""

Logs = Float64[np.ndarray, "2 dim"]
Stages = Float64[np.ndarray, "node 2 dim"]
Weights = Float64[np.ndarray, "node node"]


class StageSolver(Protocol):
    """What solves them, on one problem."""

    def pace(self, logs: Stages, sizes: PairSizes) -> Stages:
        """F at up to three states; not finite where a step leads to 0 or changes a sign."""
        ...

    def settled(
        self, start: Logs, foreseen: Stages, sizes: PairSizes, weights: Weights, linearisation: Linearisation
    ) -> tuple[Stages, Stages] | None:
        """The states at the nodes and F there, from foreseen states on; None where Newton steps do not settle."""
        ...


MakeSolver = Callable[[Float64[np.ndarray, "dim rank"], Float64[np.ndarray, " rank"]], StageSolver]
"""From `root` and `target`."""


@dataclass(frozen=True, slots=True, eq=False)
class NumpyStages:
    """The reference of `core.descent.native.stages`."""

    root: Float64[np.ndarray, "dim rank"]
    target: Float64[np.ndarray, " rank"]

    def missing(self, logs: Float64[np.ndarray, "*node 2 dim"]) -> Float64[np.ndarray, "*node rank"]:
        """The residuals rootᵀβ − target."""
        squares = np.exp(2 * logs)
        missing: Float64[np.ndarray, "*node rank"] = (squares[..., 0, :] - squares[..., 1, :]) @ self.root - self.target
        return missing

    def step(
        self, logs: Float64[np.ndarray, "*node 2 dim"], size: Float64[np.ndarray, "*node"] | float
    ) -> Float64[np.ndarray, "*node 2 dim"]:
        """What the next step, of this rate·r, adds to p."""
        x = (self.missing(logs) @ self.root.T) * np.asarray(size)[..., None]
        return np.asarray(np.log1p(x[..., None, :] * AGAINST))

    def pace(self, logs: Stages, sizes: PairSizes) -> Stages:
        """As `StageSolver.pace`."""
        first = self.step(logs, sizes.rate * sizes.r)
        pace: Stages = first + self.step(logs + first, sizes.rate * (sizes.r + sizes.rise))
        return pace

    def settled(
        self, start: Logs, foreseen: Stages, sizes: PairSizes, weights: Weights, linearisation: Linearisation
    ) -> tuple[Stages, Stages] | None:
        """As `StageSolver.settled`."""
        diagonal, below, slopes = linearisation.diagonal, linearisation.below, linearisation.slopes
        tridiagonal = np.diag(diagonal) + np.diag(below[:-1], 1) + np.diag(below[:-1], -1)
        lag = np.stack([each * (2 * np.eye(len(diagonal)) - each * tridiagonal) for each in sizes.r])
        rank = len(diagonal)
        blocks = np.eye(3 * rank).reshape(3, rank, 3, rank) + np.einsum("ij,jkm->ikjm", weights, lag @ tridiagonal)
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
