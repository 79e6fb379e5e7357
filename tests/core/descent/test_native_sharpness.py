"""The sharpness along trajectories by the compiled kernel, against whole spectra and against NumPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.descent.batch_descent import BatchState
from core.descent.kernel import NUMPY, kernel_names, kernels, sharpness
from core.networks.network import UV, Diagonal, Network
from core.stability.hessian import hessian
from core.stability.sharpness import trajectory_sharpness
from tests.core.network_kinds import NETWORKS
from tests.core.problems import paper_problem, small_problem

COMPILED = [name for name in kernel_names() if name != NUMPY]
FUSING = [name for name in COMPILED if name != "baseline"]
compiled = pytest.mark.parametrize("name", COMPILED or [pytest.param("", marks=pytest.mark.skip("none is compiled"))])

# Powers of two in X and θ, of which X, y and the predictor stay doubles.
EXPONENTS = [
    (data, parameters, network)
    for data in (-300, 0, 300)
    for parameters in (-300, -40, 0, 40)
    for network in NETWORKS
    if max(
        abs(data + network.degree * parameters),
        abs(2 * data + 2 * (network.degree - 1) * parameters),
        abs(network.degree * parameters),
    )
    <= 900
]


def parameters(network: Network, seed: int, lanes: int, dim: int) -> np.ndarray:
    """Random θ of both signs."""
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (len(network.parts), lanes, dim))


def trajectories(data: Dataset, network: Network, *, init_scale: float, steps: list[int]) -> list[np.ndarray]:
    """The states of six runs after so many steps each, some of which cross the edge of stability or leave it."""
    start = np.full((len(network.parts), 6, data.X.shape[1]), init_scale)
    batch = kernels()[NUMPY](data.X, data.y, network, BatchState.begin(start, len(data.y)))
    first = float(trajectory_sharpness(data.X, data.y, start[:, :1], network)[0])
    step_sizes = np.array([0.01, 0.1, 0.3, 1.0, 2.2, 4.0]) / max(first, 1.0)
    states, done = [], 0
    for step in steps:
        batch.advance(np.broadcast_to(step_sizes, (step - done, 6)))
        states.append(batch.theta.copy())
        done = step
    return states


def agrees(name: str, data: Dataset, network: Network, theta: np.ndarray) -> None:
    """A value is NaN where the whole Hessian is not finite, else its largest eigenvalue to 1e-6 of its norm.

    NumPy's value is NaN where it is, and never above it: from a coordinate that is an eigenvector by itself NumPy's
    search may take a smaller eigenvalue for the largest.
    """
    found = sharpness(name, data.X, data.y, network)(theta)
    reference = trajectory_sharpness(data.X, data.y, theta, network)
    assert np.isnan(found).tolist() == np.isnan(reference).tolist()
    for run, value in enumerate(found):
        with np.errstate(all="ignore"):
            matrix = hessian(data.X, data.y, theta[:, run], network)
        assert np.isnan(value) != np.isfinite(matrix).all()
        if np.isfinite(value):
            spectrum = np.linalg.eigvalsh(matrix)
            assert abs(value - spectrum[-1]) <= 1e-6 * np.abs(spectrum).max()
            assert max(value, reference[run]) <= spectrum[-1] + 1e-12 * np.abs(spectrum).max()
            assert reference[run] <= value + 1e-6 * np.abs(spectrum).max()


@compiled
@settings(max_examples=60)
@given(
    network=st.sampled_from(NETWORKS),
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    mean=st.sampled_from([0.0, 1.0, 5.0]),
)
def test_it_is_the_largest_eigenvalue(
    name: str, network: Network, seed: int, shape: tuple[int, int], mean: float
) -> None:
    """Far from interpolation, with more samples than dimensions and fewer, down to one of each."""
    samples, dimension = shape
    data = small_problem(seed, samples=samples, dimension=dimension, mean=mean)
    agrees(name, data, network, parameters(network, seed, 5, dimension))


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize("mean", [0.0, 5.0])
@pytest.mark.parametrize(("init_scale", "samples"), [(1e-3, 30), (0.3, 30), (0.3, 130), (1.0, 15)])
def test_along_trajectories_it_is_the_largest_eigenvalue(
    name: str, network: Network, mean: float, init_scale: float, samples: int
) -> None:
    """From a start at which u₊ = u₋ to the end, past catapults and overflow."""
    rng = np.random.default_rng(samples)
    X = mean + rng.standard_normal((samples, 40))
    data = Dataset(X=X, y=X[:, :5].sum(axis=1) + 0.1 * rng.standard_normal(samples))
    for theta in trajectories(data, network, init_scale=init_scale, steps=[0, 1, 5, 30, 200, 1000]):
        agrees(name, data, network, theta)


@compiled
@pytest.mark.parametrize(("data_exponent", "exponent", "network"), EXPONENTS)
def test_a_power_of_two_in_data_and_parameters_changes_no_bit(
    name: str, network: Network, data_exponent: int, exponent: int
) -> None:
    """X to 2^a·X, θ to 2^b·θ, y to 2^(a+Db)·y: λ to 2^(2a+2(D−1)b)·λ, though squares would overflow or vanish."""
    data = small_problem(4, samples=6, dimension=9)
    theta = parameters(network, 4, 3, 9)
    degree = network.degree
    target, power = data_exponent + degree * exponent, 2 * data_exponent + 2 * (degree - 1) * exponent
    plain = sharpness(name, data.X, data.y, network)(theta)
    scaled = sharpness(name, np.ldexp(data.X, data_exponent), np.ldexp(data.y, target), network)(
        np.ldexp(theta, exponent)
    )
    np.testing.assert_array_equal(scaled, np.ldexp(plain, power))


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize(("samples", "dim"), [(50, 100), (30, 100), (120, 40)])
def test_the_bits_of_a_run_do_not_depend_on_its_company(name: str, network: Network, samples: int, dim: int) -> None:
    """Alone, among others of which some have overflowed, and after them."""
    data = small_problem(0, samples=samples, dimension=dim)
    theta = parameters(network, 5, 37, dim)
    theta[:, 3], theta[0, 7, 2] = np.inf, np.nan
    value = sharpness(name, data.X, data.y, network)
    found = value(theta)
    for place in (0, 4, 8, 36):
        assert value(theta[:, place : place + 1])[0] == found[place]
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, 7]
    np.testing.assert_array_equal(value(theta[:, ::-1]), found[::-1])


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize(("samples", "dim"), [(1, 1), (5, 17), (30, 100), (90, 40)])
def test_so_many_lanes_together_have_the_bits_of_each_alone(
    name: str, network: Network, samples: int, dim: int
) -> None:
    """One to nine, which begin and end at different products: at rest, overflowed, near the largest double, at zero."""
    data = small_problem(1, samples=samples, dimension=dim)
    theta = parameters(network, 7, 9, dim)
    theta[:, 1] = 0.0
    theta[0, 2, dim // 2] = np.nan
    theta[:, 3, : dim // 2] *= 1e-9
    theta[:, 4] = np.inf
    theta[:, 5] *= 1e200
    theta[:, 7] *= 1e-200
    value = sharpness(name, data.X, data.y, network)
    alone = np.concatenate([value(theta[:, lane : lane + 1]) for lane in range(9)])
    assert np.isnan(alone[[2, 4]]).all()
    assert np.isfinite(alone[[0, 1, 3, 6, 8]]).all()
    for lanes in range(1, 10):
        assert value(theta[:, :lanes]).tobytes() == alone[:lanes].tobytes()
        assert value(theta[:, 9 - lanes :]).tobytes() == alone[9 - lanes :].tobytes()


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
@pytest.mark.parametrize(("samples", "dim"), [(1, 1), (1, 6), (6, 1), (2, 2), (5, 17)])
def test_it_is_the_largest_eigenvalue_where_parameters_vanish(
    name: str, network: Network, samples: int, dim: int
) -> None:
    """At θ = 0, where a deep network is flat and another has a saddle, and where some parts alone are zero."""
    data = small_problem(3, samples=samples, dimension=dim)
    theta = parameters(network, 2, 4, dim)
    theta[:, 0], theta[0, 1], theta[1, 2], theta[:, 3, dim // 2 :] = 0.0, 0.0, 0.0, 0.0
    agrees(name, data, network, theta)
    if network.degree > 2:
        assert sharpness(name, data.X, data.y, network)(theta)[0] == 0


@compiled
def test_data_of_zeros_and_targets_of_zeros_are_flat(name: str) -> None:
    """No eigenvalue is below 0 and none is above."""
    zeros = Dataset(X=np.zeros((3, 5)), y=np.ones(3))
    assert sharpness(name, zeros.X, zeros.y, Diagonal(2))(np.ones((2, 1, 5))).tolist() == [0.0]
    data = small_problem(0, samples=3, dimension=5)
    assert sharpness(name, data.X, np.zeros(3), UV())(np.zeros((4, 1, 5))).tolist() == [0.0]


@compiled
def test_equal_eigenvalues_are_found(name: str) -> None:
    """With X a multiple of the identity every coordinate has the same Hessian of 2 × 2."""
    data = Dataset(X=3 * np.eye(20), y=np.ones(20))
    for network in (Diagonal(2), Diagonal(3)):
        agrees(name, data, network, np.full((2, 1, 20), 0.3))


@compiled
def test_the_largest_eigenvalue_may_be_one_of_the_diagonal(name: str) -> None:
    """One coordinate that no other sample sees, at a parameter of zero, with by far the largest gradient."""
    X = np.zeros((4, 6))
    X[:3, :5], X[3, 5] = np.random.default_rng(0).standard_normal((3, 5)), 1.0
    data = Dataset(X=X, y=np.array([0.0, 0.0, 0.0, 100.0]))
    theta = np.full((2, 1, 6), 0.1)
    theta[:, 0, 5] = 0.0
    (found,) = sharpness(name, data.X, data.y, Diagonal(2))(theta)
    assert found == pytest.approx(2 * 100 / 4, rel=1e-9)
    agrees(name, data, Diagonal(2), theta)


@compiled
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
def test_a_coordinate_that_is_an_eigenvector_by_itself_hides_no_larger_eigenvalue(name: str, network: Network) -> None:
    """Parameters that have vanished, or nearly, where the gradient is largest: their b is nearly the largest."""
    rng = np.random.default_rng(8)
    for vanished in (0.0, 1e-9, 1e-7):
        X, y = rng.standard_normal((43, 51)), rng.standard_normal(43)
        theta = 0.3 * rng.uniform(0.1, 1, (len(network.parts), 12, 51))
        for run in range(12):
            gradient = X.T @ (X @ network.predictor(theta[:, run]) - y)
            theta[:, run, np.argsort(-np.abs(gradient))[: 1 + run % 3]] *= vanished
        agrees(name, Dataset(X=X, y=y), network, theta)


@pytest.mark.skipif(len(FUSING) < 2, reason="there are no two to compare")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.key)
def test_all_instruction_sets_that_fuse_give_the_same_bits(network: Network) -> None:
    """Sums are made in eight parts, however wide the vectors are."""
    data = paper_problem()
    theta = parameters(network, 6, 9, 100)
    assert len({sharpness(name, data.X, data.y, network)(theta).tobytes() for name in FUSING}) == 1
