"""The optimisers: what they say of themselves, against what a step of each does to a quadratic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.kernel import kernel_names, kernel_of, kernels, trained_by
from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch, Optimizer
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
