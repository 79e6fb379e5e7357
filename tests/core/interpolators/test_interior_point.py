"""The interior-point method: laws of coordinates, elimination, and programmes of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from core.interpolators.coordinate_law import KinkedLaw, Response, SmoothLaw
from core.interpolators.interior_point import optimum_of
from core.interpolators.schur_complement import CoordinateComplement, Frame, MixtureComplement
from core.interpolators.spectral_programme import SpectralProgramme


def test_the_smooth_law_responds_with_its_derivatives() -> None:
    """Central differences of β and c in s and w."""
    law, none = SmoothLaw(4 / 3), np.zeros((0, 3))
    w, s, h = np.array([0.5, 1.0, 2.0]), np.array([-0.3, 1.2, 0.7]), 1e-5
    response = law.response(none, w, s)
    by_slope = (np.array(law.values(none, w, s + h)) - law.values(none, w, s - h)) / (2 * h)
    by_price = (np.array(law.values(none, w + h, s)) - law.values(none, w - h, s)) / (2 * h)
    np.testing.assert_allclose(by_slope[0], response.direct + response.coupling**2, rtol=1e-8)
    np.testing.assert_allclose(by_price[0], response.coupling * response.root, rtol=1e-8)
    np.testing.assert_allclose(by_slope[1], -response.coupling * response.root, rtol=1e-8)
    np.testing.assert_allclose(by_price[1], -(response.root**2), rtol=1e-8)


def test_the_kinked_law_responds_with_the_derivatives_of_its_path() -> None:
    """On the central path β± = μ/(w ∓ s), whose derivatives are known."""
    law, w, s, mu = KinkedLaw(), np.array([0.5, 1.0, 2.0]), np.array([-0.3, 0.9, 1.99]), 1e-3
    parts = mu / law.slack(w, s)
    response = law.response(parts, w, s)
    plus, minus = mu / (w - s) ** 2, mu / (w + s) ** 2
    np.testing.assert_allclose(response.direct + response.coupling**2, plus + minus, rtol=1e-12)
    np.testing.assert_allclose(response.coupling * response.root, minus - plus, rtol=1e-12)
    np.testing.assert_allclose(response.root**2, plus + minus, rtol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_an_offset_moves_parts_by_the_pull(seed: int) -> None:
    """Δβ± = pull± − h±·Δ(w ∓ s) for any pull and any change of prices and slopes."""
    rng = np.random.default_rng(seed)
    law, parts, (w, s) = KinkedLaw(), rng.uniform(0.1, 1, (2, 4)), rng.uniform(1, 2, (2, 4))
    s *= 0.4
    pull, dw, ds = rng.standard_normal((2, 4)), rng.standard_normal(4), rng.standard_normal(4)
    slack, response = law.slack(w, s), law.response(parts, w, s)
    offset = law.offset(parts, slack, pull)
    load = response.coupling * ds + response.root * dw - offset.load
    moved = law.parts_of(response.direct * ds + response.coupling * load + offset.predictor, -response.root * load)
    np.testing.assert_allclose(moved, pull - parts / slack * law.slack(dw, ds), rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), rank=st.integers(1, 4), dim=st.integers(1, 9))
def test_both_eliminations_solve_the_equations(seed: int, rank: int, dim: int) -> None:
    """The unknowns of either satisfy the two equations they were eliminated from, and what remains is what it says."""
    rng = np.random.default_rng(seed)
    metric, forcing = rng.standard_normal((2, rank, rank))
    metric, forcing = metric @ metric.T + np.eye(rank), forcing + forcing.T
    frame = Frame(
        atoms=rng.standard_normal((rank, dim)),
        metric=metric,
        spectrum=rng.uniform(0.1, 2, rank),
        basis=rng.standard_normal((dim, rank)),
    )
    response = Response(direct=np.ones(dim), coupling=rng.standard_normal(dim), root=rng.uniform(0, 2, dim))
    load, multipliers, level = rng.standard_normal(dim), rng.standard_normal(rank), 0.7
    for elimination in (CoordinateComplement, MixtureComplement):
        schur = elimination(frame, response)
        remainder = schur.remainder(forcing, load)
        found = schur.unknowns(remainder, level, multipliers)
        loads, mixture = found.loads, found.mixture
        weighed = sum(response.root[i] * loads[i] * np.outer(a, a) for i, a in enumerate(frame.atoms.T))
        expected = forcing - frame.mean_spectrum * (level * metric + weighed)
        np.testing.assert_allclose(found.pressure, weighed, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(mixture, expected, rtol=1e-7, atol=1e-7)
        forms = [a @ mixture @ a for a in frame.atoms.T]
        slopes = response.coupling * (frame.basis @ multipliers)
        np.testing.assert_allclose(loads, response.root * forms + slopes - load, rtol=1e-7, atol=1e-7)
        felt = frame.basis.T @ (response.coupling * loads)
        np.testing.assert_allclose(
            schur.stiffness @ multipliers - level * schur.drag + remainder.inner, felt, rtol=1e-7, atol=1e-7
        )
        left = remainder.rest - level * schur.inertia - schur.drag @ multipliers
        assert left == pytest.approx((metric * mixture).sum(), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("power", [1.0, 4 / 3, 1.75])
def test_two_orthogonal_atoms_balance(power: float) -> None:
    """β₁ + 2β₂ = 1 with atoms e₁ and 3e₂: λ = max(|β₁|^p, 9|β₂|^p) is least where the two agree."""
    weights = np.array([1.0, 2.0]) / np.sqrt(5)
    programme = SpectralProgramme(
        atoms=np.diag([1.0, 3.0]), basis=weights[:, None], target=np.array([1 / np.sqrt(5)]), power=power
    )
    second = brentq(lambda b: abs(1 - 2 * b) ** power - 9 * abs(b) ** power, 0, 0.5, xtol=1e-15)
    # two atoms need a mixture of order two, one equation a single multiplier
    found = optimum_of(programme)
    assert found.upper == pytest.approx(9 * second**power, rel=1e-7)
    assert found.gap <= 1e-7
