"""Completion of runs on data that leave nothing to complete: refused, and never an error of the training."""

import numpy as np
import pytest

from core.data.regression import Dataset
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.training.training_run import TrainedRun
from tests.core.trainings import ended_of, planned, problem_of


def of_arrays(X: np.ndarray, y: np.ndarray) -> Dataset:
    """The data as they are."""
    return Dataset(X=X, y=y, true_predictor=None)


def trained(data: Dataset, network: Network, init_scale: float, step_size: float) -> TrainedRun:
    """A run with a warm-up, so that there are attempts at completion before it can converge."""
    run = planned(
        init_scale=init_scale,
        dim=data.X.shape[1],
        parts=len(network.parts),
        step_size=step_size,
        warmup_steps=3000,
        completion_tolerance=1e-7,
        max_steps=20_000,
    )
    (ended,) = ended_of(problem_of(data, np.inf, network), [run])
    return ended


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), UV()], ids=lambda network: network.key)
def test_data_of_zeros_are_no_error(network: Network) -> None:
    """X = 0 and y = 0: every β interpolates, and the run stays where it is."""
    data = of_arrays(np.zeros((1, 4)), np.zeros(1))
    assert trained(data, network, 0.3, 0.1).outcome is Outcome.CONVERGED


@pytest.mark.parametrize(("depth", "init_scale"), [(10, 1e-30), (64, 1e-4), (64, 1e-6)])
def test_parameters_whose_powers_vanish_are_no_error(depth: int, init_scale: float) -> None:
    """u² is a number and u^(2D−2) is not."""
    data = of_arrays(np.eye(2, 3), np.zeros(2))
    assert trained(data, Diagonal(depth), init_scale, 0.1).outcome is Outcome.CONVERGED


@pytest.mark.parametrize("network", [Diagonal(2), UV()], ids=lambda network: network.key)
def test_numbers_whose_squares_overflow_are_no_error(network: Network) -> None:
    """The largest numbers that are analysed."""
    data = of_arrays(1e100 * np.eye(2, 3), np.full(2, 1e100))
    assert trained(data, network, 1e60, 1e-300).completion is None
