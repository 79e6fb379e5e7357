"""Norms of the oblique projector onto the null space."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.completion.oblique_projector import ObliqueProjector, complement_norm
from core.data.regression import Dataset
from core.data.row_space import row_space
from tests.core.problems import small_problem, small_problems


@settings(max_examples=40, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_the_norms_are_those_of_the_matrices(data: Dataset, seed: int) -> None:
    """Against P and Xᵀ(X C Xᵀ)⁻¹X written out, weights at random."""
    X, dim = data.X, data.X.shape[1]
    weights = np.exp(np.random.default_rng(seed).normal(0, 1.5, dim))
    found = ObliqueProjector.of(row_space(X), weights)
    inverse = X.T @ np.linalg.inv(X * weights @ X.T) @ X
    projector = np.eye(dim) - weights[:, None] * inverse
    assert found.norm == pytest.approx(np.linalg.norm(projector, 2), rel=1e-6)
    assert found.complement == pytest.approx(np.linalg.norm(np.eye(dim) - projector, 2), rel=1e-6)
    assert found.stiffness == pytest.approx(np.linalg.norm(inverse, 2), rel=1e-6)
    assert found.stiffness <= 1 / weights.min() * (1 + 1e-9)


def test_a_unique_interpolator_leaves_no_freedom() -> None:
    """P = 0, and its complement is the identity."""
    data = small_problem(0, samples=3, dimension=3)
    found = ObliqueProjector.of(row_space(data.X), np.array([1.0, 10.0, 0.1]))
    assert found.norm == 0.0
    assert found.complement == pytest.approx(1.0)


@pytest.mark.parametrize("spread", [1.0, 8.0, 30.0])
def test_the_norm_of_the_complement_is_the_same_by_itself(spread: float) -> None:
    """To the bit, by Cholesky and beyond it."""
    basis = row_space(small_problem(0).X)
    weights = np.exp(np.random.default_rng(1).normal(0, spread, 7))
    assert complement_norm(basis, weights) == ObliqueProjector.of(basis, weights).complement
