"""What is known of runs from their starts alone: where steps are stable at first, and at the limit of gradient flow."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from jaxtyping import Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.errors import NoInterpolator
from core.implicit_bias.flow_start import flow_can_be_followed
from core.implicit_bias.gradient_flow import FlowLimit, flow_limit_from
from core.networks.network import Network
from core.stability.sharpness import interpolator_sharpness_of, stable_step_at, top_hessian_eigenpair

FLOW_TOLERANCE: Final = 1e-8
"""Largest relative residual of a flow limit that is reported: ten times what a consistent system may leave."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Start:
    """A start θ(0): 2/λ_max there and at the limit of gradient flow, and the predictor of that; None is not known.

    Steps are those of gradient descent. The limit is an interpolator, or where there is none the least squares, whose
    predictor is not told.
    """

    stable_step: float | None
    flow_predictor: Float64[np.ndarray, " dim"] | None
    flow_stable_step: float | None

    @property
    def stable_steps(self) -> dict[str, float | None]:
        """The two step sizes, by their names in results."""
        return {"start_stable_step": self.stable_step, "flow_stable_step": self.flow_stable_step}


class Starts:
    """The starts of the runs of one problem, each looked at once; flow is followed to what interpolates, if asked."""

    def __init__(self, dataset: Dataset, network: Network, *, follows_flow: bool) -> None:
        self._dataset, self._network, self._follows_flow = dataset, network, follows_flow
        self._known: dict[bytes, Start] = {}

    @classmethod
    def of_problem(cls, dataset: Dataset, network: Network, analysis: ProblemAnalysis) -> Self:
        """Those of an analysed problem; flow is not followed where the analysis itself failed in float64."""
        is_analysed = analysis.no_interpolator is None or analysis.least_squares is not None
        return cls(dataset, network, follows_flow=is_analysed)

    def of(self, initial: Float64[np.ndarray, "part dim"]) -> Start:
        """What is known of θ(0)."""
        start = initial.tobytes()
        if start not in self._known:
            self._known[start] = self._looked_at(initial)
        return self._known[start]

    @cached_property
    def _interpolates(self) -> bool:
        try:
            interpolator_set(self._dataset.X, self._dataset.y)
        except NoInterpolator:
            return False
        return True

    @cached_property
    def _reached(self) -> Dataset:
        """The targets that flow comes to: y, or what the least squares fit of it, for ∇L is the same for both."""
        X, y = self._dataset.X, self._dataset.y
        return self._dataset if self._interpolates else Dataset(X=X, y=X @ np.linalg.lstsq(X, y)[0])

    # What overflows is not known, and is nothing to warn of.
    @np.errstate(all="ignore")
    def _looked_at(self, initial: Float64[np.ndarray, "part dim"]) -> Start:
        X, y = self._dataset.X, self._dataset.y
        limit = _flow_limit(self._reached, self._network, initial) if self._follows_flow else None
        sharpness = None if limit is None else interpolator_sharpness_of(X, limit.tangent_weights)
        return Start(
            stable_step=stable_step_at(top_hessian_eigenpair(X, y, initial, self._network)),
            flow_predictor=None if limit is None or not self._interpolates else limit.predictor,
            flow_stable_step=None if sharpness is None else stable_step_at(sharpness),
        )


def _flow_limit(dataset: Dataset, network: Network, initial: Float64[np.ndarray, "part dim"]) -> FlowLimit | None:
    """The limit of gradient flow from the start; None where float64 does not reach it, or a coordinate starts at 0."""
    if not flow_can_be_followed(initial, network):
        return None
    try:
        limit = flow_limit_from(dataset.X, dataset.y, initial, network)
    except (NoInterpolator, np.linalg.LinAlgError):  # columns far off centre; a Newton step whose matrix underflowed
        return None
    return limit if limit.residual <= FLOW_TOLERANCE else None
