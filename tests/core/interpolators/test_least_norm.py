"""Reference interpolators and their certificates."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import null_space

from core.data.regression import Dataset, excess_risk
from core.errors import NoInterpolator, SolverFailure
from core.interpolators.least_norm import (
    Interpolator,
    least_parameter_norm,
    least_stability_measure,
    least_trace,
    min_l1,
    min_l2,
)
from core.networks.network import UV, Diagonal, Network
from tests.core.problems import paper_problem, rounding_of, small_problem, small_problems
from tests.reference.null_space_search import least_over_interpolators
from tests.reference.vertices import least_weighted_l1

Solve = Callable[[np.ndarray, np.ndarray], Interpolator]
NETWORKS: tuple[Network, ...] = (Diagonal(2), Diagonal(3), Diagonal(4), Diagonal(9), UV())


def solvers(network: Network) -> Sequence[Solve]:
    """All four, the last two of a network."""
    return min_l1, min_l2, partial(least_trace, network=network), partial(least_stability_measure, network=network)


def networks() -> st.SearchStrategy[Network]:
    """Any of them."""
    return st.sampled_from(NETWORKS)


def objectives(data: Dataset, network: Network, predictor: np.ndarray) -> list[float]:
    """What each of the four minimises, from its definition, in the order of `solvers`."""
    mean_square, square_mean = (data.X**2).mean(axis=0), data.X.mean(axis=0) ** 2
    size, tangent_weights = np.abs(predictor), network.least_tangent_weights(predictor)
    return [
        size.sum(),
        float(np.sqrt((size**2).sum())),
        (mean_square * tangent_weights).sum(),
        (square_mean * tangent_weights).sum(),
    ]


def _objective(data: Dataset, network: Network, which: int, predictor: np.ndarray) -> float:
    return objectives(data, network, predictor)[which]


@settings(max_examples=30)
@given(data=small_problems(), network=networks())
def test_certificates_prove_each_interpolator_least(data: Dataset, network: Network) -> None:
    """It interpolates, its objective is what it says, and the lower bound meets it."""
    for solve, objective in zip(solvers(network), range(4), strict=True):
        found = solve(data.X, data.y)
        assert found.residual < rounding_of(data, found.predictor)
        assert found.objective == pytest.approx(objectives(data, network, found.predictor)[objective], rel=1e-12)
        assert -1e-12 * found.objective <= found.gap <= 1e-7 * found.objective


@settings(max_examples=30)
@given(data=small_problems(), network=networks(), seed=st.integers(0, 1000))
def test_no_interpolator_lies_under_a_lower_bound(data: Dataset, network: Network, seed: int) -> None:
    """Random interpolators, near and far, never beat a certificate."""
    rng = np.random.default_rng(seed)
    directions = null_space(data.X).T
    for which, solve in enumerate(solvers(network)):
        found = solve(data.X, data.y)
        for scale in (1e-6, 0.1, 10):
            other = found.predictor + scale * rng.standard_normal(len(directions)) @ directions
            assert objectives(data, network, other)[which] >= found.lower_bound * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_linear_programmes_equal_the_search_over_all_vertices(seed: int) -> None:
    """Every choice of three columns of seven, for the three weightings."""
    data = small_problem(seed)
    for solve, weights in (
        (min_l1, np.ones(7)),
        (partial(least_trace, network=Diagonal(2)), 4 * np.square(data.X).mean(axis=0)),
        (partial(least_stability_measure, network=Diagonal(2)), 4 * np.square(data.X.mean(axis=0))),
    ):
        expected = least_weighted_l1(data.X, data.y, weights)
        assert solve(data.X, data.y).objective == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("samples", "dimension"), [(2, 3), (1, 3), (3, 5)])
def test_a_search_through_the_null_space_finds_no_less(network: Network, samples: int, dimension: int) -> None:
    """Golden sections of the two objectives of every network."""
    data = small_problem(dimension, samples=samples, dimension=dimension)
    for which, solve in enumerate(solvers(network)):
        function = partial(_objective, data, network, which)
        expected = least_over_interpolators(data.X, data.y, function)
        assert solve(data.X, data.y).objective == pytest.approx(expected, rel=1e-8)


@settings(max_examples=30)
@given(data=small_problems(), network=st.sampled_from(NETWORKS[1:4]))
def test_beyond_depth_two_the_slope_of_the_objective_is_in_the_row_space(data: Dataset, network: Network) -> None:
    """The condition that makes β least where the objective is smooth: no direction of the null space goes down."""
    power = 2 * (network.degree - 1) / network.degree
    weights = (data.X**2).mean(axis=0), data.X.mean(axis=0) ** 2
    for weight, solve in zip(weights, solvers(network)[2:], strict=True):
        predictor = solve(data.X, data.y).predictor
        slope = weight * np.sign(predictor) * np.abs(predictor) ** (power - 1)
        assert np.abs(null_space(data.X).T @ slope).max() <= 1e-7 * np.abs(slope).max()


def test_least_l2_is_the_pseudo_inverse() -> None:
    """Against NumPy's."""
    data = small_problem(0)
    np.testing.assert_allclose(min_l2(data.X, data.y).predictor, np.linalg.pinv(data.X) @ data.y, rtol=1e-12)


