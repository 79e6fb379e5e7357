"""The interior-point method: laws of coordinates, elimination, and programmes of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from core.interpolators.coordinate_law import KinkedLaw, Response, SmoothLaw
from core.interpolators.interior_point import optimum_of
from core.interpolators.schur_complement import CoordinateComplement, Frame, MatrixComplement
from core.interpolators.spectral_programme import SpectralProgramme


def test_the_smooth_law_responds_with_its_derivatives() -> None:
    """Central differences of β and c in s and w."""
    law, none = SmoothLaw(4 / 3), np.zeros((0, 3))
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
    law, w, s, mu = KinkedLaw(), np.array([0.5, 1.0, 2.0]), np.array([-0.3, 0.9, 1.99]), 1e-3
    parts = mu / law.slack(w, s)
    response = law.response(parts, w, s)
    plus, minus = mu / (w - s) ** 2, mu / (w + s) ** 2
    np.testing.assert_allclose(response.direct + response.coupling**2, plus + minus, rtol=1e-12)
    np.testing.assert_allclose(response.coupling * response.root, minus - plus, rtol=1e-12)
    np.testing.assert_allclose(response.root**2, plus + minus, rtol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_an_offset_moves_parts_by_the_pull(seed: int) -> None:
    """Δβ± = rhs_parts± − h±·Δ(w ∓ s) for any rhs_parts and any change of weights and subgradient."""
    rng = np.random.default_rng(seed)
    law, parts, (w, s) = KinkedLaw(), rng.uniform(0.1, 1, (2, 4)), rng.uniform(1, 2, (2, 4))
    s *= 0.4
    rhs_parts, dw, ds = rng.standard_normal((2, 4)), rng.standard_normal(4), rng.standard_normal(4)
    slack, response = law.slack(w, s), law.response(parts, w, s)
    offset = law.offset(parts, slack, rhs_parts)
    rhs_coordinates = response.coupling * ds + response.root * dw - offset.rhs_coordinates
    moved = law.parts_of(
        response.direct * ds + response.coupling * rhs_coordinates + offset.predictor, -response.root * rhs_coordinates
    )
    np.testing.assert_allclose(moved, rhs_parts - parts / slack * law.slack(dw, ds), rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), rank=st.integers(1, 4), dim=st.integers(1, 9))
def test_both_eliminations_solve_the_equations(seed: int, rank: int, dim: int) -> None:
    """The unknowns of either satisfy the two equations they were eliminated from, and what remains is what it says."""
    rng = np.random.default_rng(seed)
    metric, rhs_matrix = rng.standard_normal((2, rank, rank))
    metric, rhs_matrix = metric @ metric.T + np.eye(rank), rhs_matrix + rhs_matrix.T
    frame = Frame(
        columns=rng.standard_normal((rank, dim)),
        metric=metric,
        spectrum=rng.uniform(0.1, 2, rank),
        basis=rng.standard_normal((dim, rank)),
    )
    response = Response(direct=np.ones(dim), coupling=rng.standard_normal(dim), root=rng.uniform(0, 2, dim))
    rhs_coordinates, multipliers, level = rng.standard_normal(dim), rng.standard_normal(rank), 0.7
    for elimination in (CoordinateComplement, MatrixComplement):
        schur = elimination(frame, response)
        reduced = schur.reduced(rhs_matrix, rhs_coordinates)
        found = schur.unknowns(reduced, level, multipliers)
        coordinates, dual_matrix = found.coordinates, found.dual_matrix
        weighed = sum(response.root[i] * coordinates[i] * np.outer(a, a) for i, a in enumerate(frame.columns.T))
        expected = rhs_matrix - frame.mean_spectrum * (level * metric + weighed)
        np.testing.assert_allclose(found.gram_decrease, weighed, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(dual_matrix, expected, rtol=1e-7, atol=1e-7)
        forms = [a @ dual_matrix @ a for a in frame.columns.T]
        subgradient = response.coupling * (frame.basis @ multipliers)
        np.testing.assert_allclose(
            coordinates, response.root * forms + subgradient - rhs_coordinates, rtol=1e-7, atol=1e-7
        )
        felt = frame.basis.T @ (response.coupling * coordinates)
        np.testing.assert_allclose(
            schur.A11 @ multipliers - level * schur.A12 + reduced.rhs_multipliers, felt, rtol=1e-7, atol=1e-7
        )
        left = reduced.rhs_level - level * schur.A22 - schur.A12 @ multipliers
        assert left == pytest.approx((metric * dual_matrix).sum(), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("power", [1.0, 4 / 3, 1.75])
def test_two_orthogonal_atoms_balance(power: float) -> None:
    """β₁ + 2β₂ = 1 with columns e₁ and 3e₂: λ = max(|β₁|^p, 9|β₂|^p) is least where the two agree."""
    weights = np.array([1.0, 2.0]) / np.sqrt(5)
    programme = SpectralProgramme(
        columns=np.diag([1.0, 3.0]), basis=weights[:, None], target=np.array([1 / np.sqrt(5)]), power=power
    )
    second = brentq(lambda b: abs(1 - 2 * b) ** power - 9 * abs(b) ** power, 0, 0.5, xtol=1e-15)
    # two columns need a dual_matrix of order two, one equation a single multiplier
    found = optimum_of(programme)
    assert found.upper == pytest.approx(9 * second**power, rel=1e-7)
    assert found.gap <= 1e-7
