"""How far the reported end of a converged run may be from the limit that the run tends to, whichever way it ended.

A completed run brings its own estimate. A run that was let go by iteration is at a distance of its limit that the flow
from its last iterate shows; where that cannot be followed, the step along the flow that restores Xβ = y does. To either
is added what rounding may have done (`core.analysis.rounding_error`).
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.analysis.penalised_limit import PenalisedLimits
from core.analysis.rounding_error import RoundingErrors
from core.completion.completion import Completer, Completion, NotCompletable, Unsettled
from core.completion.stepping import Stepping
from core.data.regression import Dataset
from core.networks.network import Network
from core.outcome import Outcome
from core.stability.sharpness import ascended_sharpness_of
from core.training.training_run import TrainedRun, stepping

SAFETY: Final = 2.0
"""Factor on the distance that an iterate has still to go, of which only the first order is known."""

NEAR: Final = 1e-2
"""A relative distance from which on the first order says little: the factor grows with the ratio to this."""


class LimitErrors:
    """Errors of the ends of the converged runs on one problem; what they share is computed once."""

    def __init__(self, dataset: Dataset, network: Network, penalised: PenalisedLimits | None = None) -> None:
        self._dataset, self._network = dataset, network
        self._penalised = penalised or PenalisedLimits(dataset, network)
        self._completer: Completer | None = None
        self._rounding = RoundingErrors(dataset, network)

    def of(self, trained: TrainedRun, spectrum: Float64[np.ndarray, " order"] | None = None) -> float:
        """‖β − β_limit‖₂/‖β‖₂ of the reported end, to first order with safety factors; absolute where β = 0.

        1, all of β, where minibatches may lead away again. NaN where it comes to more than that, which says nothing.
        Where weights decay for ever the limit is that of `core.analysis.penalised_limit`, which minibatches pass by.
        `spectrum` is that of the Gram matrix at the end, where it is known.
        """
        if trained.run.weight_decay.lasts:
            return 1.0 if trained.run.optimizer.draws_batches else self._penalised.error(trained)
        predictor = self._network.predictor(trained.end)
        norm = float(np.linalg.norm(predictor)) or 1.0
        distance = trained.completion.estimate if trained.completion else self._of_iterate(trained, predictor) / norm
        if distance == 1:
            return distance
        error = distance + self._rounding.of(trained, spectrum) / norm
        return error if error <= 1 else math.nan

    def _of_iterate(self, trained: TrainedRun, predictor: Float64[np.ndarray, " dim"]) -> float:
        """‖β − β_limit‖₂ of an iterate; heavy ball leaves for where its velocity leads, θ + m/(1 − m)·v.

        All of ‖β‖₂ where SGD is not stable in the mean square: however small its loss is, it may grow again. So it does
        where nothing interpolates, and with momentum, where nothing is known. All of it, too, of SAM with ascents of a
        given length, which lead on to where the loss is flatter.
        """
        optimizer = trained.run.optimizer
        if optimizer.ascent is not None and optimizer.ascent.normalized:
            return float(np.linalg.norm(predictor)) or 1.0
        after = stepping(trained.run, trained.velocity, len(self._dataset.y))
        if after.dispersion and after.momentum:
            return float(np.linalg.norm(predictor)) or 1.0
        completer = self._completer = self._completer or Completer(self._dataset, self._network)
        step_size, size = trained.run.end_step_size, float(np.linalg.norm(predictor)) or 1.0
        found: Completion | Unsettled | NotCompletable | None = None
        if optimizer.is_completable:
            found = completer.complete(trained.theta, step_size=step_size, tolerance=np.inf, stepping=after)
        if isinstance(found, Completion):
            limit = found.predictor
            left = float(np.linalg.norm(limit - predictor)) + found.estimate * float(np.linalg.norm(limit))
        elif after.dispersion and (found is NotCompletable.UNSTABLE or _leaves(completer, trained, after)):
            return size
        else:
            ahead = after.ahead(trained.theta)
            there = self._network.predictor(ahead)
            left = float(np.linalg.norm(there - predictor) + np.linalg.norm(self._to_interpolator(ahead, there)))
            left += self._along_interpolators(trained)
        return SAFETY * (1 + left / (NEAR * size)) * left

    def _along_interpolators(self, trained: TrainedRun) -> float:
        """Σ_t of what steps to second order add to β where the flow has ended; 0 where completion knows it.

        At D = 2 a step adds some (η + 2ρ)·2L, η/(1 − m) with momentum, and L falls by 2ε of itself or more, ε how far
        from unstable the run is: near the edge few steps do little of the way.
        """
        optimizer, theta = trained.run.optimizer, trained.theta
        if optimizer.is_completable or optimizer.draws_batches:
            return 0.0
        rho = 0.0 if optimizer.ascent is None else float(optimizer.ascent.rho[0])
        weights = self._network.tangent_weights(theta)
        sharpness = ascended_sharpness_of(self._dataset.X, weights, optimizer.sample_rho)
        room = -optimizer.instability(trained.run.end_step_size, sharpness)
        reach = trained.run.end_step_size / (1 - optimizer.momentum) + 2 * rho
        depth = self._network.degree
        bend = depth * (depth - 1) / 2 * float(np.abs(theta).max()) ** (depth - 2)
        return float(bend * reach * 2 * trained.loss / min(room, 1.0)) if room > 0 else np.inf

    def _to_interpolator(
        self, theta: Float64[np.ndarray, "part dim"], predictor: Float64[np.ndarray, " dim"]
    ) -> Float64[np.ndarray, " dim"]:
        """Δβ = C Xᵀ(X C Xᵀ)⁺(y − Xβ) with the tangent weights C of θ: one step along the flow to Xβ = y."""
        X, root = self._dataset.X, np.sqrt(self._network.tangent_weights(theta))
        step: Float64[np.ndarray, " dim"] = root * np.linalg.lstsq(X * root, self._dataset.y - X @ predictor)[0]
        return step


def _leaves(completer: Completer, trained: TrainedRun, after: Stepping) -> bool:
    """Whether minibatches lead away from an iterate again of which no limit is found."""
    step_size = trained.run.end_step_size
    return trained.outcome is Outcome.STATIONARY or completer.is_unstable(
        trained.theta, step_size=step_size, stepping=after
    )
