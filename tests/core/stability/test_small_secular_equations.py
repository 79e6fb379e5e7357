"""The largest eigenvalues of the Hessians of many small states at once, against whole spectra and one state alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.networks.network import Network
from core.stability.hessian import hessian, hessians
from core.stability.sharpness import top_hessian_eigenpair, top_hessian_eigenpairs
from core.stability.small_secular_equations import SMALL, _Schur, largest_by_secular_equations
from tests.core.network_kinds import NETWORKS
from tests.core.problems import small_problem


@settings(max_examples=100, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    runs=st.integers(1, 9),
    mean=st.sampled_from([0.0, 1.0, 5.0]),
    scale=st.sampled_from([1e-3, 0.1, 1.0]),
)
def test_what_is_found_are_largest_eigenvalues(  # noqa: PLR0917 - what states are drawn from
    network: Network, seed: int, shape: tuple[int, int], runs: int, mean: float, scale: float
) -> None:
    """And their vectors eigenvectors."""
    data = small_problem(seed, samples=shape[0], dimension=shape[1], mean=mean)
    theta = scale * np.random.default_rng(seed).uniform(-1.2, 1.2, (len(network.parts), runs, shape[1]))
    held = hessians(data.X, data.y, theta, network)
    with np.errstate(all="ignore"):
        found = largest_by_secular_equations(held)
    for run, pair in enumerate(found):
        spectrum = np.linalg.eigvalsh(hessian(data.X, data.y, np.ascontiguousarray(theta[:, run]), network))
        spectrum = np.ldexp(spectrum, -2 * held.exponent[run])
        norm = np.abs(spectrum).max()
        if pair is not None:
            value, vector = pair
            assert value == pytest.approx(spectrum[-1], abs=1e-12 * norm)
            alone = held.of(slice(run, run + 1))
            assert np.linalg.norm(alone.product(vector[None])[0] - value * vector) <= 1e-7 * norm


@settings(max_examples=60, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, SMALL + 4), st.integers(1, SMALL + 4)),
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


def test_they_are_found_where_runs_are_on_their_way() -> None:
    """Not left to the whole spectrum."""
    for seed in range(20):
        data = small_problem(seed, samples=5, dimension=9)
        theta = np.random.default_rng(seed).uniform(0.2, 1.0, (2, 3, 9))
        assert None not in largest_by_secular_equations(hessians(data.X, data.y, theta, NETWORKS[0]))


def test_a_coordinate_that_is_an_eigenvector_by_itself_is_left_to_the_spectrum() -> None:
    """Its slope has vanished and its second derivative is the largest eigenvalue: no root of the equation."""
    X, y = np.array([[1.0, 1e-3]]), np.array([-4.0])
    theta = np.array([[[0.0, 0.1], [1.0, 1.0]], [[0.0, 0.1], [1.0, 1.0]]])
    found = largest_by_secular_equations(hessians(X, y, theta, NETWORKS[0]))
    assert found[0] is None
    assert found[1] is not None


def test_the_proof_tells_the_largest_eigenvalue_from_the_second() -> None:
    """At the largest there is none above; at the second, and just below the largest, there is."""
    for seed in range(20):
        data = small_problem(seed, samples=5, dimension=9)
        theta = np.random.default_rng(seed).uniform(0.2, 1.0, (2, 1, 9))
        held = hessians(data.X, data.y, theta, NETWORKS[0])
        spectrum = np.linalg.eigvalsh(hessian(data.X, data.y, theta[:, 0], NETWORKS[0])) * 4.0 ** -held.exponent[0]
        schur = _Schur.of(held)
        assert schur.are_above_all(spectrum[-1:] * (1 + 1e-9)).all()
        below = spectrum[-1:] * (1 - 1e-9)
        second = np.maximum(spectrum[-2:-1], np.nextafter(held.diagonal.max(), np.inf))
        for value in (below, second):
            assert not schur.are_above_all(value).any()
