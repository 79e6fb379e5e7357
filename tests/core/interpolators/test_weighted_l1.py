"""Least weighted ℓ1 norms: interior points end at the vertex of the simplex, or do not answer."""

import numpy as np
import pytest

from core.data.row_space import interpolator_set
from core.interpolators import weighted_l1
from core.interpolators.weighted_l1 import LARGE, least_weighted_l1


def programme(
    seed: int, *, samples: int = 20, dim: int = 60, nonzero: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Basis, target of norm 1 and weights up to 1 of random data; the target of a sparse predictor on demand."""
    rng = np.random.default_rng(seed)
    X = 1 + rng.standard_normal((samples, dim))
    truth = np.where(np.arange(dim) < (nonzero or dim), rng.standard_normal(dim), 0.0)
    space, weights = interpolator_set(X, X @ truth), rng.uniform(0.5, 1, dim)
    return space.basis, space.coordinates / np.linalg.norm(space.coordinates), weights / weights.max()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("nonzero", [None, 2])
def test_interior_points_end_at_the_vertex_of_the_simplex(seed: int, nonzero: int | None) -> None:
    """As many nonzero entries as equations, or as few as the predictor that made the target."""
    basis, target, weights = programme(seed, nonzero=nonzero)
    found = weighted_l1._by_interior_points(basis, target, weights)
    expected = weighted_l1._by_simplex(basis, target, weights)
    assert found is not None
    np.testing.assert_allclose(found.predictor, expected.predictor, rtol=1e-9, atol=1e-12)
    assert np.array_equal(found.predictor != 0, np.abs(expected.predictor) > 1e-12)
    assert np.count_nonzero(found.predictor) == (nonzero or 20)


@pytest.mark.parametrize("seed", range(4))
def test_a_vertex_is_proven_by_its_multipliers(seed: int) -> None:
    """|basis·κ| ≤ w, and targetᵀκ is the value."""
    basis, target, weights = programme(seed)
    found = weighted_l1._by_interior_points(basis, target, weights)
    assert found is not None
    assert (np.abs(basis @ found.multipliers) <= weights + 1e-11).all()
    assert target @ found.multipliers == pytest.approx((weights * np.abs(found.predictor)).sum(), rel=1e-12)


def test_tied_minimisers_are_left_to_the_simplex() -> None:
    """A column that is there twice can be used in any proportion, of which the path ends half way."""
    basis, target, _ = programme(0, samples=5, dim=8)
    twice = interpolator_set(np.vstack([basis, basis]).T, target)
    scale = float(np.linalg.norm(twice.coordinates))
    assert weighted_l1._by_interior_points(twice.basis, twice.coordinates / scale, np.ones(16)) is None


def test_free_coordinates_are_left_to_the_simplex() -> None:
    """Coordinates of weight 0 leave the central path no room."""
    basis, target, weights = programme(0, samples=80, dim=260)
    assert basis.size >= LARGE
    weights[:3] = 0
    found = least_weighted_l1(basis, target, weights)
    np.testing.assert_allclose(basis.T @ found.predictor, target, atol=1e-9)
    assert np.array_equal(found.predictor, weighted_l1._by_simplex(basis, target, weights).predictor)


def test_large_programmes_are_solved_to_the_same_vertex() -> None:
    """Through the choice by size."""
    basis, target, weights = programme(1, samples=80, dim=260)
    found, expected = least_weighted_l1(basis, target, weights), weighted_l1._by_simplex(basis, target, weights)
    np.testing.assert_allclose(found.predictor, expected.predictor, rtol=1e-8, atol=1e-11)
