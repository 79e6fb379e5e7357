"""The least risk along the path of a run: what early stopping could have had."""

from typing import Any

import numpy as np
import pytest

from core.experiment.run import ExperimentResults, run
from core.spec.experiment_spec import ExperimentSpec

NOISY = {"kind": "sparse_regression", "samples": 30, "dimension": 20, "sparsity": 2, "noise_variance": 25.0}


def done(data: dict[str, Any], **parts: Any) -> ExperimentResults:
    """A run of 3,000 steps."""
    document = {
        "data": data,
        "initialization": {"kind": "uniform", "scale": 0.01},
        "optimizer": {"kind": "gradient_descent", "step_size": 2e-4},
        "stopping": {"steps": 3000},
        "recording": {"points": 200, "spacing": "linear"},
    }
    return run(ExperimentSpec.model_validate(document | parts))


def test_the_best_record_is_the_least_of_the_curve() -> None:
    """Its step and its value, in float64; noisy targets are overfitted, so it is not the last."""
    found = done(NOISY)
    (summary,), (arrays,) = found.summaries, found.arrays
    best = int(np.argmin(arrays["excess_risk"]))
    assert summary["best_step"] == arrays["record_step"][best]
    assert 0 < best < len(arrays["record_step"]) - 1
    assert summary["best_excess_risk"] == pytest.approx(arrays["excess_risk"][best], rel=1e-6)
    assert summary["best_test_loss"] == pytest.approx(summary["best_excess_risk"] + 12.5, rel=1e-12)
    assert summary["best_excess_risk"] < 0.9 * summary["excess_risk"]


def test_it_is_among_the_recorded_steps_alone() -> None:
    """With two records it is one of them, and no less than with more."""
    many, few = done(NOISY).summaries[0], done(NOISY, recording={"at_steps": [100, 3000]}).summaries[0]
    assert few["best_step"] in {100, 3000}
    assert few["best_excess_risk"] >= many["best_excess_risk"]


def test_user_data_are_judged_by_their_held_out_set() -> None:
    """Where no true predictor is known; and where nothing is held out, or recorded, there is no best step."""
    X, y = [[1.0, 0.5, 0.0], [0.5, 1.0, 0.3]], [1.0, 0.2]
    inline: dict[str, Any] = {"kind": "inline", "X": X, "y": y}
    held_out = inline | {"held_out_X": [[1.0, 0.0, 1.0]], "held_out_y": [0.6]}
    found = done(held_out, optimizer={"kind": "gradient_descent", "step_size": 0.05})
    (summary,), (arrays,) = found.summaries, found.arrays
    assert summary["best_step"] == arrays["record_step"][int(np.argmin(arrays["test_loss"]))]
    assert summary["best_excess_risk"] is None
    assert summary["best_test_loss"] == pytest.approx(arrays["test_loss"].min(), rel=1e-6)
    for parts in ({"data": inline}, {"data": held_out, "recording": {"points": 0}}):
        nothing = done(**parts).summaries[0]
        assert [nothing[f"best_{name}"] for name in ("step", "excess_risk", "test_loss")] == [None] * 3
