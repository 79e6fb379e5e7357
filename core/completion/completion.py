"""Completion: where a run of gradient descent will end, long before it gets there.

Full-batch gradient descent at a fixed step size η moves, at depth 2 and for UV, along what gradient flow conserves, but
for a shrinkage of A = |u₊u₋| by 1 − x² a step, x = 2ηg (`core.implicit_bias`); at depth D ≥ 3 along what *its* flow
conserves, but for a like shrinkage. In the final phase of a run the sum of x² over all steps to come is tiny, and the
flow limit of the iterate is the limit of the run. What is neglected is estimated here to first order, and for D = 2 and
UV bounded in `core.completion.bound`. Heavy ball and minibatch SGD move so as well, with another sum over their steps
(`core.completion.remaining_descent`). Derivations: docs/science/completion.md.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.completion.bound import CompletedRun, proven_distance
from core.completion.flow_path import sharpness_on_the_way
from core.completion.minibatch_spectrum import MinibatchSpectrum
from core.completion.oblique_projector import ObliqueProjector, complement_norm
from core.completion.remaining_descent import RemainingDescent, Spectrum
from core.completion.stepping import PLAIN, Stepping
from core.completion.stride import MakeSolver, NumpyStrides, StrideSolver
from core.completion.striding import LogDescent, strided
from core.completion.warm_up import OVER, WarmUp
from core.data.regression import Dataset
from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm, FlowEnd
from core.networks.network import Network
from core.stability.bounds import second_moments
from core.stability.gram_spectrum import GramSpectrum

MOST_RESIDUAL: Final = 1e-9
"""Largest max|Xβ − y|/max|y| of a completed predictor: beyond it, float64 does not reach the interpolator."""

ROUNDING: Final = 1e-14
"""Error of a completed β relative to |u₊|^D + |u₋|^D, from logarithms and differences, counted in all its errors."""

STRIDES_MISS: Final = 0.5
"""Part of the tolerance within which strides keep what they miss."""

FORESEEN_GROWTH: Final = 10.0
"""The screen on the loss takes ‖β‖₂ of the limit to be below this multiple of the least possible one."""

Parts = Float64[np.ndarray, "part dim"]
Vector = Float64[np.ndarray, " dim"]


class NotCompletable(StrEnum):
    """Why there is no completion. None of these is an error: the run goes on."""

    NO_INTERPOLATOR = "no_interpolator"
    VANISHED = "vanished"
    UNSTABLE = "unstable"
    UNRESOLVED = "unresolved"
    ROUGH = "rough"

    @property
    def meaning(self) -> str:
        """What stands in the way."""
        return _MEANINGS[self]


_MEANINGS = {
    NotCompletable.NO_INTERPOLATOR: "Xβ = y has no solution: the run does not end at an interpolator.",
    NotCompletable.VANISHED: "A parameter is zero or not finite, or its square is in float64.",
    NotCompletable.UNSTABLE: "step_size × sharpness is, or may be, 2 or more here or at the limit.",
    NotCompletable.UNRESOLVED: "float64 does not reach the interpolator of the conserved form.",
    NotCompletable.ROUGH: "The run is not smooth, or not stable, on the way to a limit.",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Completion:
    """The limit of a run: what it tends to and never quite reaches.

    `estimate` and `bound` are of ‖β − β_limit‖₂/‖β‖₂, to first order and proven. A finite bound proves that the run
    converges, to a linearly stable limit; it is ∞ where nothing is proven. `residual` is max|Xβ − y|/max|y|.
    `sharpness` is λ_max at `theta`; where the estimate holds, that at the true limit differs by `sharpness_error` at
    most. `multipliers` are those of the conserved form, counted from the iterate, or from where strides led if it was
    found `by_strides`.
    """

    theta: Parts
    predictor: Vector
    multipliers: Float64[np.ndarray, " rank"]
    residual: float
    sharpness: float
    sharpness_error: float
    estimate: float
    bound: float
    by_strides: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsettled:
    """No completion yet: what the rest of the run may still change is not below the tolerance.

    `error` is a part of it at least, relative to ‖β‖₂. It falls with the loss, and no faster than its square as a rule.
    """

    error: float


class Completer:
    """Completion of the runs on one problem; what they share is computed once."""

    def __init__(self, dataset: Dataset, network: Network, solver: MakeSolver = NumpyStrides) -> None:
        self._network = network
        self._solver = solver
        self._depth = network.degree
        self._ratio = network.squared_step_ratio
        self._space: InterpolatorSet | None = None
        space = dataset.interpolators
        if space is not None and space.basis.shape[1]:  # else X = 0: every β interpolates, and nothing moves
            self._space = space
            self._gram = GramSpectrum.of(self._space)
            self._moment = float(second_moments(dataset.X).max())
            least = float(np.linalg.norm(self._space.coordinates))  # ‖β‖₂ of an interpolator is at least this
            typical = (least / np.sqrt(dataset.X.shape[1])) ** (1 / self._depth)
            self._foreseen_norm = FORESEEN_GROWTH * least
            self._least_ratio = self._depth * (self._depth - 1) / 2 * typical ** (self._depth - 2)

    def is_worth_trying(self, *, loss: float, step_size: float, tolerance: float) -> bool:
        """A screen that costs nothing: whether the loss lets the estimate come below the tolerance at all.

        The estimate is at least ½D(D−1)·max|u|^(D−2)·ηL/‖β‖₂ unless there is a single interpolator.
        """
        if self._space is None:
            return False
        return bool(self._least_ratio * self._ratio * step_size * loss <= tolerance * self._foreseen_norm)

    def is_unstable(self, theta: Parts, *, step_size: float, stepping: Stepping) -> bool:
        """Whether θ is, as an interpolator, not linearly stable; of SGD in the mean square."""
        if self._space is None:
            return False
        sharpness = self._spectrum(stepping).largest(self._network.tangent_weights(theta))
        return step_size / (1 + stepping.momentum) * sharpness >= 2

    def complete(
        self, theta: Parts, *, step_size: float, tolerance: float, stepping: Stepping = PLAIN
    ) -> Completion | Unsettled | NotCompletable:
        """The limit of descent at this full step size from the iterate θ, where the estimate is ≤ `tolerance`.

        For runs in their final phase: warm-up and noise are over. The outcome depends on the arguments alone, to the
        bit. Cost: 4 ms at N = 50, d = 100, most of it the Newton steps of the flow limit, 8 to 25 ms more where the
        way there is followed; 0.4 ms for most refusals.
        """
        if self._space is None:
            return NotCompletable.NO_INTERPOLATOR
        try:
            with np.errstate(all="ignore"):  # what is out of reach of float64 shows in the residual
                rest = self._remaining(self._space, theta, step_size * self._ratio, stepping)
                if isinstance(rest, NotCompletable):
                    return rest
                return self._attempt(self._space, rest, stepping.ahead(theta), stepping, tolerance=tolerance)
        except (np.linalg.LinAlgError, OverflowError):
            return NotCompletable.UNRESOLVED

    def complete_ahead(
        self, theta: Parts, *, step_size: float, tolerance: float, warm_up: WarmUp = OVER
    ) -> Completion | Unsettled | NotCompletable:
        """The limit of plain descent from θ as `complete` finds it far ahead of θ, where strides lead.

        At depth 2 and for UV, where the run is smooth (`core.completion.striding`). Within a warm-up it is followed
        only if flow from θ ends where the full step size is stable. Nothing is proven of the limit, and its estimate
        has what strides miss. Cost: 2 to 10 ms at N = 50, d = 100; .5 ms for most refusals.
        """
        if self._space is None:
            return NotCompletable.NO_INTERPOLATOR
        state = self._state(theta)
        if not state.is_regular:
            return NotCompletable.VANISHED
        if state.depth > 2:
            return NotCompletable.ROUGH
        try:
            with np.errstate(all="ignore"):
                return self._ahead(self._space, theta, warm_up, step_size=step_size, tolerance=tolerance)
        except (np.linalg.LinAlgError, OverflowError):
            return NotCompletable.UNRESOLVED

    def _ahead(
        self, space: InterpolatorSet, theta: Parts, warm_up: WarmUp, *, step_size: float, tolerance: float
    ) -> Completion | Unsettled | NotCompletable:
        reference, solver = self._strides
        state, rate = self._state(theta), 2 * step_size * self._ratio / len(space.X)
        descent = LogDescent(reference=reference, solver=solver, rate=rate)
        if not descent.is_stable(state, warm_up):
            return NotCompletable.UNSTABLE
        end = state.flowed(space)
        sharpness = self._gram.largest(end.state.tangent_weights) if warm_up.pairs_left else 0.0
        if not step_size * self._ratio * sharpness < 2:
            return NotCompletable.UNSTABLE
        norm, (dim, rank) = float(np.linalg.norm(end.predictor)), space.basis.shape
        projected = complement_norm(space.basis, end.state.weights) if rank < dim else 0.0
        allowed = STRIDES_MISS * tolerance * norm / (projected or 1.0)
        found = strided(descent, state, end.state, warm_up, allowed=allowed)
        if found is None:
            return NotCompletable.ROUGH
        logs, drift = found
        plus, minus = logs - np.log(np.abs(state.theta))
        ahead = np.exp((plus + minus) / 2) * self._network.moved_along_flow(theta, plus - minus)
        limit = self.complete(ahead, step_size=step_size, tolerance=tolerance)
        if not isinstance(limit, Completion):
            return limit
        direct = float(np.linalg.norm(drift))
        missed = projected * direct
        estimate = limit.estimate + missed / norm
        if not estimate <= tolerance:
            return Unsettled(error=estimate)
        # Where a single predictor interpolates nothing of it is missed, and θ is off all the same.
        slope = self._ratio * self._gram.largest_moment * end.state.tangent_weight_slope
        sharpness_error = limit.sharpness_error + slope * (missed + direct)
        reached = replace(limit, estimate=estimate, bound=np.inf, sharpness_error=sharpness_error, by_strides=True)
        return reached if step_size * (reached.sharpness + sharpness_error) < 2 else NotCompletable.UNSTABLE

    @cached_property
    def _strides(self) -> tuple[NumpyStrides, StrideSolver]:
        """What makes strides on this problem, and its reference."""
        if self._space is None:
            raise ValueError("there is no interpolator to stride to")
        reference = NumpyStrides.of(self._space)
        return reference, self._solver(reference.root, reference.target)

    def _remaining(
        self, space: InterpolatorSet, theta: Parts, step_size: float, stepping: Stepping
    ) -> RemainingDescent | NotCompletable:
        """The steps to come, from where the velocity leads."""
        states = [self._state(each) for each in (stepping.ahead(theta), theta, stepping.before(theta))]
        ahead, now, before = states
        if not all(state.is_regular for state in states):
            return NotCompletable.VANISHED
        equivalent, spectrum = step_size / (1 + stepping.momentum), self._spectrum(stepping)
        rest = RemainingDescent.begin(space, spectrum, ahead, equivalent)
        if stepping.velocity is None:
            return rest
        return rest.with_momentum(stepping.momentum, RemainingDescent.begin(space, spectrum, now, equivalent), before)

    def _state(self, theta: Parts) -> ConservedForm:
        squared = self._network.as_squared(theta)
        return ConservedForm(theta=theta if squared is None else squared, depth=self._depth)

    def _spectrum(self, stepping: Stepping) -> Spectrum:
        if not (stepping.dispersion and self._space):
            return self._gram
        return MinibatchSpectrum(gram=self._gram, X=self._space.X, dispersion=stepping.dispersion)

    def _attempt(
        self, space: InterpolatorSet, rest: RemainingDescent, theta: Parts, stepping: Stepping, *, tolerance: float
    ) -> Completion | Unsettled | NotCompletable:
        if not rest.is_stable:
            return NotCompletable.UNSTABLE
        state = rest.state
        leaving, reached = rest.leaving(state) / 2, float(np.linalg.norm(state.predictor))
        if leaving > tolerance * reached:
            return Unsettled(error=leaving / reached if reached else np.inf)
        end = state.flowed(space)
        if stepping.dispersion:
            rest = rest.of_minibatches(end.state)
        return self._completed(space, rest, end, theta, tolerance=tolerance)

    def _completed(
        self,
        space: InterpolatorSet,
        rest: RemainingDescent,
        end: FlowEnd,
        theta: Parts,
        *,
        tolerance: float,
    ) -> Completion | Unsettled | NotCompletable:
        limit, residual, spectrum = end.state, space.residual(end.predictor), rest.spectrum
        if not (limit.is_regular and residual <= MOST_RESIDUAL):
            return NotCompletable.UNRESOLVED
        sharpness = spectrum.largest(limit.tangent_weights)
        rest = rest.meeting(sharpness)
        if not rest.is_stable:
            return NotCompletable.UNSTABLE
        projector = ObliqueProjector.of(space.basis, limit.weights)
        # what the solver has left of Xβ = y, and what the rest of the run leaves of the conserved form
        missing = float(np.linalg.norm(space.basis.T @ end.predictor - space.coordinates))
        defect = projector.complement * (missing + ROUNDING * float(np.linalg.norm(limit.volume)))
        norm = float(np.linalg.norm(end.predictor)) or 1.0
        least = projector.norm * rest.leaving(limit) + defect
        if not least <= tolerance * norm:
            return Unsettled(error=least / norm)
        run = self._remaining_run(rest, end, sharpness, projector)
        is_squared = self._depth == 2 and rest.is_plain
        proven = proven_distance(run) if is_squared else np.inf
        if np.isinf(proven) and not (is_squared and rest.step_size * run.largest_sharpness <= 1):
            rest = rest.meeting(self._sharpness_met(space, rest))
        else:
            rest = rest.meeting(run.largest_sharpness)
        direct = rest.leaving(limit)
        distance = projector.norm * direct + defect
        if rest.is_stable and not distance <= tolerance * norm:
            return Unsettled(error=distance / norm)
        sharpness_error = spectrum.largest_moment * limit.tangent_weight_slope * (distance + direct)
        if not rest.is_stable or rest.step_size * (sharpness + sharpness_error) >= 2:
            return NotCompletable.UNSTABLE
        return Completion(
            theta=self._network.moved_along_flow(theta, end.change),
            predictor=end.predictor,
            multipliers=end.multipliers,
            residual=residual,
            sharpness=self._ratio * sharpness,
            sharpness_error=self._ratio * sharpness_error,
            estimate=distance / norm,
            bound=(proven + defect) / norm,
        )

    @staticmethod
    def _sharpness_met(space: InterpolatorSet, rest: RemainingDescent) -> float:
        """On the flow to the limit, ∞ where that is out of reach of float64."""
        try:
            with np.errstate(all="ignore"):
                return sharpness_on_the_way(space, rest.spectrum, rest.state, enough=2 / rest.step_size)
        except np.linalg.LinAlgError:
            return np.inf

    def _remaining_run(
        self, rest: RemainingDescent, end: FlowEnd, sharpness: float, projector: ObliqueProjector
    ) -> CompletedRun:
        return CompletedRun(
            iterate=rest.state,
            completed=end.state,
            exponent=end.change,
            step_size=rest.step_size,
            loss=rest.loss,
            sharpness=sharpness,
            moment=self._moment,
            largest_moment=self._gram.largest_moment,
            projector=projector,
        )
