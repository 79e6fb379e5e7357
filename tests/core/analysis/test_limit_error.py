"""The error that a converged run reports, against the limit that much longer iteration leads to."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.analysis.limit_error import LimitErrors
from core.descent.optimizers import HeavyBall, LabelNoise, Minibatch
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.training.training_run import TrainedRun, TrainingRun
from tests.core.trainings import TINY, planned, problem_of, trained_alone

LONGER = {"loss_tolerance": 1e-27, "completion_tolerance": 0.0}
"""To what float64 can tell from an interpolator."""

RUNS = [
    pytest.param(Diagonal(2), {}, id="descent"),
    pytest.param(Diagonal(2), {"step_size": 0.6, "warmup_steps": 0}, id="large step"),
    pytest.param(Diagonal(2), {"init_scale": 2.0, "step_size": 0.02}, id="large start"),
    pytest.param(Diagonal(2), {"init_scale": 1e-5, "step_size": 0.05}, id="small start"),
    pytest.param(Diagonal(3), {"step_size": 0.1}, id="depth 3"),
    pytest.param(Diagonal(5), {"step_size": 0.02, "init_scale": 0.5}, id="depth 5"),
    pytest.param(UV(), {"step_size": 0.5, "parts": 4}, id="uv"),
    pytest.param(Diagonal(2), {"optimizer": HeavyBall(momentum=0.9), "step_size": 0.1}, id="momentum"),
    pytest.param(Diagonal(2), {"optimizer": Minibatch(batch_size=1), "step_size": 0.05}, id="SGD"),
    pytest.param(
        Diagonal(2), {"optimizer": LabelNoise(noise_variance=0.1, noise_steps=500), "step_size": 0.05}, id="label noise"
    ),
]


def ends(network: Network, changes: dict[str, Any], **ending: Any) -> tuple[TrainedRun, float]:
    """How the run ends, and the true ‖β − β_limit‖₂/‖β‖₂ there."""
    run: TrainingRun = planned(max_steps=2_000_000, **changes)
    trained = trained_alone(problem_of(TINY, network=network), replace(run, **ending))
    limit = trained_alone(problem_of(TINY, network=network), replace(run, **LONGER))
    assert trained.outcome is limit.outcome is Outcome.CONVERGED
    found, true = (network.predictor(each.end) for each in (trained, limit))
    return trained, float(np.linalg.norm(found - true) / np.linalg.norm(true))


@pytest.mark.parametrize(("network", "changes"), RUNS)
@pytest.mark.parametrize("loss_tolerance", [1e-10, 1e-4])
def test_an_iterate_is_no_further_from_its_limit_than_it_says(
    network: Network, changes: dict[str, Any], loss_tolerance: float
) -> None:
    """And not a thousand times nearer; a hundred parts in a million of the true limit are lost by rounding."""
    trained, true = ends(network, changes, loss_tolerance=loss_tolerance)
    said = LimitErrors(TINY, network).of(trained)
    assert trained.completion is None
    assert true <= said
    assert said <= 1e3 * true + 1e-10


@pytest.mark.parametrize(("network", "changes"), RUNS)
def test_a_run_that_may_be_completed_is_near_its_limit(network: Network, changes: dict[str, Any]) -> None:
    """To a millionth, whatever its tolerance, however it is finished."""
    trained, true = ends(network, changes, loss_tolerance=1e-10, completion_tolerance=1e-6)
    said = LimitErrors(TINY, network).of(trained)
    assert true <= said <= 1.01e-6


def test_what_float64_cannot_mean_is_not_said() -> None:
    """No error is below the rounding of the steps."""
    trained, _ = ends(Diagonal(2), {}, loss_tolerance=1e-27)
    assert LimitErrors(TINY, Diagonal(2)).of(trained) > np.finfo(float).eps * np.sqrt(trained.steps)


def test_where_the_flow_cannot_be_followed_one_step_along_it_tells() -> None:
    """A coordinate of u that is zero has no flow limit here."""
    initial = np.full((2, 7), 0.1)
    initial[:, 0] = 0.0
    trained, true = ends(Diagonal(2), {"initial": initial}, loss_tolerance=1e-6)
    assert true <= LimitErrors(TINY, Diagonal(2)).of(trained) <= 1e3 * true
