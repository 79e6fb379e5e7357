"""A completed run continued step by step to its end, and what that says of the limit it was given."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

from core.descent.batch_descent import BatchDescent, BatchState
from core.descent.kernel import kernels
from core.randomness import stream
from core.stability.sharpness import interpolator_sharpness_of
from core.training.escapes import PERTURBATION_SIZE
from core.training.problem import Problem
from core.training.training_run import TrainedRun

NEAR_ENOUGH: Final = 1e-2
"""A run has come to its end when what it has still to go is below this part of the tolerance."""

ROUNDING: Final = 1e-11
"""Relative distance from its exact path that rounding gives a run of 10⁵ steps away from the edge."""

KICK_GROWTH: Final = 100.0
"""The most by which a kick may move the end, as a multiple of what it moves at once."""

MOST_STEPS: Final = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Continuation:
    """Where the steps lead that completion spared, all distances relative to ‖β‖₂ of the limit.

    `error` is ‖β − limit‖ in the end and `start` at first; `rest` is how far the run has still to go there, to first
    order: no less than the distance from the nearest interpolator; `threshold` is ηλ of the Gram matrix there; `kick`
    is by how much a kick moved β before the first step, 0 without one.
    """

    steps: int
    start: float
    error: float
    rest: float
    threshold: float
    kick: float


def continued(problem: Problem, trained: TrainedRun, *, work: float, kick: bool) -> Continuation:
    """From the last iterate at full step size by the same kernel, to the end, or until that is out of reach of `work`.

    No completion, no warm-up, no stopping rule of the product.
    """
    walk = _Walk.begin(problem, trained)
    start, moved = walk.error, walk.kicked() if kick else 0.0
    most, steps = min(work / (4 * problem.dataset.X.size), MOST_STEPS), 0
    target, rest = 1e-3 * NEAR_ENOUGH * trained.run.completion_tolerance, walk.rest
    while rest > target:
        before, taken = walk.predictor, walk.advance(max(512, steps // 4))
        steps += taken
        # the slowest mode is the last: a run never becomes faster, and stands still where rounding leaves it
        last, rest = rest, walk.rest
        pace = np.log(last / rest) / taken if 0 < rest < last else 0.0
        is_hopeless = steps > most / 8 and pace * (most - steps) < np.log(rest / target) / 2
        if not np.isfinite(rest) or is_hopeless or steps >= most or np.array_equal(before, walk.predictor):
            break
    return Continuation(
        steps=steps, start=start, error=walk.error, rest=walk.rest, threshold=walk.threshold, kick=moved
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Walk:
    problem: Problem
    trained: TrainedRun
    descent: BatchDescent
    limit: Float64[np.ndarray, " dim"]

    @classmethod
    def begin(cls, problem: Problem, trained: TrainedRun) -> Self:
        assert trained.completion is not None
        X, y = problem.dataset.X, problem.dataset.y
        state = BatchState.begin(trained.theta[:, None], len(y))
        return cls(
            problem=problem,
            trained=trained,
            descent=kernels()[problem.kernel](X, y, problem.network, state),
            limit=problem.network.predictor(trained.completion.theta),
        )

    def advance(self, steps: int) -> int:
        self.descent.advance(np.broadcast_to(self.trained.run.step_size, (steps, 1)))
        return steps

    def kicked(self) -> float:
        """Kick as a training does; the change of β."""
        before, y = self.predictor, self.problem.dataset.y
        rng = stream(self.trained.run.seed, "kick of the completion campaign")
        residual = PERTURBATION_SIZE * np.sqrt(np.mean(np.square(y))) * rng.standard_normal(len(y))
        self.descent.step_by(0, self.trained.run.step_size, residual)
        return self._relative(self.predictor - before)

    @property
    def theta(self) -> Float64[np.ndarray, "part dim"]:
        return self.descent.theta[:, 0].copy()

    @property
    def predictor(self) -> Float64[np.ndarray, " dim"]:
        return self.problem.network.predictor(self.theta)

    @property
    def error(self) -> float:
        return self._relative(self.predictor - self.limit)

    @property
    def rest(self) -> float:
        """‖C Xᵀ(X C Xᵀ)⁺(Xβ − y)‖, C of the tangent weights: what a step along the flow to Xβ = y changes."""
        data, root = self.problem.dataset, np.sqrt(self.problem.network.tangent_weights(self.theta))
        misfit = data.X @ self.predictor - data.y
        if not np.isfinite(misfit).all():
            return np.inf
        return self._relative(root * np.linalg.lstsq(data.X * root, misfit)[0])

    @property
    def threshold(self) -> float:
        tangent_weights = self.problem.network.tangent_weights(self.theta)
        return self.trained.run.step_size * interpolator_sharpness_of(self.problem.dataset.X, tangent_weights).value

    def _relative(self, change: Float64[np.ndarray, " dim"]) -> float:
        return float(np.linalg.norm(change) / (np.linalg.norm(self.limit) or 1.0))
