"""The flattest interpolator and its bounds."""

from fractions import Fraction
from operator import mul

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset
from core.errors import NoInterpolator
from core.interpolators.flattest import Flattest, _Found, _proven_bound, flattest_interpolator
from core.interpolators.least_norm import least_stability_measure, least_trace, min_l1, min_l2
from core.interpolators.power_law import EPSILON, tangent_weight_law
from core.networks.network import UV, Diagonal, Network
from core.stability.max_stable_step import max_stable_step
from tests.core.problems import paper_problem, rounding_of, small_problem, small_problems
from tests.reference.null_space_search import largest_eigenvalue, least_over_interpolators

NETWORKS: tuple[Network, ...] = (Diagonal(2), Diagonal(3), Diagonal(4), Diagonal(5), UV())


def networks() -> st.SearchStrategy[Network]:
    """Any of them."""
    return st.sampled_from(NETWORKS)


def sharpness_of(data: Dataset, network: Network, predictor: np.ndarray) -> float:
    """λ_max at the flattest parameters θ ≥ 0 of an interpolator."""
    return largest_eigenvalue(data.X, network.least_tangent_weights(predictor))


@pytest.mark.parametrize(
    ("network", "least", "digits"),
    [
        (Diagonal(2), 250.1726, 0.0079945),
        (Diagonal(3), 374.1943, 0.0053448),
        (Diagonal(4), 508.5725, 0.0039326),
        (Diagonal(6), 841.3083, None),
        (UV(), 125.0863, None),
    ],
)
def test_the_default_data_set_has_the_known_least_sharpness(network: Network, least: float, digits: float) -> None:
    """As measured independently by cutting planes and fixed points, between bounds a millionth apart."""
    data = paper_problem()
    found = flattest_interpolator(data.X, data.y, network)
    assert found.sharpness_upper == pytest.approx(least, abs=6e-5)
    assert 0 <= found.gap <= 1e-6
    assert found.residual < 1e-12
    assert max_stable_step(found.sharpness_upper) <= 2 / found.sharpness_lower
    if digits is not None:
        assert max_stable_step(found.sharpness_upper) == pytest.approx(digits, abs=6e-8)


@pytest.mark.parametrize("mean", [0.0, 1.0])
@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), Diagonal(4), Diagonal(20)])
def test_data_near_the_origin_leave_no_gap(mean: float, network: Network) -> None:
    """Centred data too, whose flattest interpolator has several top eigenvalues that agree."""
    data = paper_problem(mean=mean)
    found = flattest_interpolator(data.X, data.y, network)
    assert 0 <= found.gap <= 1e-6
    tangent_weights = network.least_tangent_weights(found.predictor)
    spectrum = np.linalg.eigvalsh((data.X * tangent_weights) @ data.X.T / len(data.y))
    assert mean > 0 or (spectrum > (1 - 1e-5) * spectrum[-1]).sum() > 1


@settings(max_examples=30)
@given(data=small_problems(), network=networks(), seed=st.integers(0, 1000))
def test_no_interpolator_is_flatter_than_the_lower_bound(data: Dataset, network: Network, seed: int) -> None:
    """Not the reference ones, not random ones, not the one it was computed with."""
    found = flattest_interpolator(data.X, data.y, network)
    null_space = np.linalg.svd(data.X)[2][len(data.X) :]
    rng = np.random.default_rng(seed)
    others = [solve(data.X, data.y).predictor for solve in (min_l1, min_l2)]
    others += [solve(data.X, data.y, network).predictor for solve in (least_trace, least_stability_measure)]
    others += [
        found.predictor + scale * rng.standard_normal(len(null_space)) @ null_space for scale in (1e-6, 0.01, 1.0)
    ]
    for other in [*others, found.predictor]:
        assert sharpness_of(data, network, other) >= found.sharpness_lower * (1 - 1e-12)
        assert sharpness_of(data, network, other) >= found.sharpness_upper * (1 - found.gap - 1e-12)


@settings(max_examples=30)
@given(data=small_problems(), network=networks())
def test_the_upper_bound_is_the_sharpness_of_the_interpolator_returned(data: Dataset, network: Network) -> None:
    """And the two bounds are a millionth apart at most."""
    found = flattest_interpolator(data.X, data.y, network)
    assert found.residual < rounding_of(data, found.predictor)
    assert sharpness_of(data, network, found.predictor) == pytest.approx(found.sharpness_upper, rel=1e-11)
    assert 0 <= found.gap < 1e-6


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3), Diagonal(4), Diagonal(7), UV()])
@pytest.mark.parametrize(("samples", "dimension"), [(1, 2), (2, 3), (4, 5), (1, 3), (2, 4)])
def test_a_search_through_the_null_space_finds_nothing_flatter(network: Network, samples: int, dimension: int) -> None:
    """Golden sections of a convex function, which know nothing of duality."""
    data = small_problem(samples + dimension, samples=samples, dimension=dimension, mean=0.5)
    expected = least_over_interpolators(data.X, data.y, lambda beta: sharpness_of(data, network, beta))
    found = flattest_interpolator(data.X, data.y, network)
    assert found.sharpness_upper == pytest.approx(expected, rel=1e-6)
    assert found.sharpness_lower <= expected * (1 + 1e-12)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("mean", [0.0, 5.0])
