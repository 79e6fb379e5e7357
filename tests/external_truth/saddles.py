"""The exact example of Zhao, Wang, Yang, Bai and Zhang 2026: flow from an infinitesimal start, saddle to saddle."""

import math
from functools import cache
from typing import Any, Final

import numpy as np

from core.experiment.run import ExperimentResults, run
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.row import Row

X: Final = ((1.0, 0.5, 0.7, 0.0), (0.5, 1.0, 0.1, 0.7))
Y: Final = (1.0, 0.0)

SCALE, STEP_SIZE = 1e-100, 0.01

UNIT: Final = math.log(1 / SCALE) * len(Y) / (2 * STEP_SIZE)
"""Steps in which a coordinate with |x_iᵀr| = 1 grows from α to 1."""


def descended(units: float, points: int = 0) -> ExperimentResults:
    """Descent for so many units of time."""
    document: dict[str, Any] = {
        "name": "",
        "data": {"kind": "inline", "X": X, "y": Y},
        "initialization": {"kind": "uniform", "scale": SCALE},
        "optimizer": {"kind": "gradient_descent", "step_size": STEP_SIZE},
        "stopping": {"steps": round(units * UNIT)},
        "recording": {"points": points},
    }
    return run(ExperimentSpec.model_validate(document))


@cache
def rows() -> list[Row]:
    """The saddles and their losses, when they are left, and the least ℓ1 norm at the end."""
    at_saddle, whole = descended(2.5), descended(12.0, points=1000)
    (analysis,) = whole.analyses.values()
    first, end = _predictor(at_saddle), _predictor(whole)
    loss = float(at_saddle.summaries[0]["train_loss"] or 0.0)
    left = [_left(whole, *levels) for levels in ((0.25, 0.05), (0.05, 0.005))]
    norm = analysis.interpolators["min_l1"].l1_norm
    return [
        Row(what="time at which 0 is left, units of ln(1/α)·N/2η", printed="1", ours=left[0], tolerance=0.01),
        Row(what="first saddle, β₁", printed="0.8", ours=float(first[0])),
        Row(what="first saddle, loss ‖r‖²/2N", printed="0.05", ours=loss),
        Row(what="time at which it is left", printed="4", ours=left[1], tolerance=0.01),
        Row(what="end, β₃ = 10/7", printed=f"{10 / 7:.12g}", ours=float(end[2])),
        Row(what="end, β₄ = −10/49", printed=f"{-10 / 49:.12g}", ours=float(end[3])),
        Row(what="least ℓ1 norm 80/49", printed="1.63265306", ours=norm, tolerance=None),
    ]


def _predictor(done: ExperimentResults) -> np.ndarray:
    (arrays,) = done.arrays
    return np.asarray(arrays["u_plus"] ** 2 - arrays["u_minus"] ** 2)


def _left(done: ExperimentResults, above: float, below: float) -> float:
    """When the loss passes the geometric mean of two plateaus, in units of time."""
    (arrays,) = done.arrays
    step, logs = arrays["record_step"].astype(float), np.log(arrays["train_loss"])
    after = int(np.argmax(logs < math.log(above * below) / 2))
    between = np.interp(-math.log(above * below) / 2, -logs[after - 1 : after + 1], step[after - 1 : after + 1])
    return float(between) / UNIT
