"""The flattest interpolator and its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NoInterpolator, SolverFailure
from core.flattest import flattest_interpolator
from core.interpolators import least_stability_measure, least_trace, min_l1, min_l2
from core.regression import Dataset
from core.sharpness import interpolator_sharpness
from tests.core.problems import paper_problem, rounding_of, small_problem, small_problems


def sharpness_of(data: Dataset, predictor: np.ndarray) -> float:
    """λ_max at the flattest parameters of an interpolator: u₊² and u₋² its positive and negative parts."""
    root = np.sqrt(np.abs(predictor))
    return interpolator_sharpness(data.X, np.where(predictor > 0, root, 0), np.where(predictor < 0, root, 0)).value


def test_the_default_data_set_has_the_known_least_sharpness() -> None:
    """250.1726, as measured independently, between bounds a millionth apart; 2/λ = .0079945."""
    data = paper_problem()
    found = flattest_interpolator(data.X, data.y)
    assert found.sharpness_upper == pytest.approx(250.1726, abs=5e-5)
    assert found.max_stable_step == pytest.approx(0.0079945, abs=5e-8)
    assert 0 <= found.gap <= 1e-6
    assert found.residual < 1e-12
    assert found.max_stable_step <= found.unstable_step


@settings(max_examples=25, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_no_interpolator_is_flatter_than_the_lower_bound(data: Dataset, seed: int) -> None:
    """Not the reference ones, not random ones, not the one it was computed with."""
    found = flattest_interpolator(data.X, data.y)
    null_space = np.linalg.svd(data.X)[2][len(data.X) :]
    rng = np.random.default_rng(seed)
    others = [solve(data.X, data.y).predictor for solve in (min_l1, min_l2, least_trace, least_stability_measure)]
    others += [
        found.predictor + scale * rng.standard_normal(len(null_space)) @ null_space for scale in (1e-6, 0.01, 1.0)
    ]
    for other in [*others, found.predictor]:
        assert sharpness_of(data, other) >= found.sharpness_lower * (1 - 1e-12)
        assert sharpness_of(data, other) >= found.sharpness_upper * (1 - found.gap - 1e-12)


@settings(max_examples=25, deadline=None)
@given(data=small_problems())
def test_the_upper_bound_is_the_sharpness_of_the_interpolator_returned(data: Dataset) -> None:
    """And small problems are solved to a gap of a hundred-thousandth, or the gap says so."""
    found = flattest_interpolator(data.X, data.y)
    assert found.residual < rounding_of(data, found.predictor)
    assert sharpness_of(data, found.predictor) == pytest.approx(found.sharpness_upper, rel=1e-12)
    assert -1e-12 <= found.gap < 0.1


@pytest.mark.parametrize("mean", [5.0, 10.0])
def test_least_measure_and_least_trace_enclose_the_least_sharpness(mean: float) -> None:
    """Lemma D.2 of Nacson et al. 2022."""
    data = paper_problem(mean=mean, seed=1)
    found = flattest_interpolator(data.X, data.y)
    assert least_stability_measure(data.X, data.y).lower_bound <= found.sharpness_upper
    assert found.sharpness_lower <= least_trace(data.X, data.y).objective
    assert found.gap < 1e-6


def test_the_flattest_interpolator_is_nearly_the_sparsest_off_centre() -> None:
    """Lemma 5.1 of Nacson et al. 2022: ‖β‖₁ ≤ 1.1(1 + σ²/μ²)·min‖β‖₁."""
    data = paper_problem()
    found, sparsest = flattest_interpolator(data.X, data.y), min_l1(data.X, data.y)
    assert np.abs(found.predictor).sum() <= 1.1 * (1 + 5 / 25) * sparsest.objective


def test_one_sample_is_solved_by_hand() -> None:
    """λ = 4·Σ x_i²|β_i| at N = 1 is least with all of β on the largest |x_i|: 4·|x_max|·|y|."""
    data = Dataset(X=np.array([[1.0, -3.0, 2.0]]), y=np.array([6.0]))
    found = flattest_interpolator(data.X, data.y)
    np.testing.assert_allclose(np.abs(data.X[0] * found.predictor).sum(), 6, rtol=1e-9)
    assert found.sharpness_upper == pytest.approx(4 * 1 * 6, rel=1e-7)
    np.testing.assert_allclose(found.predictor, [6, 0, 0], atol=1e-6)


def test_a_unique_interpolator_is_the_flattest() -> None:
    """As many independent samples as dimensions."""
    data = small_problem(0, samples=5, dimension=5)
    found = flattest_interpolator(data.X, data.y)
    np.testing.assert_allclose(found.predictor, np.linalg.solve(data.X, data.y), rtol=1e-9)
    assert found.gap < 1e-6


def test_centred_data_end_with_an_honest_gap() -> None:
    """The top eigenvalues cluster there: the bounds stay in order and within a tenth after bounded work."""
    data = small_problem(0, samples=12, dimension=24, mean=0.0)
    found = flattest_interpolator(data.X, data.y)
    assert found.iterations <= 60
    assert found.sharpness_lower <= found.sharpness_upper
    assert found.gap < 0.1
    assert found.sharpness_upper <= sharpness_of(data, least_trace(data.X, data.y).predictor)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.sampled_from([1e-6, 1e6]))
def test_least_sharpness_follows_permutation_sign_and_scale(seed: int, factor: float) -> None:
    """Symmetries leave it within the gaps; X·c and y·e multiply λ by c and e."""
    data = small_problem(seed, mean=5.0)
    rng = np.random.default_rng(seed)
    signs, columns, rows = rng.choice([-1.0, 1.0], size=7), rng.permutation(7), rng.permutation(3)
    found = flattest_interpolator(data.X, data.y)
    shuffled = flattest_interpolator((signs * data.X)[np.ix_(rows, columns)], data.y[rows])
    scaled = flattest_interpolator(factor * data.X, data.y / 3)
    slack = found.gap + shuffled.gap + scaled.gap + 1e-10
    assert shuffled.sharpness_upper == pytest.approx(found.sharpness_upper, rel=slack)
    assert scaled.sharpness_upper == pytest.approx(found.sharpness_upper * factor / 3, rel=slack)


def test_targets_of_zero_allow_every_step_size() -> None:
    """β = 0 has sharpness 0."""
    found = flattest_interpolator(small_problem(0).X, np.zeros(3))
    assert (found.sharpness_upper, found.sharpness_lower, found.gap) == (0, 0, 0)
    assert found.max_stable_step == found.unstable_step == float("inf")


def test_data_without_interpolator_are_a_typed_error() -> None:
    """Nothing is flattest among none."""
    data = small_problem(0, samples=9, dimension=4)
    with pytest.raises(NoInterpolator):
        flattest_interpolator(data.X, data.y)


def test_a_solver_that_gives_up_leaves_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least ℓ2 interpolator bounds from above, 0 from below, and the gap says that nothing is known."""

    def fails(*_: object, **__: object) -> None:
        raise SolverFailure("gave up")

    monkeypatch.setattr("core.flattest.least", fails)
    data = small_problem(0)
    found = flattest_interpolator(data.X, data.y)
    np.testing.assert_array_equal(found.predictor, min_l2(data.X, data.y).predictor)
    assert (found.sharpness_lower, found.gap, found.iterations) == (0, 1, 0)
