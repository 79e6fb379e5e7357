"""What runs are compared with where nothing interpolates: the least squares, and ridge and lasso of smaller norms."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.analysis.problem_analysis import PenalisedReference
from core.data.regression import Dataset, risks, train_loss
from core.interpolators.penalised import Penalised, lasso_path, ridge_path
from core.networks.network import Network
from core.stability.sharpness import interpolator_sharpness_of

FRACTIONS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of the norm at κ → 0: ‖β‖₂ of ridge, ‖β‖₁ of lasso."""

LARGEST_GAP: Final = 1e-6
"""Largest relative gap of a predictor that is reported."""

Path = Callable[[Float64[np.ndarray, "sample dim"], Float64[np.ndarray, " sample"], Sequence[float]], list[Penalised]]

MOST_COLUMNS: Final = 200
MOST_ENTRIES: Final = 100_000
"""Largest X whose paths are followed: a second or two."""


def penalised_references(dataset: Dataset, network: Network) -> dict[str, Any]:
    """`least_squares`, `ridge` and `lasso` of an analysis, and `penalised_left_out`: what of the paths is not there.

    The paths are empty for more than 200 columns.
    """
    X, y = dataset.X, dataset.y
    least = np.linalg.lstsq(X, y)[0]
    # Xᵀr = 0 there, so that the residual bends the loss in no coordinate
    sharpness = interpolator_sharpness_of(X, network.least_tangent_weights(least)).value
    worth = _worth(dataset, least, penalty=0.0, gap=None)
    found: dict[str, Any] = {"least_squares": replace(worth, sharpness=float(sharpness))}
    if X.shape[1] > MOST_COLUMNS or X.size > MOST_ENTRIES:
        too_large = (
            f"the paths of ridge and lasso are followed for up to {MOST_COLUMNS} columns and {MOST_ENTRIES} entries"
        )
        return found | {"penalised_left_out": too_large}
    points = {"ridge": _points(ridge_path, X, y), "lasso": _points(lasso_path, X, y)}
    left_out = "; ".join(filter(None, (_left_out(name, path) for name, path in points.items())))
    paths = {name: tuple(_reported(dataset, path)) for name, path in points.items()}
    return found | paths | {"penalised_left_out": left_out or None}


def _points(
    path: Path, X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"]
) -> list[Penalised] | str:
    """Those of a path, or why float64 does not find it."""
    try:
        return path(X, y, FRACTIONS)
    except (np.linalg.LinAlgError, ValueError) as failure:
        return str(failure)


def _left_out(name: str, path: list[Penalised] | str) -> str:
    """How many of the predictors of a path are not reported, and why; empty where all are."""
    if isinstance(path, str):
        return f"{name}: not found in float64 ({path})"
    if not path:
        return f"{name}: its path has no point, or could not be followed to its end in float64"
    unproven = sum(not point.gap <= LARGEST_GAP for point in path)
    reason = f"not proven to a relative gap of {LARGEST_GAP:g} in float64"
    return f"{name}: {unproven} of {len(path)} predictors are left out, {reason}" if unproven else ""


def _reported(dataset: Dataset, path: list[Penalised] | str) -> list[PenalisedReference]:
    return [
        _worth(dataset, point.predictor, penalty=point.penalty, gap=point.gap)
        for point in path
        if isinstance(point, Penalised) and point.gap <= LARGEST_GAP
    ]


def _worth(
    dataset: Dataset, predictor: Float64[np.ndarray, " dim"], *, penalty: float, gap: float | None
) -> PenalisedReference:
    excess, test_loss = risks(predictor, dataset)
    numbers = {
        "train_loss": train_loss(predictor, dataset.X, dataset.y),
        "excess_risk": excess,
        "test_loss": test_loss,
        "l1_norm": np.abs(predictor).sum(),
        "l2_norm": np.linalg.norm(predictor),
    }
    finite = {name: float(number) if np.isfinite(number) else None for name, number in numbers.items()}
    return PenalisedReference(penalty=penalty, gap=gap, **finite)
