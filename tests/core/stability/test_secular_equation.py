"""The largest eigenvalue of a Hessian by its secular equation, against whole spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.networks.network import Network
from core.stability.extreme_eigenvalues import largest_eigenvalue, least_eigenvalue
from core.stability.hessian import hessian, hessians
from core.stability.secular_equation import largest_by_secular_equation
from core.stability.sharpness import top_hessian_eigenpair, top_hessian_eigenpairs
from tests.core.network_kinds import NETWORKS
from tests.core.problems import small_problem


@settings(max_examples=150, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    mean=st.sampled_from([0.0, 1.0, 5.0]),
    scale=st.sampled_from([1e-3, 0.1, 1.0]),
)
def test_it_is_the_largest_eigenvalue(
    network: Network, seed: int, shape: tuple[int, int], mean: float, scale: float
) -> None:
    """And its vector an eigenvector, where it is found; what is reported of a state is so in any case."""
    data = small_problem(seed, samples=shape[0], dimension=shape[1], mean=mean)
    theta = scale * np.random.default_rng(seed).uniform(-1.2, 1.2, (len(network.parts), shape[1]))
    matrix = hessian(data.X, data.y, theta, network)
    spectrum = np.linalg.eigvalsh(matrix)
    norm = np.abs(spectrum).max()
    held = hessians(data.X, data.y, theta[:, None], network)
    with np.errstate(all="ignore"):
        (found,) = largest_by_secular_equation(held)
    if found is not None:
        value, vector = found
        assert np.ldexp(value, 2 * held.exponent[0]) == pytest.approx(spectrum[-1], abs=1e-12 * norm)
        scaled = np.ldexp(norm, -2 * held.exponent[0])
        assert np.linalg.norm(held.product(vector[None])[0] - value * vector) <= 1e-7 * scaled
    pair = top_hessian_eigenpair(data.X, data.y, theta, network)
    assert pair.value == pytest.approx(spectrum[-1], abs=1e-12 * norm)
    assert np.linalg.norm(matrix @ pair.vector - pair.value * pair.vector) <= 1e-7 * norm


def test_it_is_found_where_a_run_is_on_its_way() -> None:
    """Not left to the whole spectrum."""
    for seed in range(20):
        data = small_problem(seed, samples=5, dimension=9)
        theta = np.random.default_rng(seed).uniform(0.2, 1.0, (2, 1, 9))
        assert largest_by_secular_equation(hessians(data.X, data.y, theta, NETWORKS[0])) != [None]


@settings(max_examples=60, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    runs=st.integers(2, 20),
)
def test_what_is_solved_beside_a_state_changes_no_bit_of_it(
    network: Network, seed: int, shape: tuple[int, int], runs: int
) -> None:
    """Nor states that overflow, that have no slope, or that come to their ends sooner."""
    data = small_problem(seed, samples=shape[0], dimension=shape[1])
    rng = np.random.default_rng(seed)
    theta = 10.0 ** rng.uniform(-3, 0.2, (1, runs, 1)) * rng.uniform(-1.2, 1.2, (len(network.parts), runs, shape[1]))
    theta[:, 0], theta[:, 1] = 0.0, 1e200
    together = top_hessian_eigenpairs(data.X, data.y, theta, network)
    for run, pair in enumerate(together):
        alone = top_hessian_eigenpair(data.X, data.y, theta[:, run], network)
        np.testing.assert_array_equal(pair.vector, alone.vector)
        np.testing.assert_array_equal([pair.value, pair.residual], [alone.value, alone.residual])


def test_a_coordinate_that_is_an_eigenvector_by_itself_is_left_to_the_spectrum() -> None:
    """Its slope has vanished and its second derivative is the largest eigenvalue: no root of the equation."""
    X, y = np.array([[1.0, 1e-3]]), np.array([-4.0])
    theta = np.array([[0.0, 0.1], [0.0, 0.1]])
    assert largest_by_secular_equation(hessians(X, y, theta[:, None], NETWORKS[0])) == [None]
    spectrum = np.linalg.eigvalsh(hessian(X, y, theta, NETWORKS[0]))
    assert top_hessian_eigenpair(X, y, theta, NETWORKS[0]).value == pytest.approx(spectrum[-1], rel=1e-12)
    assert spectrum[-1] == pytest.approx(8.0, rel=1e-6)


@given(seed=st.integers(0, 1000), size=st.integers(1, 9))
def test_the_ends_are_those_of_the_spectrum(seed: int, size: int) -> None:
    """Of indefinite matrices, too."""
    matrix = np.random.default_rng(seed).standard_normal((size, size))
    matrix = matrix + matrix.T
    spectrum = np.linalg.eigvalsh(matrix)
    assert largest_eigenvalue(matrix) == pytest.approx(spectrum[-1], abs=1e-12)
    assert least_eigenvalue(matrix) == pytest.approx(spectrum[0], abs=1e-12)


def test_what_is_not_finite_is_refused() -> None:
    """By either."""
    for ending in (largest_eigenvalue, least_eigenvalue):
        with pytest.raises(np.linalg.LinAlgError):
            ending(np.array([[1.0, np.nan], [np.nan, 1.0]]))
