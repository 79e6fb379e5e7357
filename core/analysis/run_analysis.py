"""The analysis of a trained run: how it ended, where, and what the theory says of that point."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.analysis.limit_error import LimitErrors
from core.analysis.penalised_limit import PenalisedLimits
from core.analysis.problem import finite
from core.analysis.problem_analysis import ProblemAnalysis
from core.analysis.starts import RISKS, Start, Starts
from core.data.regression import Dataset, excess_risk, risk_change, risks, train_loss
from core.data.regression import test_loss as risk_of
from core.implicit_bias.certificate import certificate_residual, mean_effective_init
from core.networks.network import Network
from core.outcome import WITH_LIMIT, Outcome
from core.stability import bounds
from core.stability.mean_square_step import mean_square_stable_step
from core.stability.sharpness import Eigenpair, interpolator_spectrum_of, top_hessian_eigenpairs
from core.stability.tangent_kernel import kernel_change
from core.training.training_run import CompletedLimit, TrainedRun, TrainingRun

SharpnessesAt = Callable[[Float64[np.ndarray, "part run dim"]], Sequence[Eigenpair]]
"""λ_max of the Hessian of the loss at states."""

PROVEN_TO: Final = 1e-6
"""Relative width of the bounds within which the threshold of SGD is told."""


class RunAnalysis:
    """Analysis of the trained runs of one problem; what they share is computed once."""

    def __init__(
        self,
        dataset: Dataset,
        network: Network,
        analysis: ProblemAnalysis,
    ) -> None:
        self._dataset = dataset
        self._network = network
        self._analysis = analysis
        with np.errstate(all="ignore"):  # as in `summary`
            self._squared_means = bounds.squared_means(dataset.X)
            self._second_moments = bounds.second_moments(dataset.X)
        self._penalised_limits = PenalisedLimits(dataset, network)
        self._limit_errors = LimitErrors(dataset, network, self._penalised_limits)
        self.starts: Final = Starts.of_problem(dataset, network, analysis)

    # What overflows in a run that diverged becomes null, and is nothing to warn of.
    @np.errstate(all="ignore")
    def summary(
        self,
        trained: TrainedRun,
        *,
        init_scale: float,
        kernel_id: str,
        start: Start | None = None,
        hessian_top: Eigenpair | None = None,
    ) -> dict[str, Any]:
        """The scalars of a run: how it ended, where, and what the theory says of that point. NaN becomes null.

        `start` is what is known of where the run began, `hessian_top` what `hessian_tops` found of where it stopped, if
        they were asked for before.
        """
        start = start or self.starts.of(trained.run.initial)
        run, completion, network, X = trained.run, trained.completion, self._network, self._dataset.X
        predictor, tangent_weights = network.predictor(trained.end), network.tangent_weights(trained.end)
        gauss_newton, spectrum = interpolator_spectrum_of(X, tangent_weights)
        sharpness = hessian_top or self.hessian_tops([trained])[0] or gauss_newton
        limit_error = self._limit_errors.of(trained, spectrum) if trained.outcome in WITH_LIMIT else np.nan
        excess, test = risks(predictor, self._dataset)
        best, best_risks = _best_record(trained)
        values: dict[str, Any] = {
            "train_loss": trained.loss if completion is None else train_loss(predictor, X, self._dataset.y),
            "excess_risk": excess,
            "test_loss": test,
            "iterate_train_loss": trained.loss,
            "iterate_excess_risk": (
                excess if completion is None else excess_risk(network.predictor(trained.theta), self._dataset)
            ),
            "completion_error_estimate": np.nan if completion is None else completion.estimate,
            "completion_error_bound": np.nan if completion is None else completion.bound,
            "limit_error": limit_error,
            "risk_error": self._risk_error(predictor, limit_error),
            "predictor_error": self._predictor_error(predictor),
            "cycle_amplitude": np.nan if trained.cycle is None else trained.cycle.amplitude,
            "l1_norm": np.abs(predictor).sum(),
            "l2_norm": np.sqrt(np.square(predictor).sum()),
            "sharpness": sharpness.value,
            "sharpness_residual": sharpness.residual,
            "gauss_newton_sharpness": gauss_newton.value,
            # `bounds.stability_measure`, `sharpness_upper_bound` and `weighted_norm`, the moments of X taken once.
            "sharpness_lower_bound": bounds.weighted_sum(self._squared_means, tangent_weights),
            "sharpness_upper_bound": bounds.weighted_sum(self._second_moments, tangent_weights),
            "weighted_norm": bounds.weighted_sum(self._squared_means, network.least_tangent_weights(predictor)),
            "stability_threshold": _stability_threshold(run),
            "end_step_size": run.end_step_size,
            "mean_square_stable_step": self._mean_square_stable_step(trained, tangent_weights),
            "kernel_change": kernel_change(X, tangent_weights, start.tangent_weights, start.kernel_norm),
            "smallest_parameter": trained.end.min(),
            **self._implicit_bias(trained),
            "min_sharpness": self._analysis.min_sharpness_upper,
            **self._stable_steps(run, start),
            **start.limit_risks,
            "kernel_distance": _kernel_distance(start, predictor),
            **self._penalised_limits.of(trained),
            **best_risks,
        }
        return {
            "outcome": trained.outcome.value,
            "finished_by": _finished_by(completion),
            "steps": trained.steps,
            "perturbations": trained.perturbations,
            "path": trained.path and trained.path.value,
            "held_steps": trained.held_steps,
            "best_step": best,
            "cycle_period": None if trained.cycle is None else trained.cycle.period or None,
            "network": network.key,
            "depth": network.degree,
            "step_size": run.step_size,
            "init_scale": init_scale,
            "kernel_id": kernel_id,
            "data_key": self._analysis.data_key,
        } | {name: finite(value) for name, value in values.items()}

    def _risk_error(self, predictor: Float64[np.ndarray, " dim"], limit_error: float) -> float:
        """NaN where it comes to more than the test loss of β = 0, which says nothing of the risk."""
        if math.isnan(limit_error):
            return limit_error
        change = risk_change(predictor, limit_error * float(np.linalg.norm(predictor)), self._dataset)
        return change if change <= self._risk_of_zero else np.nan

    @cached_property
    def _risk_of_zero(self) -> float:
        return float(risk_of(np.zeros(self._dataset.X.shape[1]), self._dataset))

    def _predictor_error(self, predictor: Float64[np.ndarray, " dim"]) -> float:
        truth = self._dataset.true_predictor
        return np.nan if truth is None else float(np.linalg.norm(predictor - truth))

    def _stable_steps(self, run: TrainingRun, start: Start) -> dict[str, float | None]:
        """Where steps of the run's optimiser are stable."""
        steps = start.stable_steps | {
            "least_norm_stable_step": self._analysis.least_norm_stable_step,
            "max_stable_step": self._analysis.max_stable_step,
        }
        return {name: None if step is None else run.optimizer.largest_stable_step(step) for name, step in steps.items()}

    def hessian_tops(
        self, ended: Sequence[TrainedRun], sharpnesses_at: SharpnessesAt | None = None
    ) -> list[Eigenpair | None]:
        """Of the Hessian where runs stopped, all at once: short of an interpolator the residual bends the loss as well.

        By `sharpnesses_at`, if it is given. NaN of runs that diverged; None of those that were completed, which end at
        an interpolator.
        """
        tops: list[Eigenpair | None] = [
            Eigenpair(value=np.nan, vector=np.empty(0), residual=np.nan) if run.outcome is Outcome.DIVERGED else None
            for run in ended
        ]
        stopped = [place for place, run in enumerate(ended) if tops[place] is None and run.completion is None]
        if stopped:
            of_states = sharpnesses_at or partial(
                top_hessian_eigenpairs, self._dataset.X, self._dataset.y, network=self._network
            )
            found = of_states(np.stack([ended[place].end for place in stopped], axis=1))
            for place, top in zip(stopped, found, strict=True):
                tops[place] = top
        return tops

    def _mean_square_stable_step(self, trained: TrainedRun, tangent_weights: Float64[np.ndarray, " dim"]) -> float:
        """NaN but of minibatches that are drawn anew at every step; of runs that diverged, and where it is unproven."""
        optimizer = trained.run.optimizer
        if not optimizer.has_independent_batches or trained.outcome is Outcome.DIVERGED:
            return np.nan
        X = self._dataset.X
        found = mean_square_stable_step(X, tangent_weights, optimizer.dispersion(len(X)), optimizer.momentum)
        return found.step_size if found.upper - found.lower <= PROVEN_TO * found.step_size else np.nan

    def _implicit_bias(self, trained: TrainedRun) -> dict[str, float]:
        """NaN for momentum and at depth D ≥ 3, where the identities of finite steps do not hold.

        The certificate is that of the iterate, which was computed step by step. It is NaN, too, where a coordinate of u
        has vanished or overflowed: no potential is left there.
        """
        nothing = {"effective_init": np.nan, "certificate_residual": np.nan}
        squared = self._network.as_squared(trained.theta)
        if squared is None or not trained.run.optimizer.keeps_row_space_form:
            return nothing
        known = nothing | {"effective_init": float(mean_effective_init(self._network, trained.end))}
        product = squared[0] * squared[1]
        if not (np.isfinite(product).all() and product.all()):
            return known
        return known | {
            "certificate_residual": certificate_residual(
                self._dataset.row_space, squared[0], squared[1], trained.gradient_sum
            )
        }


