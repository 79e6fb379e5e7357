"""Bounds on the sharpness that need no eigenvalue."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.networks.network import UV, Diagonal, Network
from core.stability.bounds import sharpness_upper_bound, stability_measure, weighted_norm
from core.stability.sharpness import interpolator_sharpness_of
from tests.core.network_kinds import NETWORKS
from tests.core.problems import paper_problem, small_problem, small_problems


def test_each_bound_is_its_sum() -> None:
    """By hand: column means 2 and −1, mean squares 5 and 1; the factors are 4, 9 and 2."""
    X = np.array([[1.0, -1.0], [3.0, -1.0]])
    tangent_weights = np.array([10.0, 4.0])
    assert stability_measure(X, tangent_weights) == 10 * 4 + 4 * 1
    assert sharpness_upper_bound(X, tangent_weights) == 10 * 5 + 4 * 1
    predictor = np.array([-8.0, 1.0])
    assert weighted_norm(X, Diagonal(2), predictor) == 4 * (8 * 4 + 1 * 1)
    assert weighted_norm(X, Diagonal(3), predictor) == pytest.approx(9 * (16 * 4 + 1 * 1))
    assert weighted_norm(X, UV(), predictor) == 2 * (8 * 4 + 1 * 1)


@settings(max_examples=60)
@given(data=small_problems(), network=st.sampled_from(NETWORKS), seed=st.integers(0, 1000))
def test_bounds_are_in_order(data: Dataset, network: Network, seed: int) -> None:
    """Weighted norm ≤ stability measure ≤ sharpness ≤ trace, at odd depth for parameters θ ≥ 0."""
    theta = np.random.default_rng(seed).standard_normal((len(network.parts), data.X.shape[1]))
    odd = isinstance(network, Diagonal) and network.depth % 2 == 1
    theta = np.abs(theta) if odd else theta
    tangent_weights = network.tangent_weights(theta)
    chain = [
        weighted_norm(data.X, network, network.predictor(theta)),
        stability_measure(data.X, tangent_weights),
        interpolator_sharpness_of(data.X, tangent_weights).value,
        sharpness_upper_bound(data.X, tangent_weights),
    ]
    assert all(low <= high * (1 + 1e-9) + 1e-12 for low, high in pairwise(chain))


def test_at_odd_depth_opposite_signs_have_a_smaller_measure_than_norm() -> None:
    """u₊ = −u₋: the first inequality of Theorem 6.2 needs θ ≥ 0."""
    data, network = small_problem(0, mean=5.0), Diagonal(3)
    theta = np.stack([np.full(7, 0.6), np.full(7, -0.6)])
    measure = stability_measure(data.X, network.tangent_weights(theta))
    assert weighted_norm(data.X, network, network.predictor(theta)) > 1.2 * measure


def test_the_upper_bound_is_the_trace_and_the_lower_one_a_rayleigh_quotient() -> None:
    """The lower bound is the Gram matrix at the constant vector."""
    data = small_problem(5)
    tangent_weights = np.random.default_rng(5).random(7)
    gram = data.X @ np.diag(tangent_weights) @ data.X.T / 3
    assert sharpness_upper_bound(data.X, tangent_weights) == pytest.approx(np.trace(gram), rel=1e-13)
    assert stability_measure(data.X, tangent_weights) == pytest.approx(gram.sum() / 3, rel=1e-12)


def test_bounds_of_a_run_do_not_depend_on_its_company() -> None:
    """Bit for bit, alone and among five."""
    data = paper_problem()
    tangent_weights = np.random.default_rng(1).random((5, 100))
    for bound in (stability_measure, sharpness_upper_bound):
        assert bound(data.X, tangent_weights).tolist() == [float(bound(data.X, row)) for row in tangent_weights]
