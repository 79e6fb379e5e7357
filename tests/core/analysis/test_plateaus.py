"""Plateaus on the exact example of Zhao, Wang, Yang, Bai and Zhang 2026, and on runs that have none."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.experiment.run import run
from core.spec.experiment_spec import ExperimentSpec

X, Y = [[1, 0.5, 0.7, 0], [0.5, 1, 0.1, 0.7]], [1, 0]

SADDLES = np.array([[0, 0, 0, 0], [0.8, 0, 0, 0], [0, 0, 1.4, 0]])
LOSSES = (0.25, 0.05, 0.005)
DUE = (1.0, 4.0, 4 + 0.16 / 0.098)
"""When the first of the integrated correlations off the support comes to ±1, as α → 0: s·1; 7/10 + (s − 1)/10; and
−84/100 − 98/1000·(s − 4), of coordinates 1, 3 and 4."""


def followed(scale: float, *, step_size: float = 1e-3, units: float = 7.0, **parts: Any) -> dict[str, np.ndarray]:
    """The arrays of a run of so many units of time N·ln(1/α)/2η, of a start from that scale."""
    document = {
        "data": {"kind": "inline", "X": X, "y": Y},
        "initialization": {"kind": "uniform", "scale": scale},
        "optimizer": {"kind": "gradient_descent", "step_size": step_size},
        "stopping": {"steps": round(units * max(math.log(1 / scale), 1) / step_size)},
        "recording": {"points": 1000, "spacing": "linear", "vectors": ["predictor", "time_average", "support"]},
    }
    return dict(run(ExperimentSpec.model_validate(document | parts)).arrays[0])


@cache
def tiny() -> dict[str, np.ndarray]:
    """From α = 1e-30."""
    return followed(1e-30)


def test_the_plateaus_are_the_saddles() -> None:
    """With their losses, supports, and a gradient that vanishes; the last one is not quite reached."""
    found = tiny()
    assert found["plateau_loss"] == pytest.approx(LOSSES, rel=0.01)
    assert found["plateau_loss"][:2] == pytest.approx(LOSSES[:2], rel=1e-9)
    np.testing.assert_allclose(found["plateau_predictor"][:2], SADDLES[:2], atol=1e-9)
    np.testing.assert_allclose(found["plateau_predictor"], SADDLES, atol=5e-3)
    assert found["plateau_support_size"][:2].tolist() == [0, 1]
    assert found["plateau_stationarity"].max() < 1e-3
    assert found["plateau_stationarity"][0] == 0


def test_they_are_left_when_the_theory_says() -> None:
    """0 at 1 and the first saddle at 4: due within half a per cent, left within one; at .997 the loss is √(.25·.05)."""
    found = tiny()
    assert found["plateau_due"][:2] == pytest.approx(DUE[:2], rel=5e-3)
    assert found["plateau_left"][:2] == pytest.approx(DUE[:2], rel=1e-2)
    assert found["plateau_left"][1] == pytest.approx(4.0035, rel=1e-3)
    assert found["plateau_entered"].tolist() == [0, *found["plateau_left"][:-1]]
    first = np.flatnonzero(found["train_loss"] < math.sqrt(0.25 * 0.05))[0]
    around = found["vector_rescaled_time"][[first - 1, first]]
    assert around[0] < 1 < around[1] + 0.02
    assert np.interp(-math.log(0.25 * 0.05) / 2, -np.log(found["train_loss"][[first - 1, first]]), around) == (
        pytest.approx(0.997, abs=1.5e-3)
    )


def test_the_times_tend_to_those_of_the_theory() -> None:
    """The farther the start, in ln α, the nearer, of all three plateaus."""
    errors = [np.abs(followed(scale)["plateau_left"] / DUE - 1) for scale in (1e-30, 1e-60, 1e-100)]
    assert (errors[1] < errors[0]).all()
    assert (errors[2] < errors[1]).all()
    assert errors[2].max() < 0.02


def test_the_integrated_correlations_are_subgradients_of_the_norm() -> None:
    """So q ∈ ∂‖β‖₁ up to O(1/ln(1/α)); and q is the sum of all gradients: s·Xᵀ(y − Xβ̄) = −S/ln(1/α) at the end."""
    found, far = tiny(), followed(1e-100)
    assert found["plateau_kkt_distance"][0] == 0
    assert found["plateau_kkt_distance"][1] < 2 / (2 * 30 * math.log(10))
    assert far["plateau_kkt_distance"].max() < 2e-3
    average, time = found["vector_time_average"][-1], found["vector_rescaled_time"][-1]
    dual = time * np.asarray(X).T @ (np.asarray(Y) - np.asarray(X) @ average)
    np.testing.assert_allclose(dual, -found["gradient_sum"] / (30 * math.log(10)), rtol=1e-9)


@pytest.mark.parametrize("scale", [0.3, 1.0, 10.0])
def test_a_large_start_has_no_saddles_on_its_way(scale: float) -> None:
    """From α = 1 on there is no unit of time either."""
    found = followed(scale, step_size=1e-4 if scale > 1 else 1e-2)
    assert found.get("plateau_left", np.empty(0)).size == 0
    assert np.isfinite(found["vector_rescaled_time"]).all() == (scale < 1)


def test_the_least_squares_are_the_last_plateau_and_are_not_left() -> None:
    """Where nothing interpolates, the loss rests at the end."""
    data = {"kind": "inline", "X": [[1.0], [1.0]], "y": [1.0, 0.5]}
    found = followed(1e-12, step_size=0.05, data=data)
    np.testing.assert_allclose(found["plateau_predictor"][:, 0], [0, 0.75], atol=1e-9)
    assert np.isnan(found["plateau_left"]).tolist() == [False, True]


def test_heavy_ball_and_uv_keep_the_same_time() -> None:
    """A step with momentum is one of η/(1 − m); UV's and u∘v's are those of the squared models that they are."""
    momentum = followed(1e-30, optimizer={"kind": "heavy_ball", "step_size": 2e-3, "momentum": 0.5})
    layers = followed(1e-30, model={"kind": "uv"}, optimizer={"kind": "gradient_descent", "step_size": 2e-3})
    product = followed(1e-30, model={"kind": "uv_product"}, optimizer={"kind": "gradient_descent", "step_size": 2e-3})
    for found in (momentum, layers, product):
        assert found["plateau_left"][:2] == pytest.approx(tiny()["plateau_left"][:2], rel=5e-3)


def test_deep_networks_wait_for_a_power_of_the_scale() -> None:
    """D = 3: the first coordinate is due at s = 1 and so left, U = N·(1/α − 1)/3."""
    found = followed(1e-3, step_size=1e-2, model={"kind": "diagonal", "depth": 3}, stopping={"steps": 400_000})
    assert found["plateau_due"][0] == pytest.approx(1, rel=5e-3)
    assert found["plateau_left"][0] == pytest.approx(1, rel=2e-2)


def test_plateaus_need_the_predictor_and_its_average() -> None:
    """With one of them alone it is there, and no plateaus are."""
    for vectors in (["predictor"], ["time_average"]):
        found = followed(1e-6, recording={"points": 50, "vectors": vectors})
        assert f"vector_{vectors[0]}" in found
        assert not [name for name in found if name.startswith("plateau_")]
