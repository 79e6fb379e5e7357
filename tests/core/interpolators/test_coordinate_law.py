"""The laws of coordinates: conjugates of w|β|^p, their derivatives, and where a programme starts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from core.interpolators.coordinate_law import coordinate_law
from core.interpolators.spectral_programme import SpectralProgramme


@pytest.mark.parametrize("power", [1.2, 4 / 3, 1.5, 1.75])
def test_the_smooth_law_maximises_the_conjugate(power: float) -> None:
    """β(s, w) is where sβ − w|β|^p is largest, by a search that knows no derivative; c is |β|^p there."""
    law, w, s = coordinate_law(power), np.array([0.5, 1.0, 2.0]), np.array([-0.3, 1.2, 0.7])
    predictor, tangent_weights = law.values(np.zeros((0, 3)), w, s)
    for i in range(3):
        best = minimize_scalar(lambda b, i=i: w[i] * abs(b) ** power - s[i] * b, bracket=(-1, 1), tol=1e-12)
        assert predictor[i] == pytest.approx(best.x, rel=1e-5)
        assert tangent_weights[i] == pytest.approx(abs(best.x) ** power, rel=1e-5)


def test_the_smooth_law_responds_with_its_derivatives() -> None:
    """Central differences of β and c in s and w."""
    law, none = coordinate_law(4 / 3), np.zeros((0, 3))
    w, s, h = np.array([0.5, 1.0, 2.0]), np.array([-0.3, 1.2, 0.7]), 1e-5
    response = law.response(none, w, s)
    by_slope = (np.array(law.values(none, w, s + h)) - law.values(none, w, s - h)) / (2 * h)
    by_weight = (np.array(law.values(none, w + h, s)) - law.values(none, w - h, s)) / (2 * h)
    np.testing.assert_allclose(by_slope[0], response.direct + response.coupling**2, rtol=1e-8)
    np.testing.assert_allclose(by_weight[0], response.coupling * response.root, rtol=1e-8)
    np.testing.assert_allclose(by_slope[1], -response.coupling * response.root, rtol=1e-8)
    np.testing.assert_allclose(by_weight[1], -(response.root**2), rtol=1e-8)


def test_the_kinked_law_responds_with_the_derivatives_of_its_path() -> None:
    """On the central path β± = μ/(w ∓ s), whose derivatives are known."""
    law, w, s, mu = coordinate_law(1.0), np.array([0.5, 1.0, 2.0]), np.array([-0.3, 0.9, 1.99]), 1e-3
    parts = mu / law.slack(w, s)
    response = law.response(parts, w, s)
    plus, minus = mu / (w - s) ** 2, mu / (w + s) ** 2
    np.testing.assert_allclose(response.direct + response.coupling**2, plus + minus, rtol=1e-12)
    np.testing.assert_allclose(response.coupling * response.root, minus - plus, rtol=1e-12)
    np.testing.assert_allclose(response.root**2, plus + minus, rtol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_an_offset_moves_parts_by_the_pull(seed: int) -> None:
    """Δβ± = rhs± − h±·Δ(w ∓ s) for any right-hand side and any change of w and s."""
    rng = np.random.default_rng(seed)
    law, parts, (w, s) = coordinate_law(1.0), rng.uniform(0.1, 1, (2, 4)), rng.uniform(1, 2, (2, 4))
    s *= 0.4
    rhs_parts, dw, ds = rng.standard_normal((2, 4)), rng.standard_normal(4), rng.standard_normal(4)
    slack, response = law.slack(w, s), law.response(parts, w, s)
    offset = law.offset(parts, slack, rhs_parts)
    rhs_coordinates = response.coupling * ds + response.root * dw - offset.rhs_coordinates
    moved = law.parts_of(
        response.direct * ds + response.coupling * rhs_coordinates + offset.predictor, -response.root * rhs_coordinates
    )
    np.testing.assert_allclose(moved, rhs_parts - parts / slack * law.slack(dw, ds), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_a_programme_starts_inside_every_cone(power: float) -> None:
    """Parts and their slack are positive, and β is the least Σ w_iβ_i² shifted or the least Σ w_i|β_i|^p."""
    rng = np.random.default_rng(0)
    basis, w = np.linalg.qr(rng.standard_normal((9, 3)))[0], rng.uniform(0.2, 1, 9)
    programme = SpectralProgramme(columns=np.eye(9), basis=basis, target=np.array([0.6, 0.8, 0.0]), power=power)
    law = coordinate_law(power)
    parts, multipliers = law.start(programme, w)
    subgradient = basis @ multipliers
    assert (parts > 0).all()
    assert (law.slack(w, subgradient) > 0).all()
    np.testing.assert_allclose(basis.T @ law.values(parts, w, subgradient)[0], programme.target, atol=1e-9)


def test_parts_are_a_linear_map_of_what_they_make() -> None:
    """At p = 1 β and c follow from the parts, and the parts from them."""
    law, parts = coordinate_law(1.0), np.random.default_rng(0).uniform(0, 1, (2, 4))
    np.testing.assert_allclose(law.parts_of(*law.values(parts, np.ones(4), np.zeros(4))), parts, rtol=1e-14)
    assert coordinate_law(1.0).linear
    assert not coordinate_law(1.5).linear
    assert coordinate_law(1.5).parts_of(np.ones(4), np.ones(4)).shape == (0, 4)