def test_the_default_data_set_has_the_known_baselines() -> None:
    """Excess risks .0079 (ℓ1) and 1.30 (ℓ2), the dashed lines of the paper's first figure for this draw."""
    data = paper_problem()
    sparse, dense = min_l1(data.X, data.y), min_l2(data.X, data.y)
    assert excess_risk(sparse.predictor, data) == pytest.approx(0.0079, abs=5e-5)
    assert excess_risk(dense.predictor, data) == pytest.approx(1.30, abs=5e-3)
    assert np.count_nonzero(sparse.predictor) == 50
    assert sparse.residual < 1e-14
    assert sparse.gap < 1e-12 * sparse.objective


@pytest.mark.parametrize("mean", [0.0, 5.0])
@pytest.mark.parametrize("network", NETWORKS)
def test_certificates_are_tight_on_the_default_data_set(network: Network, mean: float) -> None:
    """At either mean; where columns have means near zero, the rounding charged to the bound is large beside them."""
    data = paper_problem(mean=mean)
    for solve in solvers(network):
        found = solve(data.X, data.y)
        assert found.gap <= (1e-6 if mean == 0 else 1e-11) * found.objective


@settings(max_examples=20)
@given(data=small_problems(), network=networks(), seed=st.integers(0, 1000), factor=st.sampled_from([1e-8, 3.0, 1e8]))
def test_objectives_follow_permutation_sign_and_scale(
    data: Dataset, network: Network, seed: int, factor: float
) -> None:
    """Shuffled samples and coordinates and turned columns change no objective; y·c multiplies it by c, or c^p."""
    rng = np.random.default_rng(seed)
    samples, dim = data.X.shape
    signs = rng.choice([-1.0, 1.0], size=dim)
    rows, columns = rng.permutation(samples), rng.permutation(dim)
    power = 2 * (network.degree - 1) / network.degree
    for solve, exponent in zip(solvers(network), (1, 1, power, power), strict=True):
        expected = solve(data.X, data.y).objective
        shuffled = solve((signs * data.X)[np.ix_(rows, columns)], data.y[rows])
        assert shuffled.objective == pytest.approx(expected, rel=1e-8)
        assert solve(data.X, factor * data.y).objective == pytest.approx(factor**exponent * expected, rel=1e-8)


@pytest.mark.parametrize("network", NETWORKS)
def test_columns_in_units_of_their_own_are_solved_like_others(network: Network) -> None:
    """Ten orders of magnitude apart, and one of zeros."""
    data = small_problem(0, samples=4, dimension=7)
    X = data.X * np.array([1e-4, 1e-2, 0, 1, 1e2, 1e4, 1e6])
    for solve in solvers(network)[2:]:
        found = solve(X, data.y)
        assert found.predictor[2] == 0
        assert found.residual < 1e-10
        assert found.gap <= 1e-6 * found.objective


