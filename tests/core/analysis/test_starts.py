"""What is known of a start, against Hessians by finite differences of a gradient that is written out here."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core.analysis.problem import analyse_problem
from core.analysis.starts import Starts
from core.data.regression import Dataset
from core.networks.network import UV, Diagonal, Network, Product
from tests.core.network_kinds import NETWORKS
from tests.core.problems import small_problem


def gradient(data: Dataset, network: Network, theta: np.ndarray) -> np.ndarray:
    """∇L of L = ‖Xβ − y‖²/(2N), by the definition of each network."""
    X, y = data.X, data.y
    if isinstance(network, UV):
        predictor = theta[0] * theta[2] - theta[1] * theta[3]
        slopes = np.stack([theta[2], -theta[3], theta[0], -theta[1]])
    else:
        depth = network.degree
        predictor = theta[0] ** depth - theta[1] ** depth
        slopes = depth * np.stack([theta[0] ** (depth - 1), -(theta[1] ** (depth - 1))])
    found: np.ndarray = slopes * (X.T @ (X @ predictor - y) / len(y))
    return found


def sharpness(data: Dataset, network: Network, theta: np.ndarray) -> float:
    """λ_max of the Hessian, by central differences of the gradient."""
    rows, step = [], 1e-6
    for place in range(theta.size):
        moved = np.zeros(theta.size)
        moved[place] = step
        shift = moved.reshape(theta.shape)
        rows.append((gradient(data, network, theta + shift) - gradient(data, network, theta - shift)).ravel())
    hessian = np.array(rows) / (2 * step)
    return float(max(np.linalg.eigvalsh((hessian + hessian.T) / 2)))


def followed(data: Dataset, network: Network, theta: np.ndarray) -> np.ndarray:
    """Where gradient flow ends, by an integrator of ordinary differential equations."""
    shape = theta.shape
    path = solve_ivp(
        lambda _, state: -gradient(data, network, state.reshape(shape)).ravel(),
        (0.0, 1000.0),
        theta.ravel(),
        method="LSODA",
        rtol=1e-10,
        atol=1e-12,
    )
    return np.asarray(path.y[:, -1].reshape(shape))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_stable_step_at_the_start_is_two_over_its_sharpness(network: Network) -> None:
    """Of the whole Hessian: far from interpolation the residual bends the loss, too."""
    data, rng = small_problem(0), np.random.default_rng(1)
    theta = rng.uniform(0.3, 1.2, (len(network.parts), 7))
    found = Starts(data, network, follows_flow=True).of(theta).stable_step
    assert found == pytest.approx(2 / sharpness(data, network, theta), rel=1e-6)


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), Diagonal(4), UV(), Product()])
def test_the_stable_step_of_the_flow_is_that_at_its_end(network: Network) -> None:
    """Its own parameters, not the flattest that have the same predictor."""
    data, rng = small_problem(2, samples=2, dimension=4), np.random.default_rng(3)
    theta = rng.uniform(0.4, 0.8, (len(network.parts), 4))
    if isinstance(network, Product):
        theta = network.initial(theta[:2], 0.0)
    end = followed(data, network, theta)
    found = Starts(data, network, follows_flow=True).of(theta)
    assert found.flow_stable_step == pytest.approx(2 / sharpness(data, network, end), rel=1e-6)
    assert found.flow_predictor is not None
    flattest = analyse_problem(data, network, "").analysis.max_stable_step
    assert flattest is not None
    assert found.flow_stable_step < flattest


def test_where_nothing_interpolates_the_flow_ends_at_the_least_squares() -> None:
    """With the parameters that it has there; its predictor is not told."""
    data, start = small_problem(5, samples=6, dimension=3), np.full((2, 3), 0.5)
    found = Starts(data, Diagonal(2), follows_flow=True).of(start)
    end = followed(data, Diagonal(2), start)
    assert found.flow_stable_step == pytest.approx(2 / sharpness(data, Diagonal(2), end), rel=1e-5)
    assert found.flow_predictor is None


def test_what_does_not_exist_is_not_known() -> None:
    """Where X = 0 nothing is curved, where nothing interpolates no flow is followed, and none leaves 0."""
    flat = Starts(Dataset(X=np.zeros((2, 3)), y=np.ones(2)), Diagonal(2), follows_flow=False).of(np.ones((2, 3)))
    assert (flat.stable_step, flat.flow_stable_step, flat.flow_predictor) == (None, None, None)
    still = Starts(small_problem(0), Diagonal(2), follows_flow=True).of(np.zeros((2, 7)))
    assert still.flow_stable_step is None
    assert set(still.stable_steps) == {"start_stable_step", "flow_stable_step"}
