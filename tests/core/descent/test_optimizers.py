"""The optimisers: what they say of themselves, against what a step of each does to a quadratic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.optimizers import FullBatch, HeavyBall, LabelNoise, Minibatch, Optimizer, optimizer_of

DOCUMENTS = [
    ({"kind": "gradient_descent"}, FullBatch()),
    ({"kind": "sgd", "batch_size": 3}, Minibatch(batch_size=3)),
    ({"kind": "label_noise", "noise_variance": 0.5, "noise_steps": 7}, LabelNoise(noise_variance=0.5, noise_steps=7)),
    ({"kind": "heavy_ball", "momentum": 0.9}, HeavyBall(momentum=0.9)),
]


@pytest.mark.parametrize(("document", "optimizer"), DOCUMENTS)
def test_a_document_describes_its_optimiser(document: dict[str, object], optimizer: Optimizer) -> None:
    """Step size and warm-up stand apart."""
    assert optimizer_of(document | {"step_size": 0.1, "warmup_steps": 5}) == optimizer


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
    assert [optimizer.is_deterministic for _, optimizer in DOCUMENTS] == [True, False, False, False]


def test_momentum_alone_leaves_the_row_space_form() -> None:
    """Noisy gradients lie in the row space as well; and label noise comes to an end, that of minibatches does not."""
    assert [optimizer.keeps_row_space_form for _, optimizer in DOCUMENTS] == [True, True, True, False]
    assert [optimizer.ends_as_descent for _, optimizer in DOCUMENTS] == [True, False, True, False]
    assert [optimizer.noise_steps for _, optimizer in DOCUMENTS] == [0, 0, 7, 0]
