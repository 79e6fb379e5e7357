"""Sharpness of the training loss, at interpolators and along trajectories."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.networks.network import Diagonal, Network
from core.stability.hessian import hessian, hessians
from core.stability.sharpness import (
    interpolator_sharpness_of,
    top_eigenpair,
    top_hessian_eigenpair,
    trajectory_sharpness,
)
from core.tiles import TILE
from tests.core.network_kinds import NETWORKS
from tests.core.problems import paper_problem, small_problem, small_problems
from tests.reference import finite_difference

networks = st.sampled_from(NETWORKS)
seeds = st.integers(0, 1000)


def parameters(network: Network, seed: int, *shape: int) -> np.ndarray:
    """Random θ of both signs."""
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (len(network.parts), *shape))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("seed", range(2))
def test_hessian_equals_finite_differences(network: Network, seed: int) -> None:
    """At random parameters with u₊ ≠ u₋, off the interpolators, so that both of its terms count."""
    data = small_problem(seed, samples=3, dimension=4)
    theta = parameters(network, seed, 4)
    expected = finite_difference.hessian(data.X, data.y, theta, network, width=1e-3)
    found = hessian(data.X, data.y, theta, network)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(found).max())


@pytest.mark.parametrize(
    ("shape", "is_made"), [((4, 8), True), ((4, 9), False), ((128, 256), True), ((129, 257), False)]
)
def test_the_gram_matrix_is_made_where_it_saves_work(shape: tuple[int, int], *, is_made: bool) -> None:
    """For d up to 2N and up to `MOST_GRAM`; products are the same with and without it."""
    X = np.random.default_rng(0).standard_normal(shape)
    found = hessians(X, np.ones(len(X)), parameters(Diagonal(2), 0, 1, shape[1]), Diagonal(2))
    assert (found.gram is not None) is is_made


@settings(max_examples=30)
@given(data=small_problems(), network=networks, seed=seeds)
def test_at_an_interpolator_the_gram_matrix_has_the_sharpness_of_the_hessian(
    data: Dataset, network: Network, seed: int
) -> None:
    """With y = Xβ the second term of the Hessian is gone."""
    theta = parameters(network, seed, data.X.shape[1])
    full = top_hessian_eigenpair(data.X, data.X @ network.predictor(theta), theta, network)
    tangent_weights = network.tangent_weights(theta)
    assert interpolator_sharpness_of(data.X, tangent_weights).value == pytest.approx(full.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("samples", "dimension"), [(3, 7), (7, 3), (4, 4)])
def test_the_smaller_form_has_the_same_sharpness(samples: int, dimension: int) -> None:
    """The N × N form entry by entry from its sum; the vector has min(N, d) entries."""
    data = small_problem(1, samples=samples, dimension=dimension)
    c = np.arange(1.0, dimension + 1)
    gram = [[sum(a[i] * c[i] * b[i] for i in range(dimension)) / samples for b in data.X] for a in data.X]
    pair = interpolator_sharpness_of(data.X, c)
    assert pair.value == pytest.approx(np.linalg.eigvalsh(gram)[-1], rel=1e-12)
    assert pair.vector.shape == (min(samples, dimension),)


def test_the_top_eigenvalue_is_the_largest_not_the_largest_in_magnitude() -> None:
    """Of −5 and 1 it is 1."""
    pair = top_eigenpair(np.diag([-5.0, 1.0]))
    assert pair.value == 1
    assert np.abs(pair.vector).tolist() == [0, 1]


@pytest.mark.parametrize("network", NETWORKS)
def test_eigenpairs_come_with_a_small_residual(network: Network) -> None:
    """On the paper's data, both ways, and the vector solves its equation."""
    data = paper_problem()
    theta = parameters(network, 0, 100)
    assert interpolator_sharpness_of(data.X, network.tangent_weights(theta)).residual < 1e-12
    pair = top_hessian_eigenpair(data.X, data.y, theta, network)
    matrix = hessian(data.X, data.y, theta, network)
    assert pair.residual < 1e-9
    assert np.linalg.norm(pair.vector) == pytest.approx(1, rel=1e-12)
    assert np.linalg.norm(matrix @ pair.vector - pair.value * pair.vector) < 1e-8 * abs(pair.value)
    assert pair.value == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-9)


