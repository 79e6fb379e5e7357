"""The limit of the kernel regime, against its optimality conditions and the descent that tends to it."""

import numpy as np
import pytest

from core.implicit_bias.gradient_flow import flow_limit_from
from core.interpolators.least_norm import min_l2
from core.networks.initialization import normal_scales, uniform_scales
from core.networks.network import UV, Diagonal, Network
from core.stability.kernel_limit import kernel_limit
from tests.core.problems import small_problem

DATA = small_problem(2)
NETWORKS = [Diagonal(2), Diagonal(3), UV()]


def start(network: Network, scale: float, *, independent: bool = False) -> np.ndarray:
    """A normal start."""
    return network.initial(normal_scales(scale, 7, seed=3, independent=independent), 0.0)


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
def test_it_is_the_nearest_interpolator_in_the_norm_of_the_kernel(network: Network, *, independent: bool) -> None:
    """Least Σ(β − β(0))²/c over Xβ = y, from the linear system of its Lagrangian."""
    theta = start(network, 0.5, independent=independent)
    weights, first = network.tangent_weights(theta), network.predictor(theta)
    system = np.block([[np.diag(1 / weights), DATA.X.T], [DATA.X, np.zeros((len(DATA.y),) * 2)]])
    expected = np.linalg.solve(system, np.concatenate([first / weights, DATA.y]))[:7]
    np.testing.assert_allclose(kernel_limit(DATA.X, DATA.y, theta, network), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
def test_gradient_flow_from_afar_ends_there(network: Network) -> None:
    """And far from the unweighted one."""
    theta = start(network, 300.0)
    found = kernel_limit(DATA.X, DATA.y, theta, network)
    assert found is not None
    np.testing.assert_allclose(found, flow_limit_from(DATA.X, DATA.y, theta, network).predictor, atol=1e-3)
    unweighted = min_l2(DATA.X, DATA.y)
    assert np.linalg.norm(found - unweighted.predictor) > 0.4 * unweighted.objective


def test_equal_parameters_give_least_l2_norm() -> None:
    """Of any size that float64 has; none where nothing moves."""
    expected = min_l2(DATA.X, DATA.y).predictor
    for scale in (1e-100, 1e-3, 10.0, 1e100):
        theta = uniform_scales(scale, 7)
        np.testing.assert_allclose(kernel_limit(DATA.X, DATA.y, theta, Diagonal(2)), expected, rtol=1e-9)
    for scale in (0.0, 1e-200, np.inf):
        assert kernel_limit(DATA.X, DATA.y, uniform_scales(scale, 7), Diagonal(2)) is None
