"""What is kept of a trajectory: a few quantities at log-spaced steps.

The steps are spaced over the budget, not over the run, whose length nobody knows beforehand: a run that ends early has
recorded those that it came to, and its end is always added as the last record (unless nothing is recorded at all).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.data.regression import Dataset, risks
from core.descent.kernel import Sharpness, sharpness
from core.implicit_bias.certificate import mean_effective_init
from core.networks.network import Network

QUANTITIES: Final = ("train_loss", "excess_risk", "test_loss", "l1_norm", "effective_init", "sharpness")
"""The curves of a run, each against `record_step`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trajectory:
    """The recorded curves of one run: `curves[name][k]` is the quantity after `record_step[k]` steps."""

    record_step: Int64[np.ndarray, " record"]
    curves: Mapping[str, Float64[np.ndarray, " record"]]


def record_steps(points: int, max_steps: int) -> Int64[np.ndarray, " record"]:
    """At most `points` different steps of a run of `max_steps`: 0, and the others log-spaced from 1 to `max_steps`.

    Two points are 0 and `max_steps`, one point is `max_steps` alone, and no point means no recording. Fewer steps than
    `points` where rounding makes some equal.
    """
    if points == 0:
        return np.empty(0, dtype=np.int64)
    spaced = np.rint(np.geomspace(max_steps, 1, max(points - 1, 1))).astype(np.int64)
    return np.unique(np.append(spaced, 0))[-points:]


class Observer:
    """What is seen of the runs of one problem, its sharpness by the kernel that trains them."""

    def __init__(self, dataset: Dataset, network: Network, kernel: str) -> None:
        self._dataset, self._network, self._kernel = dataset, network, kernel

    @cached_property
    def _sharpness(self) -> Sharpness:
        """Made when something is recorded for the first time."""
        return sharpness(self._kernel, self._dataset.X, self._dataset.y, self._network)

    def observe(
        self,
        theta: Float64[np.ndarray, "part run dim"],
        losses: Float64[np.ndarray, " run"],
        has_effective_init: Bool[np.ndarray, " run"],
    ) -> Float64[np.ndarray, "run quantity"]:
        """The quantities of every run at its present state.

        NaN for those that data, network or optimiser do not have.
        """
        dataset, network = self._dataset, self._network
        seen = np.empty((len(losses), len(QUANTITIES)))
        with np.errstate(all="ignore"):
            predictors = network.predictor(theta)
            excess, test = risks(predictors, dataset)
            values = {
                "train_loss": losses,
                "excess_risk": excess,
                "test_loss": test,
                "l1_norm": np.abs(predictors).sum(axis=-1),
                "effective_init": np.where(has_effective_init, mean_effective_init(network, theta), np.nan),
                "sharpness": self._sharpness(theta),
            }
        for column, name in enumerate(QUANTITIES):
            seen[:, column] = values[name]
        return seen


def trajectory(steps: Int64[np.ndarray, " record"], values: Float64[np.ndarray, "record quantity"]) -> Trajectory:
    """The curves of one run from its recorded rows."""
    curves = {name: values[:, column].copy() for column, name in enumerate(QUANTITIES)}
    return Trajectory(record_step=steps.copy(), curves=MappingProxyType(curves))
