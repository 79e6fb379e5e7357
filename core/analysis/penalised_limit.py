"""What runs whose weights decay for ever tend to: the lasso of their penalty, and how far they are from it."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.analysis.penalised import LARGEST_GAP, MOST_COLUMNS, MOST_ENTRIES
from core.data.regression import Dataset, excess_risk
from core.data.regression import test_loss as risk_of
from core.implicit_bias.weight_penalty import l1_penalty, lasso_dual
from core.interpolators.penalised import LassoPath, Penalised
from core.kept_within import KeptWithin
from core.networks.network import Network
from core.training.training_run import TrainedRun

MOST_BYTES: Final = 500_000
"""Of the lassos that are kept of a problem, the last ones."""

NAMES: Final = ("lasso_penalty", "lasso_excess_risk", "lasso_test_loss", "lasso_distance", "duality_gap")
"""What a run with lasting weight decay reports; others do not have it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Limit:
    """The lasso of a penalty, if it was found."""

    found: Penalised | None


class PenalisedLimits:
    """Of the runs on one problem; the path of the lasso is followed once, for up to 200 columns."""

    def __init__(self, dataset: Dataset, network: Network) -> None:
        self._dataset, self._network = dataset, network
        self._kept = KeptWithin[_Limit](most=MOST_BYTES, largest=MOST_BYTES)

    def of(self, trained: TrainedRun) -> dict[str, float]:
        """`NAMES` of a run; NaN for what there is not, as at depth D ≥ 3."""
        found: dict[str, float] = dict.fromkeys(NAMES, math.nan)
        penalty = self._penalty(trained)
        if penalty is None:
            return found
        predictor, dataset = self._network.predictor(trained.end), self._dataset
        found |= {"lasso_penalty": penalty, "duality_gap": self._gap(predictor, penalty)}
        if (limit := self._limit(penalty)) is None:
            return found
        return found | {
            "lasso_excess_risk": float(excess_risk(limit.predictor, dataset)),
            "lasso_test_loss": float(risk_of(limit.predictor, dataset)),
            "lasso_distance": _distance(predictor, limit.predictor),
        }

    def error(self, trained: TrainedRun) -> float:
        """‖β − β_lasso‖₂/‖β‖₂, absolute where β = 0; NaN where the lasso is not known, or it is more than 1."""
        penalty = self._penalty(trained)
        limit = None if penalty is None else self._limit(penalty)
        if limit is None:
            return math.nan
        distance = _distance(limit.predictor, self._network.predictor(trained.end))
        return distance if distance <= 1 else math.nan

    def _penalty(self, trained: TrainedRun) -> float | None:
        """κ of the lasso that the steps of a run lead to, None where there is none."""
        decay = trained.run.weight_decay
        if not decay.lasts:
            return None
        return l1_penalty(self._network, decay.penalty_rate(trained.run.optimizer.momentum))

    def _gap(self, predictor: Float64[np.ndarray, " dim"], penalty: float) -> float:
        """By how much L + κ‖β‖₁ exceeds its least value at most, relative to what it is."""
        X, y = self._dataset.X, self._dataset.y
        residual = X @ predictor - y
        value = float(residual @ residual) / (2 * len(y)) + penalty * float(np.abs(predictor).sum())
        return max(value - lasso_dual(X, y, predictor, penalty), 0.0) / (value or 1.0)

    def _limit(self, penalty: float) -> Penalised | None:
        limit = self._kept.found(penalty)
        if limit is None:
            found = None if self._path is None else self._path.at(penalty)
            limit = _Limit(found=found if found is not None and found.gap <= LARGEST_GAP else None)
            self._kept.keep(penalty, limit, self._dataset.X[0].nbytes)
        return limit.found

    @cached_property
    def _path(self) -> LassoPath | None:
        X = self._dataset.X
        if X.shape[1] > MOST_COLUMNS or X.size > MOST_ENTRIES:
            return None
        try:
            return LassoPath(X, self._dataset.y)
        except (np.linalg.LinAlgError, ValueError):
            return None


def _distance(other: Float64[np.ndarray, " dim"], predictor: Float64[np.ndarray, " dim"]) -> float:
    """Relative to ‖β‖₂, absolute where β = 0."""
    return float(np.linalg.norm(other - predictor)) / (float(np.linalg.norm(predictor)) or 1.0)