def close_to_the_dense_one(data: Dataset, network: Network, theta: np.ndarray) -> None:
    """Every value is that of the whole spectrum, to 1e-6 of the norm of the Hessian."""
    found = trajectory_sharpness(data.X, data.y, theta, network)
    for run, value in enumerate(found):
        spectrum = np.linalg.eigvalsh(hessian(data.X, data.y, theta[:, run], network))
        assert abs(value - spectrum[-1]) <= 1e-6 * np.abs(spectrum).max()


@settings(max_examples=40)
@given(
    network=networks,
    seed=seeds,
    samples=st.integers(1, 9),
    dimension=st.integers(1, 9),
    mean=st.sampled_from([0.0, 1.0, 5.0]),
)
def test_along_trajectories_it_is_the_largest_eigenvalue(
    network: Network, seed: int, samples: int, dimension: int, mean: float
) -> None:
    """Far from interpolation, with more samples than dimensions too."""
    data = small_problem(seed, samples=samples, dimension=dimension, mean=mean)
    close_to_the_dense_one(data, network, parameters(network, seed, 5, dimension))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0])
def test_at_a_uniform_start_it_is_the_largest_eigenvalue(network: Network, scale: float) -> None:
    """At u₊ = u₋ the Hessian splits into two parts, and the larger of their eigenvalues is wanted."""
    data = paper_problem()
    close_to_the_dense_one(data, network, np.full((len(network.parts), 1, 100), scale))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_bits_of_a_run_do_not_depend_on_its_company(network: Network) -> None:
    """Alone, and at several places among others, one of which has overflowed."""
    data = paper_problem()
    theta = parameters(network, 5, 2 * TILE + 5, 100)
    theta[:, 3] = np.inf
    found = trajectory_sharpness(data.X, data.y, theta, network)
    for place in (0, 4, TILE, 2 * TILE + 4):
        alone = trajectory_sharpness(data.X, data.y, theta[:, place : place + 1], network)
        assert alone[0] == found[place]
    assert np.isnan(found[3])


def test_parameters_of_zeros_have_the_sharpness_of_the_loss_there() -> None:
    """Flat at depth 3; at depth 2 a saddle, whose sharpness is 2·max|g|."""
    data = small_problem(0)
    zeros = np.zeros((2, 1, 7))
    assert trajectory_sharpness(data.X, data.y, zeros, Diagonal(3)).tolist() == [0.0]
    gradient = data.X.T @ data.y / len(data.y)
    (found,) = trajectory_sharpness(data.X, data.y, zeros, Diagonal(2))
    assert found == pytest.approx(2 * np.abs(gradient).max(), rel=1e-6)


def test_a_diverged_state_has_sharpness_nan() -> None:
    """A run that has left the numbers is data, not an exception."""
    data, network = small_problem(0), Diagonal(2)
    theta = parameters(network, 0, 7)
    theta[0, 0] = np.inf
    assert np.isnan(interpolator_sharpness_of(data.X, network.tangent_weights(theta)).value)
    assert np.isnan(top_hessian_eigenpair(data.X, data.y, theta, network).value)


def test_a_large_hessian_has_its_top_eigenvalue_too() -> None:
    """Beyond the size whose whole spectrum is computed, with a residual that proves it an eigenvalue."""
    data = small_problem(2, samples=20, dimension=180, mean=1.0)
    theta = parameters(Diagonal(3), 2, 180)
    pair = top_hessian_eigenpair(data.X, data.y, theta, Diagonal(3))
    spectrum = np.linalg.eigvalsh(hessian(data.X, data.y, theta, Diagonal(3)))
    assert pair.value == pytest.approx(spectrum[-1], rel=1e-9)
    assert pair.residual < 1e-8


@settings(max_examples=25)
@given(data=small_problems(), seed=seeds)
def test_sharpness_does_not_know_names_or_signs(data: Dataset, seed: int) -> None:
    """Permuting coordinates or turning the sign of X changes nothing at an interpolator."""
    tangent_weights = np.random.default_rng(seed).random(data.X.shape[1])
    value = interpolator_sharpness_of(data.X, tangent_weights).value
    order = np.random.default_rng(seed).permutation(data.X.shape[1])
    assert interpolator_sharpness_of(data.X[:, order], tangent_weights[order]).value == pytest.approx(value, rel=1e-12)
    assert interpolator_sharpness_of(-data.X, tangent_weights).value == pytest.approx(value, rel=1e-12)
