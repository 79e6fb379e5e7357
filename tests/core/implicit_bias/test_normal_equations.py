"""Normal equations, well and ill conditioned."""

import numpy as np
import pytest

from core.implicit_bias.normal_equations import normal_solution


def orthonormal(dim: int, rank: int) -> np.ndarray:
    """Random orthonormal columns."""
    return np.linalg.qr(np.random.default_rng(0).standard_normal((dim, rank)))[0]


def test_well_conditioned_equations_are_solved() -> None:
    """Against a general solver."""
    basis, weights, right = orthonormal(30, 8), np.linspace(0.1, 3, 30), np.arange(1.0, 9.0)
    expected = np.linalg.solve(basis.T @ (weights[:, None] * basis), right)
    np.testing.assert_allclose(normal_solution(basis, weights, right), expected, rtol=1e-12)


def test_weights_of_sixteen_orders_of_magnitude_are_solved() -> None:
    """As many weights as equations: the basis is square and the solution a product, which Cholesky would not find."""
    basis, weights, right = orthonormal(12, 12), np.logspace(-16, 0, 12), np.ones(12)
    found = normal_solution(basis, weights, right)
    expected = basis.T @ ((basis @ right) / weights)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_vanished_weights_are_an_error() -> None:
    """Nothing determines the solution."""
    with pytest.raises(np.linalg.LinAlgError):
        normal_solution(orthonormal(5, 3), np.zeros(5), np.ones(3))
