"""Parametrisations of the predictor, and their derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.networks.network import UV, Diagonal, Network, power
from tests.core.network_kinds import NETWORKS, depth_by_hand
from tests.reference import network_by_hand

networks = st.sampled_from(NETWORKS)
seeds = st.integers(0, 2**32 - 1)
STEP = 1e-5


def some_parameters(network: Network, seed: int) -> np.ndarray:
    """Parameters of both signs, of order 1."""
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (len(network.parts), 3, 4))


@given(network=networks, seed=seeds)
def test_predictor_and_jacobian_are_those_of_the_definition(network: Network, seed: int) -> None:
    """Coordinate by coordinate, written out."""
    theta = some_parameters(network, seed)
    for run in range(3):
        rows, depth = theta[:, run].tolist(), depth_by_hand(network)
        np.testing.assert_allclose(network.predictor(theta)[run], network_by_hand.predictor(rows, depth), rtol=1e-12)
        np.testing.assert_allclose(network.jacobian(theta)[:, run], network_by_hand.slopes(rows, depth), rtol=1e-12)


@given(network=networks, seed=seeds)
def test_the_bend_is_the_derivative_of_the_jacobian(network: Network, seed: int) -> None:
    """By central differences in each part of θ."""
    theta = some_parameters(network, seed)
    for part in range(len(network.parts)):
        ahead, behind = theta.copy(), theta.copy()
        ahead[part] += STEP
        behind[part] -= STEP
        difference = (network.jacobian(ahead) - network.jacobian(behind)) / (2 * STEP)
        np.testing.assert_allclose(network.second_derivative(theta)[part], difference, atol=1e-6)


@given(network=networks, seed=seeds)
def test_the_predictor_is_homogeneous_of_the_networks_degree(network: Network, seed: int) -> None:
    """β(cθ) = c^D·β(θ)."""
    theta = some_parameters(network, seed)
    np.testing.assert_allclose(network.predictor(1.3 * theta), 1.3**network.degree * network.predictor(theta))


@given(network=networks, seed=seeds)
def test_no_parameters_without_signs_have_less_than_the_least_tangent_weights(network: Network, seed: int) -> None:
    """c(θ) ≥ least c of β(θ) for θ ≥ 0, of any sign where D is even."""
    theta = some_parameters(network, seed)
    odd = isinstance(network, Diagonal) and network.depth % 2 == 1
    theta = np.abs(theta) if odd else theta
    least = network.least_tangent_weights(network.predictor(theta))
    assert (network.tangent_weights(theta) >= least * (1 - 1e-12)).all()


@pytest.mark.parametrize("network", NETWORKS)
def test_the_least_tangent_weights_are_attained(network: Network) -> None:
    """With one of the two products zero, and |u| = |v| for UV."""
    beta = np.array([-2.0, -0.3, 0.0, 0.7, 5.0])
    roots = np.stack([np.maximum(beta, 0), np.maximum(-beta, 0)]) ** (1 / network.degree)
    theta = np.concatenate([roots, roots]) if isinstance(network, UV) else roots
    np.testing.assert_allclose(network.predictor(theta), beta, rtol=1e-14)
    np.testing.assert_allclose(network.tangent_weights(theta), network.least_tangent_weights(beta), rtol=1e-13)


def test_at_odd_depth_a_negative_parameter_can_be_flatter() -> None:
    """β split in halves between u₊ > 0 and u₋ < 0 has 2^(1−p) times the least tangent weights of θ ≥ 0."""
    network = Diagonal(3)
    half = 0.5 ** (1 / 3)
    theta = np.array([[half], [-half]])
    np.testing.assert_allclose(network.predictor(theta), [1.0])
    np.testing.assert_allclose(
        network.tangent_weights(theta), 2 ** (1 - 4 / 3) * network.least_tangent_weights(np.ones(1))
    )


@given(base=st.floats(-2, 2), exponent=st.integers(0, 40))
def test_whole_powers_keep_their_sign(base: float, exponent: int) -> None:
    """As Python's own, to rounding."""
    np.testing.assert_allclose(power(np.array([base]), exponent)[0], base**exponent, rtol=1e-13)


def test_a_power_is_never_a_view_of_its_base() -> None:
    """Changing the power leaves the parameters alone."""
    base = np.ones(3)
    power(base, 1)[0] = 5.0
    assert base.tolist() == [1.0, 1.0, 1.0]


def test_each_network_has_a_key_of_its_own() -> None:
    """What depends on data and network is kept under it."""
    assert len({network.key for network in NETWORKS}) == len(NETWORKS)
