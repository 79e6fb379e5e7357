"""The weighted p-norm for 1 < p < 2, against finite differences and a general minimiser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from core.interpolators.power_norm import _best_on_ray, least_multipliers, predictor_at, response_at

POWERS = st.sampled_from([4 / 3, 1.5, 1.75])


@given(seed=st.integers(0, 10_000), power=POWERS)
def test_the_predictor_of_a_subgradient_has_it(seed: int, power: float) -> None:
    """The central difference of w|β|^p at β(s) is s."""
    rng = np.random.default_rng(seed)
    s, w = rng.uniform(0.2, 2, 5) * rng.choice([-1, 1], 5), rng.uniform(0.2, 2, 5)
    predictor = predictor_at(s, w, power)
    h = 1e-6 * np.abs(predictor)
    difference = (w * np.abs(predictor + h) ** power - w * np.abs(predictor - h) ** power) / (2 * h)
    np.testing.assert_allclose(difference, s, rtol=1e-7)


@given(seed=st.integers(0, 10_000), power=POWERS)
def test_the_response_is_the_derivative(seed: int, power: float) -> None:
    """By central differences."""
    rng = np.random.default_rng(seed)
    s, w = rng.uniform(0.2, 2, 5) * rng.choice([-1, 1], 5), rng.uniform(0.2, 2, 5)
    h = 1e-6 * np.abs(s)
    difference = (predictor_at(s + h, w, power) - predictor_at(s - h, w, power)) / (2 * h)
    np.testing.assert_allclose(response_at(s, w, power), difference, rtol=1e-7)


@given(seed=st.integers(0, 10_000), power=POWERS)
def test_the_first_multipliers_are_the_best_along_their_ray(seed: int, power: float) -> None:
    """Those of the least Σ w_iβ_i², as long as the dual is largest: there targetᵀκ = Σ s_iβ_i(s) with s = basis·κ."""
    rng = np.random.default_rng(seed)
    basis, w, target = np.linalg.qr(rng.standard_normal((6, 3)))[0], rng.uniform(0.1, 2, 6), rng.standard_normal(3)
    multipliers = _best_on_ray(basis, target, w, power)
    direction = np.linalg.solve(basis.T @ (basis / w[:, None]), target)
    assert multipliers @ direction == pytest.approx(np.linalg.norm(multipliers) * np.linalg.norm(direction), rel=1e-12)
    subgradient = basis @ multipliers
    assert target @ multipliers == pytest.approx(subgradient @ predictor_at(subgradient, w, power), rel=1e-10)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), power=POWERS)
def test_no_predictor_that_fits_has_a_smaller_sum(seed: int, power: float) -> None:
    """A quasi-Newton method over the null space of basisᵀ, from there and from elsewhere, finds nothing better."""
    rng = np.random.default_rng(seed)
    whole = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    basis, free = whole[:, :3], whole[:, 3:]
    w, target = rng.uniform(0.1, 2, 8), rng.standard_normal(3)
    predictor = predictor_at(basis @ least_multipliers(basis, target, w, power), w, power)
    np.testing.assert_allclose(basis.T @ predictor, target, atol=1e-11)

    def total(shift: np.ndarray) -> float:
        return float((w * np.abs(predictor + free @ shift) ** power).sum())

    for start in (np.zeros(5), rng.standard_normal(5)):
        assert minimize(total, start, method="BFGS").fun >= total(np.zeros(5)) * (1 - 1e-9)


def test_weights_of_eight_orders_of_magnitude_are_borne() -> None:
    """The target is met to rounding."""
    rng = np.random.default_rng(0)
    basis, w = np.linalg.qr(rng.standard_normal((30, 6)))[0], np.logspace(-8, 0, 30)
    target = rng.standard_normal(6)
    predictor = predictor_at(basis @ least_multipliers(basis, target, w, 1.5), w, 1.5)
    assert np.linalg.norm(basis.T @ predictor - target) <= 1e-9 * np.linalg.norm(target)