def test_least_measure_and_least_trace_enclose_the_least_sharpness(network: Network, mean: float) -> None:
    """Lemma D.2 of Nacson et al. 2022, for every network."""
    data = paper_problem(mean=mean, seed=1)
    found = flattest_interpolator(data.X, data.y, network)
    assert least_stability_measure(data.X, data.y, network).lower_bound <= found.sharpness_upper
    assert found.sharpness_lower <= least_trace(data.X, data.y, network).objective


def test_the_flattest_interpolator_is_nearly_the_sparsest_off_centre() -> None:
    """Lemma 5.1 of Nacson et al. 2022: ‖β‖₁ ≤ 1.1(1 + σ²/μ²)·min‖β‖₁."""
    data = paper_problem()
    found, sparsest = flattest_interpolator(data.X, data.y, Diagonal(2)), min_l1(data.X, data.y)
    assert np.abs(found.predictor).sum() <= 1.1 * (1 + 5 / 25) * sparsest.objective


@settings(max_examples=30)
@given(data=small_problems())
def test_layers_side_by_side_are_half_as_sharp_as_one_squared(data: Dataset) -> None:
    """UV against the squared model."""
    squared = flattest_interpolator(data.X, data.y, Diagonal(2))
    layers = flattest_interpolator(data.X, data.y, UV())
    assert layers.sharpness_upper == pytest.approx(squared.sharpness_upper / 2, rel=1e-12)
    assert layers.sharpness_lower == pytest.approx(squared.sharpness_lower / 2, rel=1e-12)


@settings(max_examples=30)
@given(
    network=networks(),
    seed=st.integers(0, 1000),
    X_factor=st.sampled_from([1e-6, 3.0]),
    y_factor=st.sampled_from([0.1, 1e6]),
)
def test_least_sharpness_follows_permutation_sign_and_scale(
    network: Network, seed: int, X_factor: float, y_factor: float
) -> None:
    """Symmetries leave it within the gaps; y·e multiplies λ by e^p, and X·c, by which β shrinks, by c^(2−p)."""
    data = small_problem(seed, mean=5.0)
    rng = np.random.default_rng(seed)
    signs, columns, rows = rng.choice([-1.0, 1.0], size=7), rng.permutation(7), rng.permutation(3)
    power = float(Fraction(2 * (network.degree - 1), network.degree))
    found = flattest_interpolator(data.X, data.y, network)
    shuffled = flattest_interpolator((signs * data.X)[np.ix_(rows, columns)], data.y[rows], network)
    scaled = flattest_interpolator(X_factor * data.X, y_factor * data.y, network)
    slack = found.gap + shuffled.gap + scaled.gap + 1e-10
    assert shuffled.sharpness_upper == pytest.approx(found.sharpness_upper, rel=slack)
    expected = found.sharpness_upper * y_factor**power * X_factor ** (2 - power)
    assert scaled.sharpness_upper == pytest.approx(expected, rel=slack)


@pytest.mark.parametrize("depth", [3, 5, 7])
def test_at_odd_depth_parameters_of_any_sign_halve_each_entry(depth: int) -> None:
    """u₊^D = β/2 = −u₋^D has the sign-free sharpness, whose bound no interpolating parameters found by chance beat."""
    data, network = small_problem(3), Diagonal(depth)
    found = flattest_interpolator(data.X, data.y, network)
    root = np.sign(found.predictor) * np.abs(found.predictor / 2) ** (1 / depth)
    theta = np.stack([root, -root])
    np.testing.assert_allclose(network.predictor(theta), found.predictor, rtol=1e-12)
    assert largest_eigenvalue(data.X, network.tangent_weights(theta)) == pytest.approx(found.sign_free_upper, rel=1e-11)
    assert found.sign_free_lower <= found.sign_free_upper < found.sharpness_lower
    for seed in range(50):
        bent = np.random.default_rng(seed).normal(size=(2, 7))
        fitted = _interpolating(data, network, bent)
        assert largest_eigenvalue(data.X, network.tangent_weights(fitted)) >= found.sign_free_lower


