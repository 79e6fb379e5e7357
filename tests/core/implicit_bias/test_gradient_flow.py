"""The limit of gradient flow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regression import Dataset, excess_risk
from core.errors import NoInterpolator
from core.implicit_bias.certificate import potential
from core.implicit_bias.gradient_flow import FlowLimit, flow_limit
from core.interpolators.least_norm import min_l1, min_l2
from tests.core.problems import paper_problem, rounding_of, small_problem, small_problems
from tests.reference.descent_by_hand import Path, descend


def uniform_limit(data: Dataset, scale: float) -> FlowLimit:
    """The limit from u₊ = u₋ = scale."""
    dim = data.X.shape[1]
    return flow_limit(data.X, data.y, init_scale=np.full(dim, scale), asymmetry=np.zeros(dim))


@pytest.mark.parametrize(("scale", "expected"), [(10 ** (-4 / 3), 0.0683), (1.0, 1.2990)])
def test_the_default_data_set_has_the_known_flow_limits(scale: float, expected: float) -> None:
    """Excess risks at α = .0464 and α = 1, as measured independently."""
    data = paper_problem()
    found = uniform_limit(data, scale)
    assert excess_risk(found.predictor, data) == pytest.approx(expected, abs=5e-5)
    assert found.residual < 1e-13


@pytest.mark.parametrize("mean", [0.0, 5.0])
@pytest.mark.parametrize("scale", [1e-7, 1e-5, 1e-3, 0.1, 1.0, 30.0, 1e3])
def test_newton_converges_from_tiny_to_huge_scales(scale: float, mean: float) -> None:
    """A few dozen steps to the residual that float64 allows."""
    found = uniform_limit(paper_problem(mean=mean), scale)
    assert found.residual < 1e-12
    assert found.iterations < 60


def test_vanishing_scale_gives_least_l1() -> None:
    """‖β‖₁ tends to its least value, at the rate 1/ln(1/α) at which Woodworth et al. 2020 show it to."""
    data = paper_problem()
    least = min_l1(data.X, data.y).lower_bound
    excess = [np.abs(uniform_limit(data, scale).predictor).sum() / least - 1 for scale in (1e-1, 1e-4, 1e-8)]
    assert 0 < excess[2] < excess[1] < excess[0]
    assert excess[2] < 1e-3


def test_growing_scale_gives_least_l2() -> None:
    """β − β_ℓ2 falls like α⁻⁴."""
    data = paper_problem()
    nearest = min_l2(data.X, data.y).predictor
    distance = [np.linalg.norm(uniform_limit(data, scale).predictor - nearest) for scale in (10.0, 100.0)]
    assert distance[0] < 1e-6
    assert distance[1] < 1.1e-4 * distance[0]


def test_growing_uneven_scale_gives_weighted_least_l2() -> None:
    """With u± = α·s_i the norm is Σ β_i²/s_i²: the pseudo-inverse in the coordinates β/s."""
    data = small_problem(2)
    shape = np.linspace(0.5, 2, 7)
    found = flow_limit(data.X, data.y, init_scale=1e3 * shape, asymmetry=np.zeros(7))
    expected = shape * (np.linalg.pinv(data.X * shape) @ data.y)
    np.testing.assert_allclose(found.predictor, expected, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_the_limit_minimises_the_potential(data: Dataset, seed: int) -> None:
    """Moving along the null space of X, in any direction, never lowers it; scales and asymmetries at random."""
    rng = np.random.default_rng(seed)
    dim = data.X.shape[1]
    scale, asymmetry = np.exp(rng.normal(-1, 1, dim)), rng.standard_normal((dim,))
    found = flow_limit(data.X, data.y, init_scale=scale, asymmetry=asymmetry)
    assert found.residual < rounding_of(data, found.predictor)
    null_space = np.linalg.svd(data.X)[2][len(data.X) :]
    least = potential(found.predictor, init_scale=scale, asymmetry=asymmetry)
    for distance in (1e-3, 0.1, 1):
        other = found.predictor + distance * rng.standard_normal(len(null_space)) @ null_space
        assert potential(other, init_scale=scale, asymmetry=asymmetry) > least


def test_the_dual_gives_back_the_predictor() -> None:
    """β = 2A sinh(δ + Xᵀν) with the ν of the original samples."""
    data = small_problem(1)
    scale, asymmetry = np.linspace(0.1, 1, 7), np.linspace(-2, 2, 7)
    found = flow_limit(data.X, data.y, init_scale=scale, asymmetry=asymmetry)
    np.testing.assert_allclose(2 * scale**2 * np.sinh(asymmetry + data.X.T @ found.dual), found.predictor, rtol=1e-10)


@settings(max_examples=25, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_the_limit_follows_permutation_and_sign(data: Dataset, seed: int) -> None:
    """Shuffled coordinates shuffle it; turning a column exchanges u₊ and u₋ there and turns β."""
    rng = np.random.default_rng(seed)
    dim = data.X.shape[1]
    scale, asymmetry = np.exp(rng.normal(-1, 1, dim)), rng.standard_normal((dim,))
    order, signs = rng.permutation(dim), rng.choice([-1.0, 1.0], size=dim)
    plain = flow_limit(data.X, data.y, init_scale=scale, asymmetry=asymmetry)
    turned = flow_limit(
        (data.X * signs)[:, order], data.y, init_scale=scale[order], asymmetry=(asymmetry * signs)[order]
    )
    size = np.abs(plain.predictor).max()
    np.testing.assert_allclose(turned.predictor, (signs * plain.predictor)[order], atol=1e-9 * size)


def test_small_steps_end_at_the_limit() -> None:
    """Plain gradient descent from uneven u₊ ≠ u₋ approaches it, ten times closer at a tenth of the step size."""
    data = small_problem(6, samples=2, dimension=4)
    u_plus, u_minus = np.array([0.5, 0.3, 0.4, 0.6]), np.array([0.4, 0.4, 0.2, 0.6])
    limit = flow_limit(
        data.X, data.y, init_scale=np.sqrt(u_plus * u_minus), asymmetry=np.log(u_plus / u_minus)
    ).predictor
    distances = []
    for step_size, steps in ((0.02, 3000), (0.002, 30000)):
        path = Path(u_plus=u_plus.tolist(), u_minus=u_minus.tolist())
        descend(data.X.tolist(), data.y.tolist(), path, [step_size] * steps)
        distances.append(np.linalg.norm(np.square(path.u_plus) - np.square(path.u_minus) - limit))
    assert distances[0] < 0.05
    assert distances[1] == pytest.approx(distances[0] / 10, rel=0.2)


def test_an_absurd_start_ends_with_an_honest_residual() -> None:
    """Entries that start at e^±100 are beyond float64: the work is bounded and the residual says that it failed."""
    data = paper_problem()
    asymmetry = 30 * np.random.default_rng(1).standard_normal(100)
    found = flow_limit(data.X, data.y, init_scale=np.ones(100), asymmetry=asymmetry)
    assert found.iterations <= 500
    assert found.residual > 1e-6
    assert found.residual == np.abs(data.X @ found.predictor - data.y).max() / np.abs(data.y).max()


def test_targets_of_zero_stay_at_zero() -> None:
    """From u₊ = u₋ there is nowhere to go."""
    data = small_problem(0)
    found = flow_limit(data.X, np.zeros(3), init_scale=np.ones(7), asymmetry=np.zeros(7))
    assert not found.predictor.any()
    assert found.iterations == 0


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e-200, np.nan])
def test_a_scale_that_is_not_positive_is_refused(scale: float) -> None:
    """Nor one whose square vanishes in float64."""
    with pytest.raises(ValueError, match="positive"):
        uniform_limit(small_problem(0), scale)


def test_data_without_interpolator_are_a_typed_error() -> None:
    """The flow then ends at a least-squares fit, which this does not compute."""
    with pytest.raises(NoInterpolator):
        uniform_limit(small_problem(0, samples=9, dimension=4), 1.0)


EXAMPLE = (np.array([[1, 0.5, 0.7, 0], [0.5, 1, 0.1, 0.7]]), np.array([1.0, 0.0]))
"""The exact example of Zhao et al. 2026, whose least ℓ1 norm is 80/49, at β = (0, 0, 10/7, −10/49)."""


@pytest.mark.parametrize(
    ("scale", "first"), [(1e-6, 0.220), (1e-12, 0.0372), (1e-30, 4.736e-5), (1e-60, 5.991e-10), (1e-100, 1.766e-16)]
)
def test_the_limit_is_right_however_small_the_scale(scale: float, first: float) -> None:
    """β₁ of the exact example from α = 1e-6, where that is a fifth, to 1e-100, to the digits that are known."""
    limit = _from(scale)
    assert limit.residual < 1e-12
    assert limit.predictor[0] == pytest.approx(first, rel=2.5e-3 if first > 0.01 else 2e-4)


def test_the_limit_tends_to_least_l1_at_its_own_rate() -> None:
    """To 80/49 within 1e-9 at α = 1e-60; β₁ ∝ α^(1 − |x₁ᵀν|) at A = α², x₁ᵀν = 45/49: ∝ α^(8/49)."""
    assert np.abs(_from(1e-60).predictor).sum() == pytest.approx(80 / 49, abs=1e-9)
    exponent = np.log(_from(1e-100).predictor[0] / _from(1e-60).predictor[0]) / np.log(1e-40)
    assert exponent == pytest.approx(8 / 49, abs=1e-6)


def _from(scale: float) -> FlowLimit:
    return flow_limit(*EXAMPLE, init_scale=np.full(4, scale), asymmetry=np.zeros(4))