def _kernel_distance(start: Start, predictor: Float64[np.ndarray, " dim"]) -> float:
    """How far the end is from the kernel limit of the start."""
    limit = start.kernel_predictor
    return np.nan if limit is None else float(np.linalg.norm(predictor - limit) / np.linalg.norm(limit))


def _finished_by(completion: CompletedLimit | None) -> str:
    if completion is None:
        return "iteration"
    return "strides" if completion.by_strides else "completion"


def _best_record(trained: TrainedRun) -> tuple[int | None, dict[str, float]]:
    """The step of the first record of the least excess risk, or where that is not known of the least test loss.

    And what early stopping there could have had.
    """
    curves, steps = trained.trajectory.curves, trained.trajectory.record_step
    for name in RISKS:
        is_known = np.isfinite(curves[name])
        if is_known.any():
            best = int(np.where(is_known, curves[name], np.inf).argmin())
            return int(steps[best]), {f"best_{of}": curves[of][best] for of in RISKS}
    return None, {}


def _stability_threshold(run: TrainingRun) -> float:
    """NaN where a step size that ends at 0, or has no end, is none to judge by."""
    is_judged = 0 < run.end_step_size < np.inf
    return run.optimizer.largest_stable_sharpness(run.end_step_size) if is_judged else np.nan
