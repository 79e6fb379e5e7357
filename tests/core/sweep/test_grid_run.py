"""What a run's spec says of how it is trained."""

from typing import Any

import pytest

from core.descent.ascent import AscentAlong
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
from core.networks.network import UV, Diagonal, Network
from core.sweep.grid_run import Run
from tests.core.specs import grid_of


def only(**parts: Any) -> Run:
    """The only run of a small spec."""
    return grid_of(**parts).run(0)


@pytest.mark.parametrize(
    ("fields", "optimizer"),
    [
        ({"kind": "gradient_descent"}, FullBatch()),
        ({"kind": "sgd", "batch_size": 3}, Minibatch(batch_size=3)),
        (
            {"kind": "label_noise", "noise_variance": 0.5, "noise_steps": 7},
            LabelNoise(noise_variance=0.5, noise_steps=7),
        ),
        ({"kind": "heavy_ball", "momentum": 0.9}, HeavyBall(momentum=0.9)),
        ({"kind": "nesterov", "momentum": 0.9}, Nesterov(momentum=0.9)),
        ({"kind": "sam", "rho": 0.1}, SharpnessAware(rho=0.1)),
        (
            {"kind": "sam", "rho": 0.1, "ascent": "sample", "normalized": True},
            SharpnessAware(rho=0.1, ascent_along=AscentAlong.SAMPLE, normalized=True),
        ),
        (
            {"kind": "parameter_noise", "variance": 0.5, "noise_steps": 7},
            ParameterNoise(variance=0.5, noise_steps=7),
        ),
    ],
)
def test_a_spec_names_its_optimiser(fields: dict[str, Any], optimizer: Optimizer) -> None:
    """Step size and warm-up stand apart."""
    run = only(optimizer=fields | {"warmup_steps": 5})
    assert (run.optimizer, run.step_size, run.warmup_steps) == (optimizer, 0.001, 5)


@pytest.mark.parametrize(
    ("fields", "network"),
    [({"kind": "diagonal", "depth": 5}, Diagonal(5)), ({"kind": "uv"}, UV()), ({"kind": "uv", "shape": 0.3}, UV())],
)
def test_a_spec_names_its_network(fields: dict[str, Any], network: Network) -> None:
    """The shape of a UV start belongs to the start."""
    assert only(model=fields).network == network


def test_what_is_recorded_and_where_it_stops_leaves_the_seed_of_a_run() -> None:
    """Everything else changes it."""
    plain = only()
    assert only(recording={"points": 3}, stopping={"max_steps": 7}).seed == plain.seed
    others = [
        only(data={"seed": 1}),
        only(model={"kind": "diagonal", "depth": 3}),
        only(initialization={"scale": 0.2}),
        only(optimizer={"warmup_steps": 1}),
    ]
    assert len({plain.seed, *(run.seed for run in others)}) == 5


def test_heavy_ball_without_momentum_draws_as_gradient_descent_does() -> None:
    """It is gradient descent, so that what perturbs it has to be the same; with momentum it has a seed of its own."""
    heavy = {"kind": "heavy_ball", "warmup_steps": 5}
    assert only(optimizer=heavy | {"momentum": 0.0}).seed == only(optimizer={"warmup_steps": 5}).seed
    assert only(optimizer=heavy | {"momentum": 0.5}).seed != only(optimizer={"warmup_steps": 5}).seed


def test_momentum_raises_the_largest_stable_step() -> None:
    """(2 + 2m)/min λ_max: fractions and brackets are multiples of that."""
    heavy = {"kind": "heavy_ball", "momentum": 0.5}
    assert only(optimizer=heavy).largest_stable_step(0.01) == pytest.approx(0.015)
    half = only(optimizer=heavy | {"step_size": {"fractions_of_max_stable": [0.5]}})
    assert half.resolved_step_size(0.01) == pytest.approx(0.0075)
    assert only(optimizer=heavy | {"step_size": 0.3}).resolved_step_size(0.01) == 0.3
