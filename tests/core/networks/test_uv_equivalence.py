"""UV as a squared model, and what is known of finite steps for every start."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.row_space import row_space
from core.implicit_bias.certificate import certificate_residual, effective_initialization, mean_effective_init
from core.networks.network import UV, Diagonal
from core.networks.uv_equivalence import equivalent_squared_model, moved_along_flow
from core.stability.sharpness import interpolator_sharpness_of
from core.stability.tangent_kernel import kernel_change
from tests.core.problems import paper_problem, small_problem
from tests.reference import network_by_hand

SQUARED = Diagonal(2)
seeds = st.integers(0, 10_000)


@given(seed=seeds)
def test_the_map_keeps_the_predictor_and_doubles_the_tangent_weights(seed: int) -> None:
    """β is the same, and λ of the squared model twice that of UV."""
    theta = np.random.default_rng(seed).standard_normal((4, 3, 6))
    mapped = equivalent_squared_model(theta)
    np.testing.assert_allclose(SQUARED.predictor(mapped), UV().predictor(theta), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(SQUARED.tangent_weights(mapped), 2 * UV().tangent_weights(theta), rtol=1e-13)


@given(seed=seeds, shape=st.floats(-0.95, 0.95))
def test_uv_at_twice_the_step_is_the_squared_model_at_every_step(seed: int, shape: float) -> None:
    """To 1e-12 along whole trajectories with ηλ < 1.9, whatever the start, by plain loops over the coordinates."""
    data = small_problem(seed, samples=3, dimension=5)
    rng = np.random.default_rng(seed)
    stretch = np.sqrt((1 - shape) / (1 + shape))
    scales = rng.uniform(0.2, 1.0, (2, 5)) * rng.choice([-1, 1], (2, 5))
    theta = np.concatenate([scales * stretch, scales / stretch])
    mapped = equivalent_squared_model(theta)
    largest = (
        2 * interpolator_sharpness_of(data.X, UV().tangent_weights(theta)).value + 8 * np.abs(data.X.T @ data.y).max()
    )
    step_sizes = [0.2 / largest] * 300
    X, y = data.X.tolist(), data.y.tolist()
    uv = np.array(network_by_hand.descend(X, y, theta.tolist(), [2 * size for size in step_sizes], depth=None))
    squared = np.array(network_by_hand.descend(X, y, mapped.tolist(), step_sizes, depth=2))
    sharpness = interpolator_sharpness_of(data.X, SQUARED.tangent_weights(squared)).value
    assert step_sizes[0] * sharpness < 1.9
    np.testing.assert_allclose(equivalent_squared_model(uv), squared, rtol=1e-12)


@pytest.mark.parametrize("shape", [-0.6, 0.0, 0.9])
def test_the_shape_of_a_start_is_a_larger_scale(shape: float) -> None:
    """α_eq² = α²(1+s²)/(1−s²), at u = α√((1−s)/(1+s)) and v = α√((1+s)/(1−s))."""
    stretch = np.sqrt((1 - shape) / (1 + shape))
    theta = 0.3 * np.array([[stretch], [stretch], [1 / stretch], [1 / stretch]])
    expected = 0.3 * np.sqrt((1 + shape**2) / (1 - shape**2))
    np.testing.assert_allclose(equivalent_squared_model(theta), expected, rtol=1e-14)
    np.testing.assert_allclose(mean_effective_init(UV(), theta), expected, rtol=1e-14)


def test_only_depth_2_and_uv_are_squared_models() -> None:
    """A deeper network has no effective initialisation."""
    theta = np.full((2, 4), 0.5)
    assert SQUARED.as_squared(theta) is theta
    assert Diagonal(3).as_squared(theta) is None
    assert np.isnan(mean_effective_init(Diagonal(3), theta))


@given(seed=seeds, independent=st.booleans())
def test_the_certificate_holds_from_any_start_and_under_any_noise(seed: int, independent: bool) -> None:  # noqa: FBT001
    """Starts of both signs, unequal ones too; minibatches and label noise; steps that turn signs."""
    data = small_problem(seed, samples=3, dimension=6)
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((2, 6))
    u[1] = u[1] if independent else u[0]
    start, total, q_sums = u.copy(), np.zeros(6), np.zeros((2, 6))
    for _ in range(40):
        residual = rng.uniform(0, 2, 3) * (data.X @ SQUARED.predictor(u) - data.y + 0.3 * rng.standard_normal(3))
        x = 2 * 0.02 * residual @ data.X / 3
        x *= min(1.0, 1.5 / np.abs(x).max())
        factors = np.stack([1 - x, 1 + x])
        u *= factors
        total += x
        q_sums += np.stack([-2 * x, 2 * x]) - np.log(factors**2)
    assert certificate_residual(row_space(data.X), u[0], u[1], total) < 1e-9
    # A and δ of the path, accumulated step by step, are those that are read from its end
    alpha = np.sqrt(start**2 * np.exp(-q_sums))
    np.testing.assert_allclose(effective_initialization(u[0], u[1]), np.sqrt(alpha[0] * alpha[1]), rtol=1e-8)
    np.testing.assert_allclose(
        SQUARED.predictor(u),
        2 * alpha[0] * alpha[1] * np.sinh(np.log(alpha[0] / alpha[1]) - 2 * total),
        rtol=1e-7,
        atol=1e-9 * np.abs(SQUARED.predictor(u)).max(),
    )


def test_a_step_outside_the_row_space_is_seen_by_the_certificate() -> None:
    """It is no identity of the arithmetic."""
    data = paper_problem()
    u = np.full((2, 100), 0.3)
    x = np.random.default_rng(0).normal(0, 0.1, 100)
    assert certificate_residual(row_space(data.X), u[0] * (1 - x), u[1] * (1 + x), x) > 0.1


def test_the_tangent_kernel_stays_where_the_parameters_do() -> None:
    """0 without a change, 3 where all tangent weights are four times those of the start, NaN from a kernel of zeros."""
    data = small_problem(2)
    tangent_weights = np.random.default_rng(1).uniform(0.1, 1, 7)
    assert kernel_change(data.X, tangent_weights, tangent_weights) == 0
    assert kernel_change(data.X, 4 * tangent_weights, tangent_weights) == pytest.approx(3)
    assert np.isnan(kernel_change(data.X, tangent_weights, np.zeros(7)))
    features, before = (data.X * np.sqrt(c) for c in (tangent_weights[::-1], tangent_weights))
    expected = np.linalg.norm(features @ features.T - before @ before.T) / np.linalg.norm(before @ before.T)
    assert kernel_change(data.X, tangent_weights[::-1], tangent_weights) == pytest.approx(expected, rel=1e-12)


def test_a_move_along_the_flow_stretches_u_plus_and_shrinks_u_minus() -> None:
    """By e^(s/2) and e^(−s/2) in the squared model; and there is no move at s = 0."""
    rng = np.random.default_rng(7)
    theta, exponent = rng.standard_normal((4, 6)), rng.standard_normal(6)
    before = equivalent_squared_model(theta)
    after = equivalent_squared_model(moved_along_flow(theta, exponent))
    np.testing.assert_allclose(after, before * np.exp(np.stack([exponent, -exponent]) / 2), rtol=1e-12)
    np.testing.assert_array_equal(moved_along_flow(theta, np.zeros(6)), theta)
