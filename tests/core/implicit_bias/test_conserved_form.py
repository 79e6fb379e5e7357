"""What one step of descent does to the form that flow conserves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.completion.remaining_descent import RemainingDescent
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.implicit_bias.conserved_form import ConservedForm
from core.networks.network import Diagonal
from core.stability.gram_spectrum import GramSpectrum
from tests.core.problems import small_problem, small_problems

DEPTHS = [2, 3, 4, 5, 8]


def mixed_state(depth: int, seed: int, dim: int = 7) -> ConservedForm:
    """Unequal parameters of both signs."""
    rng = np.random.default_rng(seed)
    return ConservedForm(theta=rng.uniform(0.4, 1.1, (2, dim)) * rng.choice([-1, 1], (2, dim)), depth=depth)


def flow_move(state: ConservedForm, tau: np.ndarray) -> np.ndarray:
    """β after w^(2−D) has moved by −ετ (at D = 2: ln w by ετ), coordinate by coordinate."""
    depth, total = state.depth, np.zeros_like(tau)
    for part, sign in ((0, 1.0), (1, -1.0)):
        size = np.abs(state.theta[part])
        effect = sign * (np.sign(state.theta[part]) if depth % 2 else 1.0)
        moved = size * np.exp(effect * tau) if depth == 2 else (size ** (2 - depth) - effect * tau) ** (1 / (2 - depth))
        total += effect * moved**depth
    return total


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("seed", range(4))
def test_a_step_leaves_the_form_by_its_drift(depth: int, seed: int) -> None:
    """β after a step, less β after the move of flow with the same x, is ∓drift·x² but for O(x³)."""
    state = mixed_state(depth, seed)
    direction, excess = np.random.default_rng(seed + 100).standard_normal(7), []
    for size in (1e-3, 1e-4):
        x = size * direction
        stepped = state.theta - Diagonal(depth).jacobian(state.theta) / depth * x
        tau = -x if depth == 2 else -(depth - 2) * x
        left = np.abs(Diagonal(depth).predictor(stepped) - flow_move(state, tau))
        excess.append(np.abs(left - state.drift * x**2).max() / size**2)
    assert excess[1] == pytest.approx(excess[0] / 10, rel=0.2)


@pytest.mark.parametrize("depth", DEPTHS)
def test_drift_is_bounded_by_stretch_and_weights(depth: int) -> None:
    """½D(D−1)·stretch·z, which at D = 2 says |β| ≤ c."""
    state = mixed_state(depth, 9)
    assert (state.drift <= depth * (depth - 1) / 2 * state.stretch * state.weights * (1 + 1e-12)).all()
    np.testing.assert_allclose(state.tangent_weights, Diagonal(depth).tangent_weights(state.theta), rtol=1e-12)
    np.testing.assert_allclose(state.predictor, Diagonal(depth).predictor(state.theta))
    if depth == 2:
        np.testing.assert_allclose(state.drift, np.abs(state.predictor), rtol=1e-12)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("seed", range(4))
def test_tangent_weights_follow_the_predictor_no_faster_than_their_slope(depth: int, seed: int) -> None:
    """∂c/∂β along the form by central differences; where one of the two parameters is gone, it is as fast as that."""
    state, step = mixed_state(depth, seed), 1e-6
    ends = [state.moved(np.full(7, way * step)) for way in (1, -1)]
    moved, weighed = (ends[0].predictor - ends[1].predictor, ends[0].tangent_weights - ends[1].tangent_weights)
    assert (np.abs(weighed) <= state.tangent_weight_slope * np.abs(moved) * (1 + 1e-6)).all()
    lone = replace(state, theta=np.stack([np.full(7, 0.8), np.full(7, 1e-12)]))
    there, here = (lone.moved(np.full(7, way * step)) for way in (1, -1))
    slopes = (there.tangent_weights - here.tangent_weights) / (there.predictor - here.predictor)
    np.testing.assert_allclose(slopes, lone.tangent_weight_slope, rtol=1e-6)


@pytest.mark.parametrize("depth", DEPTHS)
def test_flow_moves_both_parts_by_the_same_change(depth: int) -> None:
    """The end of the flow is the move by `change`, and it interpolates."""
    data = small_problem(3)
    state = mixed_state(depth, 3)
    end = state.flowed(interpolator_set(data.X, data.y))
    np.testing.assert_allclose(data.X @ end.predictor, data.y, atol=1e-12)
    np.testing.assert_allclose(end.state.predictor, end.predictor, atol=1e-12)
    tau = end.change / 2 if depth == 2 else end.change
    np.testing.assert_allclose(flow_move(state, tau), end.predictor, atol=1e-11)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_energy_covers_the_squares_of_all_steps_to_come(depth: int) -> None:
    """Σ z x² over the rest of a run in its last phase, and Σ drift·x² with it."""
    data = small_problem(6)
    space = interpolator_set(data.X, data.y)
    theta, step_size = np.full((2, 7), 0.6), 0.02
    rest, energy, drift = None, 0.0, 0.0
    for step in range(4000):
        gradient = (data.X @ Diagonal(depth).predictor(theta) - data.y) @ data.X / len(data.y)
        state = ConservedForm(theta=theta, depth=depth)
        if step == 60:
            rest = RemainingDescent.begin(space, GramSpectrum.of(space), state, step_size)
        if step >= 60:
            x = depth * step_size * gradient
            energy, drift = energy + float(state.weights @ x**2), drift + float(state.drift @ x**2)
        theta = theta - step_size * Diagonal(depth).jacobian(theta) * gradient
    assert rest is not None
    assert rest.loss > 1e-12
    assert rest.energy / 100 < energy <= rest.energy
    assert drift <= rest.leaving(ConservedForm(theta=theta, depth=depth))


@settings(max_examples=30, deadline=None)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_the_largest_of_the_gram_spectrum_is_that_of_the_matrix(data: Dataset, seed: int) -> None:
    """Against the eigenvalues of (1/N)·X diag(c) Xᵀ, and of XᵀX/N."""
    tangent_weights = np.exp(np.random.default_rng(seed).normal(0, 1.5, data.X.shape[1]))
    spectrum = GramSpectrum.of(interpolator_set(data.X, data.y))
    values = np.linalg.eigvalsh(data.X * tangent_weights @ data.X.T / len(data.X))
    assert spectrum.largest(tangent_weights) == pytest.approx(values[-1], rel=1e-10)
    assert spectrum.largest_moment == pytest.approx(np.linalg.norm(data.X, 2) ** 2 / len(data.X), rel=1e-10)