def _interpolating(data: Dataset, network: Network, theta: np.ndarray) -> np.ndarray:
    """Parameters with the same second part whose predictor interpolates."""
    wanted = np.linalg.lstsq(data.X, data.y - data.X @ network.predictor(theta))[0] + network.predictor(theta)
    first = wanted + theta[1] ** network.degree
    return np.stack([np.sign(first) * np.abs(first) ** (1 / network.degree), theta[1]])


@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(4), UV()])
def test_elsewhere_the_sign_of_parameters_makes_no_difference(network: Network) -> None:
    """An even power and a product reach either sign at the same tangent weights."""
    data = small_problem(3)
    found = flattest_interpolator(data.X, data.y, network)
    assert (found.sign_free_upper, found.sign_free_lower) == (found.sharpness_upper, found.sharpness_lower)


@pytest.mark.parametrize("network", NETWORKS)
def test_one_sample_is_solved_by_hoelders_inequality(network: Network) -> None:
    """λ = κΣx_i²|β_i|^p is least at κ|y|^p/(Σ|x_i|^(2−q))^(p/q), and at κ|y|·min|x_i| for p = 1."""
    x, target = np.array([1.0, -3.0, 2.0]), 6.0
    power = 2 * (network.degree - 1) / network.degree
    coefficient = network.least_tangent_weights(np.ones(1))[0]
    if power == 1:
        expected = coefficient * target * np.abs(x).min()
    else:
        conjugate = power / (power - 1)
        expected = coefficient * target**power / (np.abs(x) ** (2 - conjugate)).sum() ** (power / conjugate)
    found = flattest_interpolator(x[None], np.array([target]), network)
    assert found.sharpness_upper == pytest.approx(expected, rel=1e-7)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), samples=st.integers(1, 8), rank=st.integers(1, 8), dim=st.integers(1, 3))
def test_the_proof_of_the_lower_bound_survives_its_rounding(seed: int, samples: int, rank: int, dim: int) -> None:
    """At p = 1 in exact arithmetic: yᵀν over the largest |x_iᵀν|/w_i with w_i = κ/N·x_iᵀLLᵀx_i/‖L‖², never more."""
    rng = np.random.default_rng(seed)
    X, L, dual = rng.uniform(1, 2, (samples, dim)), rng.uniform(1, 2, (samples, rank)), rng.uniform(1, 2, samples)
    y = rng.uniform(1, 2, samples)
    found = _Found(predictor=np.zeros(dim), factor=L, dual=dual, iterations=1)
    bound = Fraction(_proven_bound(X, y, tangent_weight_law(Diagonal(2)), found))
    rows = [[Fraction(entry) for entry in column] for column in X.T.tolist()]
    factors = [[Fraction(entry) for entry in column] for column in L.T.tolist()]
    nu = [Fraction(entry) for entry in dual.tolist()]
    size = sum(entry**2 for column in factors for entry in column)
    ratios = [
        abs(_dot(x, nu)) / (Fraction(4, samples) * sum(_dot(x, column) ** 2 for column in factors) / size) for x in rows
    ]
    exact = _dot([Fraction(entry) for entry in y.tolist()], nu) / max(ratios)
    assert exact * (1 - Fraction(1, 10**12)) < bound <= exact * (1 - 2 * L.size * Fraction(EPSILON))


def _dot(left: list[Fraction], right: list[Fraction]) -> Fraction:
    return sum(map(mul, left, right), Fraction(0))


@pytest.mark.parametrize("depth", [2, 3, 4, 8])
def test_doubled_coordinates_share_each_target(depth: int) -> None:
    """X = (I, I): each pair halves y_i, the largest |y_i| decides, and two of them tie."""
    y = np.array([3.0, -1.0, 0.0, -3.0])
    power = 2 * (depth - 1) / depth
    found = flattest_interpolator(np.hstack([np.eye(4), np.eye(4)]), y, Diagonal(depth))
    assert found.sharpness_upper == pytest.approx(depth**2 * 3**power * 2 ** (1 - power) / 4, rel=1e-7)
    assert found.gap < 1e-7


