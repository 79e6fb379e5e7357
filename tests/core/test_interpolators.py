"""Reference interpolators and their certificates."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bounds import stability_weights, trace_weights
from core.errors import NoInterpolator
from core.interpolators import Interpolator, least_stability_measure, least_trace, min_l1, min_l2, weighted_l1_bound
from core.regression import Dataset, excess_risk
from tests.core.problems import paper_problem, rounding_of, small_problem, small_problems
from tests.reference.vertices import least_weighted_l1

Solve = Callable[[np.ndarray, np.ndarray], Interpolator]
ALL: tuple[Solve, ...] = (min_l1, min_l2, least_trace, least_stability_measure)


def objectives(data: Dataset, predictor: np.ndarray) -> list[float]:
    """What each of the four minimises, from its definition, in the order of `ALL`."""
    mean_square = 4 * (data.X**2).mean(axis=0)
    square_mean = 4 * data.X.mean(axis=0) ** 2
    size = np.abs(predictor)
    return [size.sum(), float(np.sqrt((size**2).sum())), (mean_square * size).sum(), (square_mean * size).sum()]


@settings(max_examples=25, deadline=None)
@given(data=small_problems())
def test_certificates_prove_each_interpolator_least(data: Dataset) -> None:
    """It interpolates, its objective is what it says, and the lower bound meets it."""
    for solve, objective in zip(ALL, range(4), strict=True):
        found = solve(data.X, data.y)
        assert found.residual < rounding_of(data, found.predictor)
        assert found.objective == pytest.approx(objectives(data, found.predictor)[objective], rel=1e-12)
        assert -1e-12 * found.objective <= found.gap <= 1e-7 * found.objective


@settings(max_examples=25, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_no_interpolator_lies_under_a_lower_bound(data: Dataset, seed: int) -> None:
    """Random interpolators, near and far, never beat a certificate."""
    rng = np.random.default_rng(seed)
    null_space = np.linalg.svd(data.X)[2][len(data.X) :]
    for which, solve in enumerate(ALL):
        found = solve(data.X, data.y)
        for scale in (1e-6, 0.1, 10):
            other = found.predictor + scale * rng.standard_normal(len(null_space)) @ null_space
            assert objectives(data, other)[which] >= found.lower_bound * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_linear_programmes_equal_the_search_over_all_vertices(seed: int) -> None:
    """Every choice of three columns of seven, for the three weightings."""
    data = small_problem(seed)
    for solve, weights in (
        (min_l1, np.ones(7)),
        (least_trace, trace_weights(data.X)),
        (least_stability_measure, stability_weights(data.X)),
    ):
        expected = least_weighted_l1(data.X, data.y, weights)
        assert solve(data.X, data.y).objective == pytest.approx(expected, rel=1e-10)


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


@settings(max_examples=25, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000), factor=st.sampled_from([1e-8, 3.0, 1e8]))
def test_objectives_follow_permutation_sign_and_scale(data: Dataset, seed: int, factor: float) -> None:
    """Shuffled samples and coordinates and turned columns change no objective; y·c multiplies it by c."""
    rng = np.random.default_rng(seed)
    samples, dim = data.X.shape
    signs = rng.choice([-1.0, 1.0], size=dim)
    rows, columns = rng.permutation(samples), rng.permutation(dim)
    for solve in ALL:
        expected = solve(data.X, data.y).objective
        shuffled = solve((signs * data.X)[np.ix_(rows, columns)], data.y[rows])
        assert shuffled.objective == pytest.approx(expected, rel=1e-8)
        assert solve(data.X, factor * data.y).objective == pytest.approx(factor * expected, rel=1e-8)


def test_a_wrong_dual_still_gives_a_true_bound() -> None:
    """Any ν is made feasible; one that meets a free coordinate proves nothing but 0."""
    data = small_problem(0)
    weights = np.ones(7)
    least = least_weighted_l1(data.X, data.y, weights)
    for seed in range(50):
        dual = 100 * np.random.default_rng(seed).standard_normal(3)
        assert 0 <= weighted_l1_bound(data.X, data.y, weights, dual) <= least
    weights[0] = 0
    assert weighted_l1_bound(data.X, data.y, weights, dual) == 0


@pytest.mark.parametrize("solve", ALL)
def test_targets_of_zero_are_interpolated_by_zero(solve: Solve) -> None:
    """With certificate 0, not with NaN."""
    found = solve(small_problem(0).X, np.zeros(3))
    assert not found.predictor.any()
    assert (found.objective, found.lower_bound, found.residual) == (0, 0, 0)


@pytest.mark.parametrize("solve", ALL)
def test_more_samples_than_dimensions_are_a_typed_error(solve: Solve) -> None:
    """So that an analysis can go on without interpolators."""
    data = small_problem(0, samples=9, dimension=4)
    with pytest.raises(NoInterpolator):
        solve(data.X, data.y)


def test_centred_data_have_a_least_trace_but_a_vanishing_stability_measure() -> None:
    """Where every column has mean zero the measure prices nothing."""
    X = np.array([[1.0, -1.0, 2.0], [-1.0, 1.0, -2.0]])
    y = np.array([1.0, -1.0])
    assert least_stability_measure(X, y).objective == 0
    assert least_trace(X, y).objective == pytest.approx(
        4, rel=1e-12
    )  # by the first column at 4·1·1; the third asks 4·4·½
