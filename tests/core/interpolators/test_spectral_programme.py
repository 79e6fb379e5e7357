"""Spectral programmes: their bounds against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.interpolators.spectral_programme import SpectralProgramme, quadratic_forms, weighted_gram

seeds = st.integers(0, 10_000)


def programme(seed: int, power: float, *, order: int = 3, dim: int = 6, rank: int = 2) -> SpectralProgramme:
    """Random columns, basis and target."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((dim, rank)))[0]
    return SpectralProgramme(
        columns=rng.standard_normal((order, dim)), basis=basis, target=rng.standard_normal(rank), power=power
    )


@given(seed=seeds, power=st.sampled_from([1.0, 4 / 3, 1.75]))
def test_no_dual_point_proves_more_than_any_predictor_reaches(seed: int, power: float) -> None:
    """`lower` of any P of trace 1 and any κ is at most `upper` of any β that fits."""
    rng, whole = np.random.default_rng(seed + 1), programme(seed, power)
    predictors = [whole.repaired(rng.standard_normal(6)) for _ in range(20)]
    root = rng.standard_normal((3, 3))
    dual_matrix = root @ root.T / np.trace(root @ root.T)
    lower = max(whole.lower(whole.dual_weights(dual_matrix), rng.standard_normal(2)) for _ in range(20))
    assert 0 <= lower <= min(whole.upper(predictor) for predictor in predictors) * (1 + 1e-12)


@given(seed=seeds, power=st.sampled_from([1.0, 1.5]))
def test_the_upper_bound_is_the_largest_rayleigh_quotient(seed: int, power: float) -> None:
    """Reached by the top direction, exceeded by none, the matrix summed column by column."""
    rng, whole = np.random.default_rng(seed + 1), programme(seed, power)
    predictor = rng.standard_normal(6)
    matrix = sum(abs(b) ** power * np.outer(a, a) for b, a in zip(predictor, whole.columns.T, strict=True))
    directions = rng.standard_normal((50, 3))
    quotients = [direction @ matrix @ direction / (direction @ direction) for direction in directions]
    assert whole.upper(predictor) == pytest.approx(max(np.linalg.svd(matrix)[1]), rel=1e-10)
    assert max(quotients) <= whole.upper(predictor) * (1 + 1e-12)


@given(seed=seeds)
def test_a_repaired_predictor_fits_and_is_the_nearest(seed: int) -> None:
    """Least squares in the null space of basisᵀ moves it no nearer."""
    whole, predictor = programme(seed, 1.0), np.random.default_rng(seed + 1).standard_normal(6)
    repaired = whole.repaired(predictor)
    np.testing.assert_allclose(whole.basis.T @ repaired, whole.target, atol=1e-12)
    expected = predictor + np.linalg.lstsq(whole.basis.T, whole.target - whole.basis.T @ predictor)[0]
    np.testing.assert_allclose(repaired, expected, atol=1e-12)


def test_forms_and_grams_are_sums_over_columns() -> None:
    """Term by term, for weights of any sign."""
    rng = np.random.default_rng(0)
    vectors, weights, matrix = rng.standard_normal((3, 5)), rng.standard_normal(5), rng.standard_normal((3, 3))
    forms = [a @ matrix @ a for a in vectors.T]
    np.testing.assert_allclose(quadratic_forms(matrix, vectors), forms, rtol=1e-12)
    gram = sum(w * np.outer(a, a) for w, a in zip(weights, vectors.T, strict=True))
    np.testing.assert_allclose(weighted_gram(vectors, weights), gram, rtol=1e-12, atol=1e-14)


def test_multipliers_against_the_target_prove_nothing() -> None:
    """targetᵀκ ≤ 0, or a subgradient where a weight is 0."""
    whole = programme(0, 1.0)
    assert whole.lower(np.ones(6), -whole.target) == 0
    assert whole.lower(np.zeros(6), whole.target) == 0