def degenerate_problems() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Consistent data of every kind that might break an algorithm."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, 6))
    gaps = X * np.array([1, 0, 1, 0, 1, 1])
    tall = rng.standard_normal((9, 4))
    low_rank = rng.standard_normal((5, 2)) @ rng.standard_normal((2, 8))
    signs = rng.integers(-1, 2, (5, 9)).astype(float)
    return {
        "y = 0": (X, np.zeros(4)),
        "X = 0 and y = 0": (np.zeros((2, 3)), np.zeros(2)),
        "one sample": (X[:1], np.ones(1)),
        "columns of zeros": (gaps, gaps @ np.ones(6)),
        "repeated samples": (np.vstack([X, X]), np.tile(X @ np.arange(6.0), 2)),
        "repeated columns": (np.hstack([X, X]), np.arange(4.0)),
        "more samples than dimensions": (tall, tall @ np.ones(4)),
        "as many samples as dimensions": (X[:, :4], np.arange(4.0)),
        "identity and one target": (np.eye(4), np.eye(4)[0]),
        "low rank": (low_rank, low_rank @ np.ones(8)),
        "whole numbers": (signs, signs @ np.ones(9)),
        "centred columns": (X - X.mean(axis=0), (X - X.mean(axis=0)) @ np.ones(6)),
        "columns in units of their own": (X * 10.0 ** np.arange(-4, 8, 2), np.arange(4.0)),
        "far off centre": (X + 1e6, np.arange(4.0)),
        "tiny numbers": (1e-80 * X, 1e-80 * np.arange(4.0)),
        "huge numbers": (1e80 * X, 1e80 * np.arange(4.0)),
        "many dimensions": (rng.standard_normal((3, 400)), np.arange(3.0)),
    }


@pytest.mark.parametrize("kind", degenerate_problems())
@pytest.mark.parametrize("network", NETWORKS)
def test_degenerate_data_are_solved_like_others(kind: str, network: Network) -> None:
    """Finite predictors that interpolate, and bounds in order, a millionth apart."""
    X, y = degenerate_problems()[kind]
    found = flattest_interpolator(X, y, network)
    assert np.isfinite(found.predictor).all()
    assert found.residual < 1e-9
    assert 0 <= found.sharpness_lower <= found.sharpness_upper
    assert found.gap < 1e-6


@pytest.mark.parametrize("depth", [20, 1001, 10**6])
def test_great_depth_is_a_weighted_square(depth: int) -> None:
    """With p near 2, λ/D² is nearly the least λ_max of (1/N)X diag(β²)Xᵀ."""
    data = small_problem(1, samples=2, dimension=3)
    found = flattest_interpolator(data.X, data.y, Diagonal(depth))
    limit = least_over_interpolators(data.X, data.y, lambda beta: largest_eigenvalue(data.X, beta**2))
    assert found.gap < 1e-6
    assert found.sharpness_upper / depth**2 == pytest.approx(limit, rel=20 / depth + 1e-6)


def test_targets_of_zero_allow_every_step_size() -> None:
    """β = 0 has sharpness 0."""
    found = flattest_interpolator(small_problem(0).X, np.zeros(3), Diagonal(3))
    assert (found.sharpness_upper, found.sharpness_lower, found.gap) == (0, 0, 0)
    assert max_stable_step(found.sharpness_upper) == float("inf")


@pytest.mark.parametrize("X", [np.random.default_rng(0).standard_normal((9, 4)), np.zeros((9, 12))])
def test_data_without_interpolator_are_a_typed_error(X: np.ndarray) -> None:
    """Nothing is flattest among none."""
    with pytest.raises(NoInterpolator):
        flattest_interpolator(X, np.arange(9.0), Diagonal(2))


def test_a_method_that_fails_at_once_leaves_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least ℓ2 interpolator bounds from above, 0 from below, and the gap says that nothing is known."""

    def fails(_: object) -> None:
        raise np.linalg.LinAlgError("gave up")

    monkeypatch.setattr("core.interpolators.flattest.optimum_of", fails)
    data = small_problem(0)
    found = flattest_interpolator(data.X, data.y, Diagonal(2))
    assert isinstance(found, Flattest)
    assert data.X @ found.predictor == pytest.approx(data.y, rel=1e-12)
    assert (found.sharpness_lower, found.gap, found.iterations) == (0, 1, 0)


@pytest.mark.parametrize("iterations", [0, 1, 3, 6])
@pytest.mark.parametrize("network", [Diagonal(2), Diagonal(3)])
def test_a_method_that_is_stopped_early_leaves_bounds(
    network: Network, iterations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it has reached by then encloses the least sharpness."""
    data = small_problem(0, mean=0.0)
    whole = flattest_interpolator(data.X, data.y, network)
    monkeypatch.setattr("core.interpolators.interior_point.MAX_ITERATIONS", iterations)
    early = flattest_interpolator(data.X, data.y, network)
    assert early.iterations == iterations
    assert early.sharpness_lower <= whole.sharpness_upper
    assert whole.sharpness_lower <= early.sharpness_upper
    assert early.gap > 1e-6
