"""What is known of runs from their starts alone: where steps are stable, and the limits of flow and kernel regime."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.data.regression import Dataset, risks
from core.implicit_bias.flow_start import flow_can_be_followed
from core.implicit_bias.gradient_flow import FlowLimit, flow_limit_from
from core.kept_within import KeptWithin
from core.networks.network import Network
from core.stability.kernel_limit import kernel_limit
from core.stability.sharpness import interpolator_sharpness_of, stable_step_at, top_hessian_eigenpair
from core.stability.tangent_kernel import kernel_norm

RISKS: Final = ("excess_risk", "test_loss")

MOST_BYTES: Final = 2_000_000
"""Of the starts of one problem that are kept, the last ones."""

VECTORS: Final = 5
"""Of as many entries as β has, that a start keeps beside itself: two limits, three weights."""

FLOW_TOLERANCE: Final = 1e-8
"""Largest relative residual of a flow limit that is reported: ten times what a consistent system may leave."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """A start θ(0) of runs on a data set, and what follows from it; None is not known. Each is computed when asked for.

    `reached` has the targets that flow comes to, None where it is not followed. Steps are those of gradient descent.
    """

    dataset: Dataset
    reached: Dataset | None
    network: Network
    initial: Float64[np.ndarray, "part dim"]

    @property
    def stable_steps(self) -> dict[str, float | None]:
        """The two step sizes, by their names in results."""
        return {"start_stable_step": self.stable_step, "flow_stable_step": self.flow_stable_step}

    @cached_property
    def stable_step(self) -> float | None:
        """2/λ_max at θ(0)."""
        with np.errstate(all="ignore"):  # what overflows is not known
            return stable_step_at(top_hessian_eigenpair(self.dataset.X, self.dataset.y, self.initial, self.network))

    @cached_property
    def flow_stable_step(self) -> float | None:
        """2/λ_max at the limit of gradient flow: an interpolator, or where there is none the least squares."""
        if self._flow_limit is None:
            return None
        return stable_step_at(interpolator_sharpness_of(self.dataset.X, self._flow_limit.tangent_weights))

    @property
    def flow_predictor(self) -> Float64[np.ndarray, " dim"] | None:
        """β of the limit of gradient flow, if that interpolates."""
        return None if self._flow_limit is None or self.reached is not self.dataset else self._flow_limit.predictor

    @cached_property
    def kernel_predictor(self) -> Float64[np.ndarray, " dim"] | None:
        """Where training tends to in the kernel regime (`core.stability.kernel_limit`)."""
        with np.errstate(all="ignore"):
            return kernel_limit(self.dataset.X, self.dataset.y, self.initial, self.network)

    @cached_property
    def tangent_weights(self) -> Float64[np.ndarray, " dim"]:
        """Those at θ(0)."""
        return self.network.tangent_weights(self.initial)

    @cached_property
    def kernel_norm(self) -> float:
        """‖K₀‖_F of the tangent kernel at θ(0)."""
        return kernel_norm(self.dataset.X, self.tangent_weights)

    @cached_property
    def limit_risks(self) -> dict[str, float | None]:
        """The risks of the two limits, by their names in results."""
        with np.errstate(all="ignore"):
            return {
                f"{of}_{name}": None if risk is None else float(risk)
                for of, limit in (("flow", self.flow_predictor), ("kernel", self.kernel_predictor))
                for name, risk in zip(RISKS, (None, None) if limit is None else risks(limit, self.dataset), strict=True)
            }

    @cached_property
    def _flow_limit(self) -> FlowLimit | None:
        """The limit of gradient flow; None where float64 does not reach it, or a coordinate starts at 0."""
        if self.reached is None or not flow_can_be_followed(self.initial, self.network):
            return None
        X, y, space = self.reached.X, self.reached.y, self.reached.interpolators
        if space is None:  # columns far off centre
            return None
        # A Newton step whose matrix underflowed.
        with suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
            limit = flow_limit_from(X, y, self.initial, self.network, space)
            return limit if limit.residual <= FLOW_TOLERANCE else None
        return None


class Starts:
    """The starts of the runs of one problem, the last ones kept; flow is followed to what interpolates, if asked.

    Whether one is kept changes no bit of what is known of it.
    """

    def __init__(self, dataset: Dataset, network: Network, *, follows_flow: bool) -> None:
        self._dataset, self._network, self._follows_flow = dataset, network, follows_flow
        self._kept = KeptWithin[Start](most=MOST_BYTES, largest=MOST_BYTES)

    @classmethod
    def of_problem(cls, dataset: Dataset, network: Network, analysis: ProblemAnalysis) -> Self:
        """Those of an analysed problem; flow is not followed where the analysis itself failed in float64."""
        is_analysed = analysis.no_interpolator is None or analysis.least_squares is not None
        return cls(dataset, network, follows_flow=is_analysed)

    def of(self, initial: Float64[np.ndarray, "part dim"]) -> Start:
        """What is known of θ(0)."""
        key = initial.tobytes()
        start = self._kept.found(key)
        if start is None:
            reached = self._reached if self._follows_flow else None
            start = Start(dataset=self._dataset, reached=reached, network=self._network, initial=initial)
            self._kept.keep(key, start, 2 * initial.nbytes + VECTORS * initial[0].nbytes + self._dataset.y.nbytes)
        return start

    @cached_property
    def _reached(self) -> Dataset:
        """The targets that flow comes to: y, or what the least squares fit of it, for ∇L is the same for both."""
        X, y = self._dataset.X, self._dataset.y
        if self._dataset.interpolators is not None:
            return self._dataset
        with np.errstate(all="ignore"):
            return Dataset(X=X, y=X @ np.linalg.lstsq(X, y)[0])
