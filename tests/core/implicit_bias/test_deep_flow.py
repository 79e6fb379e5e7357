"""Gradient-flow limits of every network, against integration, small steps and the laws of the flow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from core.data.regression import Dataset
from core.data.row_space import row_space
from core.implicit_bias.gradient_flow import flow_limit_from
from core.interpolators.least_norm import min_l1, min_l2
from core.networks.network import UV, Diagonal, Network
from tests.core.network_kinds import NETWORKS, depth_by_hand
from tests.core.problems import paper_problem, small_problem
from tests.reference import network_by_hand

DEEP = [Diagonal(3), Diagonal(4), Diagonal(5), Diagonal(8)]


def mixed_start(network: Network, seed: int, dim: int) -> np.ndarray:
    """Parameters of order ½, unequal and of both signs."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 0.8, (len(network.parts), dim)) * rng.choice([-1, 1], (len(network.parts), dim))


def integrated(data: Dataset, network: Network, start: np.ndarray) -> np.ndarray:
    """β of θ' = −∇L after a long time."""

    def velocity(_time: float, theta: np.ndarray) -> np.ndarray:
        now = theta.reshape(start.shape)
        gradient = (data.X @ network.predictor(now) - data.y) @ data.X / len(data.y)
        return -(network.jacobian(now) * gradient).ravel()

    path = solve_ivp(velocity, (0, 4000.0), start.ravel(), method="LSODA", rtol=1e-10, atol=1e-12)
    return network.predictor(path.y[:, -1].reshape(start.shape))


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), Diagonal(4), UV()])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_limit_is_where_the_integrated_flow_ends(network: Network, seed: int) -> None:
    """From unequal parameters of both signs, wherever the flow comes to an interpolator."""
    data = small_problem(seed, samples=2, dimension=5)
    start = mixed_start(network, seed, 5)
    end = integrated(data, network, start)
    assert np.abs(data.X @ end - data.y).max() < 1e-6
    limit = flow_limit_from(data.X, data.y, start, network)
    assert limit.residual < 1e-12
    np.testing.assert_allclose(limit.predictor, end, atol=1e-5)


@pytest.mark.parametrize("network", [Diagonal(3), Diagonal(4), UV()])
def test_small_steps_end_near_the_limit_and_half_as_small_ones_twice_as_near(network: Network) -> None:
    """The error of gradient descent is of the order of its step."""
    data = small_problem(4, samples=2, dimension=4)
    start = np.abs(mixed_start(network, 4, 4)) + 0.2
    limit = flow_limit_from(data.X, data.y, start, network).predictor
    depth = depth_by_hand(network)
    errors = []
    for step_size in (0.01, 0.005):
        theta = network_by_hand.descend(
            data.X.tolist(), data.y.tolist(), start.tolist(), [step_size] * int(60 / step_size), depth=depth
        )
        errors.append(float(np.linalg.norm(np.array(network_by_hand.predictor(theta, depth)) - limit)))
    assert errors[0] < 0.05
    assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.1)


@given(network=st.sampled_from(DEEP), seed=st.integers(0, 10_000), scale=st.sampled_from([0.3, 1.0, 10.0]))
def test_what_the_flow_conserves_is_in_the_row_space(network: Diagonal, seed: int, scale: float) -> None:
    """From β alone: τ is recovered coordinate by coordinate by bisection, and has no part outside the row space."""
    data = small_problem(seed, samples=3, dimension=6)
    limit = flow_limit_from(data.X, data.y, np.full((2, 6), scale), network)
    assert limit.residual < 1e-10
    depth = network.depth
    tau = np.zeros(6)
    for i, beta in enumerate(limit.predictor):
        low, high = -1 + 1e-16, 1 - 1e-16  # z = τ·α^(D−2)
        for _ in range(200):
            z = (low + high) / 2
            value = scale**depth * ((1 - z) ** (-depth / (depth - 2)) - (1 + z) ** (-depth / (depth - 2)))
            low, high = (z, high) if value < beta else (low, z)
        tau[i] = (low + high) / 2
    basis = row_space(data.X)
    assert np.linalg.norm(tau - basis @ (basis.T @ tau)) <= 1e-6 * np.linalg.norm(tau) + 1e-13


@pytest.mark.parametrize("network", DEEP)
def test_the_limit_is_least_l1_from_small_starts_and_least_l2_from_large_ones(network: Diagonal) -> None:
    """On the paper's data, to rounding of the solver at both ends."""
    data = paper_problem()
    small = flow_limit_from(data.X, data.y, np.full((2, 100), 1e-4), network)
    large = flow_limit_from(data.X, data.y, np.full((2, 100), 100.0), network)
    assert max(small.residual, large.residual) < 1e-12
    assert np.abs(small.predictor).sum() == pytest.approx(min_l1(data.X, data.y).objective, rel=1e-6)
    np.testing.assert_allclose(large.predictor, min_l2(data.X, data.y).predictor, atol=1e-6)


def test_large_starts_of_unequal_size_weigh_the_l2_norm() -> None:
    """In the kernel regime β = C·Xᵀν with C = diag(α^(2D−2)), the tangent kernel of the start."""
    data, network = small_problem(7, samples=3, dimension=6), Diagonal(3)
    scales = 50 * np.array([1.0, 1.2, 0.8, 1.5, 1.1, 0.9])
    limit = flow_limit_from(data.X, data.y, np.stack([scales, scales]), network)
    weights = scales**4
    kernel = weights[:, None] * data.X.T @ np.linalg.solve(data.X * weights @ data.X.T, data.y)
    np.testing.assert_allclose(limit.predictor, kernel, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_parameter_that_starts_at_zero_is_refused(network: Network) -> None:
    """It would stay there; only UV, whose parts move each other, starts from a zero."""
    data = small_problem(0)
    theta = np.full((len(network.parts), 7), 0.5)
    theta[0, 3] = 0.0
    if isinstance(network, UV):
        assert flow_limit_from(data.X, data.y, theta, network).residual < 1e-12
        return
    with pytest.raises(ValueError, match=r"zero|positive"):
        flow_limit_from(data.X, data.y, theta, network)


@pytest.mark.parametrize("depth", [16, 64])
def test_very_deep_networks_have_limits_too(depth: int) -> None:
    """From scales that float64 can raise to twice the depth."""
    data = small_problem(1)
    limit = flow_limit_from(data.X, data.y, np.full((2, 7), 0.7), Diagonal(depth))
    assert limit.residual < 1e-10