@pytest.mark.parametrize("network", NETWORKS)
def test_targets_of_zero_are_interpolated_by_zero(network: Network) -> None:
    """With certificate 0, not with NaN."""
    for solve in solvers(network):
        found = solve(small_problem(0).X, np.zeros(3))
        assert not found.predictor.any()
        assert (found.objective, found.lower_bound, found.residual) == (0, 0, 0)


def test_a_newton_step_that_fails_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an analysis can say what it could not compute."""

    def fails(*_: object) -> None:
        raise np.linalg.LinAlgError("not positive definite")

    monkeypatch.setattr("core.interpolators.power_sum.least_multipliers", fails)
    with pytest.raises(SolverFailure, match="not positive definite"):
        least_trace(small_problem(0).X, np.ones(3), Diagonal(3))


@pytest.mark.parametrize("network", NETWORKS)
def test_more_samples_than_dimensions_are_a_typed_error(network: Network) -> None:
    """So that an analysis can go on without interpolators."""
    data = small_problem(0, samples=9, dimension=4)
    for solve in solvers(network):
        with pytest.raises(NoInterpolator):
            solve(data.X, data.y)


def test_centred_data_have_a_least_trace_but_a_vanishing_stability_measure() -> None:
    """Where every column has mean zero the measure prices nothing."""
    X = np.array([[1.0, -1.0, 2.0], [-1.0, 1.0, -2.0]])
    y = np.array([1.0, -1.0])
    for network in NETWORKS:
        found = least_stability_measure(X, y, network)
        assert (found.objective, found.lower_bound) == (0, 0)
    # by the first column at 4·1·1; the third asks 4·4·½
    assert least_trace(X, y, Diagonal(2)).objective == pytest.approx(4, rel=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_centred_coordinate_is_free_of_charge(network: Network) -> None:
    """The others pay for what it cannot reach, and no more; the bound claims nothing."""
    data = small_problem(2, samples=3, dimension=5)
    X = data.X.copy()
    X[:, 1] = [1.0, 0.5, -1.5]
    expected = least_over_interpolators(X, data.y, partial(_objective, Dataset(X=X, y=data.y), network, 3))
    found = least_stability_measure(X, data.y, network)
    assert found.objective == pytest.approx(expected, rel=1e-7)
    assert found.residual < 1e-12
    assert 0 <= found.lower_bound <= found.objective


@pytest.mark.parametrize("network", NETWORKS)
def test_free_coordinates_that_reach_everything_make_the_measure_vanish(network: Network) -> None:
    """A target in the span of the centred columns."""
    data = small_problem(2, samples=3, dimension=5)
    X = data.X.copy()
    X[:, 1], X[:, 3] = [1.0, 0.5, -1.5], [0.25, 0.25, -0.5]
    found = least_stability_measure(X, X[:, 1] - 2 * X[:, 3], network)
    assert found.objective == pytest.approx(0, abs=1e-12)
    assert found.residual < 1e-12


@pytest.mark.parametrize("depth", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_the_least_parameter_norm_is_a_vertex_and_a_local_minimum(depth: int, seed: int) -> None:
    """No step along the interpolators is downhill; it is no worse than least ℓ1, nor better than the best vertex."""
    data, power = small_problem(seed), 2 / depth
    found = least_parameter_norm(data.X, data.y, depth)
    support = np.flatnonzero(found.predictor)
    assert np.linalg.matrix_rank(data.X[:, support]) == len(support)
    assert found.residual < rounding_of(data, found.predictor)
    vertices = [np.linalg.solve(data.X[:, kept], data.y) for kept in map(list, combinations(range(7), 3))]
    best = min(float((np.abs(vertex) ** power).sum()) for vertex in vertices)
    convex = float((np.abs(min_l1(data.X, data.y).predictor) ** power).sum())
    assert best * (1 - 1e-9) <= found.objective <= convex * (1 + 1e-9)
    assert found.objective == pytest.approx(float((np.abs(found.predictor) ** power).sum()), rel=1e-12)
    directions = np.random.default_rng(seed).standard_normal((200, 4)) @ null_space(data.X).T
    for moved in found.predictor + 1e-6 * directions:
        assert (np.abs(moved) ** power).sum() > found.objective
