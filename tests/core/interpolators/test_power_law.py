"""The power law of tangent weights, and Hölder's bound."""

from fractions import Fraction
from operator import mul

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.interpolators.power_law import EPSILON, dual_norm, power_sum_bound, tangent_weight_law
from core.networks.network import UV, Diagonal, Network
from tests.core.problems import small_problem, small_problems
from tests.reference.vertices import least_weighted_l1

POWERS = st.sampled_from([1.0, 4 / 3, 1.5, 1.9])


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), Diagonal(8), UV()])
def test_the_law_of_a_network_is_its_least_tangent_weights(network: Network) -> None:
    """κ|β|^p at any β; at odd depth two halves of free sign have 2^(1−p) of it."""
    law = tangent_weight_law(network)
    beta = np.array([-3.0, 0.0, 0.1, 20.0])
    np.testing.assert_allclose(
        law.coefficient * np.abs(beta) ** law.power, network.least_tangent_weights(beta), rtol=1e-13
    )
    halves = 2 * network.least_tangent_weights(beta / 2)
    np.testing.assert_allclose(halves, law.sign_freedom * network.least_tangent_weights(beta), rtol=1e-13)


@given(power=POWERS, seed=st.integers(0, 10_000))
def test_the_dual_norm_is_reached_and_never_passed(power: float, seed: int) -> None:
    """Σ s_iβ_i over the ball Σ w_i|β_i|^p ≤ 1: random β stay below, the best one attains it."""
    rng = np.random.default_rng(seed)
    slopes, weights = rng.standard_normal(5), rng.uniform(0.1, 3, 5)
    norm = dual_norm(slopes, weights, power)
    trials = rng.standard_normal((50, 5))
    trials /= ((weights * np.abs(trials) ** power).sum(axis=1) ** (1 / power))[:, None]
    assert (trials @ slopes).max() <= norm * (1 + 1e-12)
    if power == 1:
        best = np.zeros(5)
        i = np.argmax(np.abs(slopes) / weights)
        best[i] = np.sign(slopes[i]) / weights[i]
    else:
        best = np.sign(slopes) * (np.abs(slopes) / weights) ** (1 / (power - 1))
        best /= (weights * np.abs(best) ** power).sum() ** (1 / power)
    assert slopes @ best == pytest.approx(norm, rel=1e-12)


@settings(max_examples=50)
@given(data=small_problems(), power=POWERS, seed=st.integers(0, 10_000))
def test_any_multipliers_give_a_true_bound(data: Dataset, power: float, seed: int) -> None:
    """Of any ν whatever, and any weights: no interpolator has less."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0, 2, len(data.X.T))
    origin, directions = np.linalg.pinv(data.X) @ data.y, np.linalg.svd(data.X)[2][len(data.X) :]
    others = [origin + rng.standard_normal(len(directions)) @ directions for _ in range(20)]
    bound = power_sum_bound(data.X, data.y, weights, 100 * rng.standard_normal(len(data.y)), power)
    assert 0 <= bound <= min((weights * np.abs(other) ** power).sum() for other in others) * (1 + 1e-12)


def test_a_wrong_dual_still_gives_a_true_bound() -> None:
    """Against the least of all vertices; a ν that meets a free coordinate proves nothing but 0."""
    data = small_problem(0)
    weights = np.ones(7)
    least = least_weighted_l1(data.X, data.y, weights)
    for seed in range(50):
        dual = 100 * np.random.default_rng(seed).standard_normal(3)
        assert 0 <= power_sum_bound(data.X, data.y, weights, dual, 1.0) <= least
    weights[0] = 0
    assert power_sum_bound(data.X, data.y, weights, dual, 1.0) == 0
    assert power_sum_bound(data.X, data.y, weights, dual, 1.5) == 0


def test_multipliers_of_zero_prove_nothing() -> None:
    """ν = 0, and targets of zero."""
    data = small_problem(0)
    for power in (1.0, 1.5):
        assert power_sum_bound(data.X, data.y, np.ones(7), np.zeros(3), power) == 0
        assert power_sum_bound(data.X, np.zeros(3), np.ones(7), np.ones(3), power) == 0


def exactly(values: np.ndarray) -> list[Fraction]:
    """The numbers themselves, not their rounding."""
    return [Fraction(value) for value in values.tolist()]


@given(seed=st.integers(0, 10_000), samples=st.integers(1, 6), dim=st.integers(1, 40))
def test_the_bound_is_no_larger_than_in_exact_arithmetic(seed: int, samples: int, dim: int) -> None:
    """At p = 1 it is a quotient, yᵀν over max|x_iᵀν|/w_i: charged with its rounding, and with little more."""
    rng = np.random.default_rng(seed)
    X, dual, weights = rng.standard_normal((samples, dim)), rng.standard_normal(samples), rng.uniform(0.5, 2, dim)
    y = dual + rng.uniform(0, 0.1, samples)
    value = sum((a * b for a, b in zip(exactly(y), exactly(dual), strict=True)), Fraction(0))
    reaches = (sum(map(mul, exactly(column), exactly(dual)), Fraction(0)) for column in X.T)
    norm = max(abs(reach) / weight for reach, weight in zip(reaches, exactly(weights), strict=True))
    assume(norm > Fraction(1, 10) and value > Fraction(1, 10))
    bound = Fraction(power_sum_bound(X, y, weights, dual, 1.0))
    assert value / norm * (1 - Fraction(1, 10**12)) < bound <= value / norm


def test_rounding_costs_no_more_than_is_said() -> None:
    """Where a single sample has one nonzero entry only the eight epsilons of each term are charged, and two more."""
    bound = Fraction(power_sum_bound(np.eye(1, 500), np.ones(1), np.ones(500), np.ones(1), 1.0))
    assert 1 - 4020 * Fraction(EPSILON) < bound < 1 - 4000 * Fraction(EPSILON)
