"""What rounding does to β in the steps of a run that amplifies nothing: float64 has no digits to promise beyond.

A step rounds a parameter u to half a unit in its last place, and moves β by half a unit of D·|u|^D. Of that P stays,
what keeps Xβ = y (`core.completion.oblique_projector`); the steps to come mend the rest. While steps are larger than a
unit the roundings of t of them are a random walk, of √t units. A parameter whose steps are smaller stands still while
others go on, and misses up to a unit in each of the τ = (1 − m)/(ηλ_min) steps in which the slowest mode falls to 1/e
of itself, with momentum m.
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.completion.oblique_projector import complement_norm
from core.data.regression import Dataset
from core.networks.network import Network
from core.training.training_run import TrainedRun

UNIT: Final = float(np.finfo(np.float64).eps)

RESOLVED: Final = 1e-6
"""Least eigenvalue of a Gram matrix over its largest one, down to which nine digits of it are right."""


class RoundingErrors:
    """‖Δβ‖₂ of the ends of runs on one problem; what they share is computed once."""

    def __init__(self, dataset: Dataset, network: Network) -> None:
        self._X, self._y, self._network = dataset.X, dataset.y, network
        self._basis = dataset.row_space

    @np.errstate(all="ignore")
    def of(self, trained: TrainedRun, spectrum: Float64[np.ndarray, " order"] | None = None) -> float:
        """UNIT·(1 + √t + s·min(τ, t))·‖P‖₂·‖Σ_k|θ_k ∂β/∂θ_k|‖₂, s the part of the parameters that stand still.

        s is UNIT over the largest relative step of the last iterate, at most 1. `spectrum` is that of the Gram matrix
        at the end of the run, in ascending order, where it is known. Cost O(N·d·min(N, d)).
        """
        weights = self._network.tangent_weights(trained.end)
        terms = np.abs(self._network.jacobian(trained.end) * trained.end).sum(axis=0)
        missed = self._part_still(trained) * min(self._slowest(trained, weights, spectrum), trained.steps)
        units = 1 + math.sqrt(trained.steps) + missed
        return UNIT * units * self._kept(weights) * float(np.linalg.norm(terms))

    def _kept(self, weights: Float64[np.ndarray, " dim"]) -> float:
        """‖P‖₂, or 1 where a parameter vanishes: to follow the flow there is more than float64 can do."""
        if not (self._basis.size and weights.all()):
            return 1.0
        return complement_norm(self._basis, weights)

    def _slowest(
        self,
        trained: TrainedRun,
        weights: Float64[np.ndarray, " dim"],
        spectrum: Float64[np.ndarray, " order"] | None,
    ) -> float:
        """τ, ∞ where nothing falls. By the singular values of X√c where their squares have lost the least one."""
        rank, least = self._basis.shape[1], 0.0
        if spectrum is not None and rank and spectrum[-rank] >= RESOLVED * spectrum[-1]:
            least = float(spectrum[-rank])
        else:
            values = np.linalg.svd(self._X * np.sqrt(weights), compute_uv=False)[:rank]
            least = float(values.min(initial=np.inf)) ** 2 / len(self._y)
        rate = trained.run.end_step_size * least
        return (1 - trained.run.optimizer.momentum) / rate if rate else math.inf

    def _part_still(self, trained: TrainedRun) -> float:
        """s: steps of the parameters are spread, so that few are below a unit while the largest is far above."""
        theta, residual = trained.theta, self._X @ self._network.predictor(trained.theta) - self._y
        change = self._network.jacobian(theta) * (residual @ self._X) * (trained.run.end_step_size / len(self._y))
        largest = float(np.max(np.abs(change / theta), where=theta != 0, initial=0.0))
        return min(UNIT * (1 - trained.run.optimizer.momentum) / largest, 1.0) if largest else 1.0
