"""The exact example of Zhao, Wang, Yang, Bai and Zhang 2026: flow from an infinitesimal start, saddle to saddle."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np

from core.experiment.run import ExperimentResults, run
from core.implicit_bias.gradient_flow import flow_limit_from
from core.networks.network import Diagonal
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.row import EXACT, Row

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
    """The saddles, their losses and correlations Xᵀ(y − Xβ), when they are left, and the least ℓ1 norm at the end."""
    first, second, whole = descended(2.5), descended(4.8), descended(12.0, points=1000)
    (analysis,) = whole.analyses.values()
    at_first, at_second, end = _predictor(first), _predictor(second), _predictor(whole)
    losses = [float(at.summaries[0]["train_loss"] or 0.0) for at in (first, second)]
    left = [_left(whole, *levels) for levels in ((0.25, 0.05), (0.05, 0.005), (0.005, 0.0005))]
    norm = analysis.interpolators["min_l1"].l1_norm
    return [
        Row(what="time at which 0 is left, units of ln(1/α)·N/2η", printed="1", ours=left[0], tolerance=0.01),
        Row(what="first saddle, β₁", printed="0.8", ours=float(at_first[0])),
        Row(what="first saddle, loss ‖r‖²/2N", printed="0.05", ours=losses[0]),
        *_correlations("first saddle", at_first, {2: "-0.3", 3: "0.1", 4: "-0.28"}),
        Row(what="time at which it is left, 1 + 3", printed="4", ours=left[1], tolerance=0.01),
        Row(what="second saddle, β₃", printed="1.4", ours=float(at_second[2]), tolerance=NEAR),
        Row(what="second saddle, loss", printed="0.005", ours=losses[1], tolerance=NEAR),
        *_correlations("second saddle", at_second, {1: "-0.05", 2: "-0.13", 4: "-0.098"}, NEAR),
        Row(what="time at which it is left, 4 + 80/49", printed=f"{4 + 80 / 49:.12g}", ours=left[2], tolerance=0.01),
        Row(what="end, β₃ = 10/7", printed=f"{10 / 7:.12g}", ours=float(end[2])),
        Row(what="end, β₄ = −10/49", printed=f"{-10 / 49:.12g}", ours=float(end[3])),
        Row(what="least ℓ1 norm 80/49", printed="1.63265306", ours=norm, tolerance=None),
    ]


NEAR: Final = 1e-6
"""How near descent comes to the second saddle before it leaves it again."""


def _correlations(where: str, predictor: np.ndarray, printed: Mapping[int, str], tolerance: float = EXACT) -> list[Row]:
    found = np.array(X).T @ (np.array(Y) - np.array(X) @ predictor)
    return [
        Row(what=f"{where}, x_{coordinate}ᵀr", printed=text, ours=float(found[coordinate - 1]), tolerance=tolerance)
        for coordinate, text in printed.items()
    ]


SCALES: Final = {1e-6: "0.220", 1e-12: "0.0372", 1e-30: "4.736e-5", 1e-60: "5.991e-10", 1e-100: "1.766e-16"}
"""β₁ at the end of the flow, which is 0 in the limit, from uniform scales α: computed outside of this project."""


@cache
def scale_rows() -> list[Row]:
    """How slowly β₁ vanishes: like α^(8/49), since |x₁ᵀν| = 45/49."""
    data = np.array(X), np.array(Y)
    limits = {scale: flow_limit_from(*data, np.full((2, 4), scale), Diagonal(2)).predictor for scale in SCALES}
    rows = [
        Row(what=f"β₁ of the flow from α = {scale:g}", printed=text, ours=float(limits[scale][0]), tolerance=None)
        for scale, text in SCALES.items()
    ]
    slope = math.log(limits[1e-60][0] / limits[1e-100][0]) / math.log(1e40)
    return [*rows, Row(what="d ln β₁/d ln α = 8/49", printed=f"{8 / 49:.12g}", ours=slope, tolerance=1e-6)]


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
