"""The optimisers: what they say of themselves, against what a step of each does to a quadratic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.ascent import AscentAlong
from core.descent.kernel import kernel_names, kernel_of, kernels, trained_by
from core.descent.optimizers import (
    FullBatch,
    HeavyBall,
    LabelNoise,
    Minibatch,
    Nesterov,
    Optimizer,
    ParameterNoise,
    SharpnessAware,
)
from core.descent.sampling import Sampling, minibatch_weights

OPTIMIZERS: list[Optimizer] = [
    FullBatch(),
    Minibatch(batch_size=3),
    LabelNoise(noise_variance=0.5, noise_steps=7),
    HeavyBall(momentum=0.9),
    Minibatch(batch_size=3, momentum=0.9),
    Minibatch(batch_size=3, sampling=Sampling.EPOCHS),
    LabelNoise(noise_variance=0.5, noise_steps=7, batch_size=2),
]


@given(momentum=st.floats(0, 0.99), step=st.floats(1e-12, 1e12))
def test_the_largest_stable_step_is_the_limit_over_the_least_sharpness(momentum: float, step: float) -> None:
    """From 2/λ to (2 + 2m)/λ, and back to the step size of descent that is as stable."""
    optimizer = HeavyBall(momentum=momentum)
    largest = optimizer.largest_stable_step(step)
    assert largest == step * (1 + momentum)  # to the bit: to halve a limit is exact
    assert optimizer.step_of_descent(largest) == pytest.approx(step, rel=1e-15)
    assert FullBatch().largest_stable_step(step) == FullBatch().step_of_descent(step) == step


def spectral_radius(momentum: float, product: float) -> float:
    """Of the map (θ(t), θ(t−1)) ↦ (θ(t+1), θ(t)) on the loss λθ²/2 at ηλ = `product`."""
    return float(np.abs(np.linalg.eigvals(np.array([[1 + momentum - product, -momentum], [1.0, 0.0]]))).max())


@given(momentum=st.floats(0, 0.99))
def test_the_stability_limit_is_where_the_step_map_ceases_to_contract(momentum: float) -> None:
    """Its spectral radius crosses 1 there, and is below 1 for all smaller ηλ > 0; 2 without momentum."""
    limit = HeavyBall(momentum=momentum).stability_limit
    assert spectral_radius(momentum, limit * (1 + 1e-6)) > 1
    assert all(spectral_radius(momentum, limit * part) < 1 for part in (1e-3, 0.5, 1 - 1e-6))
    assert HeavyBall(momentum=0.0).stability_limit == FullBatch().stability_limit == 2


def test_only_steps_that_are_functions_of_theta_cycle() -> None:
    """Noise is drawn anew, momentum remembers."""
    assert [optimizer.is_map_of_theta for optimizer in OPTIMIZERS] == [True, *[False] * 6]


def test_minibatches_of_all_samples_are_gradient_descent() -> None:
    """And no others, nor any other optimiser; in epochs, too, but not with replacement, where some are twice there."""
    assert Minibatch(batch_size=5, sampling=Sampling.EPOCHS).on(5) == FullBatch()
    assert Minibatch(batch_size=5, momentum=0.5).on(5) == HeavyBall(momentum=0.5)
    for other in (Sampling.WITH_REPLACEMENT, Sampling.ONE_PASS):
        assert (kept := Minibatch(batch_size=5, sampling=other)).on(5) == kept
    assert LabelNoise(noise_variance=1.0, noise_steps=3, batch_size=5).on(5) == LabelNoise(
        noise_variance=1.0, noise_steps=3
    )
    assert [Minibatch(batch_size=size).on(5) for size in (4, 5)] == [Minibatch(batch_size=4), FullBatch()]
    assert [optimizer.on(50) for optimizer in OPTIMIZERS] == OPTIMIZERS


@given(seed=st.integers(0, 1000), samples=st.integers(1, 400), share=st.floats(0, 1))
def test_a_minibatch_is_of_the_smallest_uniforms(seed: int, samples: int, share: float) -> None:
    """In every row, however many there are to choose from; their weights sum to N."""
    uniforms, size = np.random.default_rng(seed).random((5, samples)), max(1, int(share * samples))
    weights = minibatch_weights(uniforms, size)
    chosen = uniforms <= np.sort(uniforms, axis=1)[:, [size - 1]]
    np.testing.assert_array_equal(weights, np.where(chosen, samples / size, 0.0))


def test_every_step_is_compiled_where_anything_is() -> None:
    """None falls back on NumPy by itself."""
    best = kernel_names()[0]
    assert [trained_by(best, optimizer) for optimizer in OPTIMIZERS] == [best] * 7
    assert [kernel_of(best, optimizer) for optimizer in OPTIMIZERS] == [kernels()[best]] * 7


def test_momentum_alone_leaves_the_row_space_form() -> None:
    """Noisy gradients lie in the row space as well; and label noise comes to an end."""
    assert [optimizer.keeps_row_space_form for optimizer in OPTIMIZERS] == [
        *(True, True, True, False),
        *(False, True, True),
    ]
    assert [optimizer.noise_steps for optimizer in OPTIMIZERS] == [0, 0, 7, 0, 0, 0, 7]


def nesterov_radius(momentum: float, product: float) -> float:
    """Of the map (x(t), x(t−1)) ↦ (x(t+1), x(t)) with x(t+1) = (1 − ηλ)(x(t) + m(x(t) − x(t−1)))."""
    left = 1 - product
    return float(np.abs(np.linalg.eigvals(np.array([[left * (1 + momentum), -left * momentum], [1.0, 0.0]]))).max())


@given(momentum=st.floats(0, 0.99))
def test_nesterov_momentum_is_stable_below_its_limit(momentum: float) -> None:
    """(2 + 2m)/(1 + 2m), less than without momentum, where that of heavy ball is more."""
    limit = Nesterov(momentum=momentum).stability_limit
    assert limit <= 2
    assert nesterov_radius(momentum, limit * (1 + 1e-6)) > 1
    assert all(nesterov_radius(momentum, limit * part) < 1 for part in (1e-3, 0.5, 1 - 1e-6))


@given(rho=st.floats(1e-3, 1e3), sharpness=st.floats(1e-3, 1e3))
def test_ascents_make_steps_less_stable(rho: float, sharpness: float) -> None:
    """On λθ²/2 the gradient is λ(θ + ρλθ): it is multiplied by 1 − ηλ(1 + ρλ), and by −1 at the limit."""
    optimizer = SharpnessAware(rho=rho)
    largest = optimizer.largest_stable_step(2 / sharpness)
    multiplier = 1 - largest * sharpness * (1 + rho * sharpness)
    assert multiplier == pytest.approx(-1, rel=1e-9)
    assert optimizer.largest_stable_sharpness(largest) == pytest.approx(sharpness, rel=1e-9)
    assert optimizer.step_of_descent(largest) == pytest.approx(2 / sharpness, rel=1e-9)
    assert optimizer.instability(1.01 * largest, sharpness) == pytest.approx(0.02, rel=1e-6)
    of_each = SharpnessAware(rho=rho, ascent_along=AscentAlong.SAMPLE)
    assert of_each.largest_stable_step(2 / sharpness) == largest  # necessary there
    assert (optimizer.sample_rho, of_each.sample_rho) == (0, rho)


@given(product=st.floats(0.05, 1.95), rho=st.floats(1e-3, 10))
def test_a_normalised_ascent_bounces_wherever_descent_is_stable(product: float, rho: float) -> None:
    """X ← x − ηλ(x + ρ·sgn x) comes to ±ηλρ/(2 − ηλ): bounded below ηλ = 2, and never at rest."""
    optimizer = SharpnessAware(rho=rho, normalized=True)
    assert optimizer.largest_stable_sharpness(0.5) == 4
    assert optimizer.largest_stable_step(3.0) == optimizer.step_of_descent(3.0) == 3
    x = 0.1 * rho
    for _ in range(2000):
        x -= product * (x + rho * np.sign(x))
    assert abs(x) == pytest.approx(product * rho / (2 - product), rel=1e-6)


def test_what_the_newer_optimisers_say_of_themselves() -> None:
    """Ascents keep to what steps conserve; nobody knows what the remaining steps of any of these sum up to."""
    newer: list[Optimizer] = [
        SharpnessAware(rho=0.1),
        Nesterov(momentum=0.9),
        ParameterNoise(variance=0.1, noise_steps=5),
    ]
    assert [each.keeps_row_space_form for each in newer] == [True, False, False]
    assert not any(each.is_completable or each.follows_gradient for each in newer)
    assert [each.is_map_of_theta for each in newer] == [True, False, False]
    assert Nesterov(momentum=0.0).in_effect == FullBatch()
    best = kernel_names()[0]
    assert [trained_by(best, each) for each in newer] == [best] * 3
