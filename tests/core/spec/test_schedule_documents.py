"""Schedules and weight decay as documents."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.descent.schedule import Decline, Stages
from core.descent.weight_decay import NO_DECAY, WeightDecay
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.specs import document, grid_of

KINDS: dict[str, dict[str, Any]] = {
    "gradient_descent": {},
    "sgd": {"batch_size": 2},
    "label_noise": {"noise_variance": 0.1, "noise_steps": 10},
    "heavy_ball": {"momentum": 0.5},
    "nesterov": {"momentum": 0.5},
}
ELSEWHERE: dict[str, dict[str, Any]] = {
    "sam": {"rho": 0.1},
    "parameter_noise": {"variance": 0.1, "noise_steps": 10},
}
"""Those that take their gradients elsewhere than at θ."""


@pytest.mark.parametrize("kind", KINDS | ELSEWHERE)
def test_what_is_at_its_default_is_no_part_of_a_document(kind: str) -> None:
    """Told or not: so hashes and keys are those of documents that knew nothing of it."""
    optimizer = {"kind": kind, "step_size": 0.001} | (KINDS | ELSEWHERE)[kind]
    told = {"schedule": "constant", "weight_decay": 0, "decoupled_weight_decay": False, "schedule_steps": None}
    plain, spelled = grid_of(optimizer=optimizer), grid_of(optimizer=optimizer | told)
    assert plain.run(0).key == spelled.run(0).key
    assert plain.spec.content_hash() == spelled.spec.content_hash()
    assert not [name for name in plain.run(0).spec.document()["optimizer"] if "schedule" in name or "decay" in name]
    assert plain.run(0).step_shape is None
    assert plain.run(0).weight_decay == NO_DECAY


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_gradients_of_other_places_have_schedules_and_no_decay(kind: str) -> None:
    """What they would rest at is not the least of a penalised loss."""
    optimizer = {"kind": kind, "step_size": 0.001} | ELSEWHERE[kind]
    scheduled = grid_of(optimizer=optimizer | {"schedule": "cosine", "schedule_steps": 30, "schedule_factor": 0.5})
    assert scheduled.run(0).step_shape == Decline(start=0, steps=30, end=0.5, is_cosine=True)
    with pytest.raises(ValidationError, match=f"{kind} has no weight decay"):
        grid_of(optimizer=optimizer | {"weight_decay": 0.1})


@pytest.mark.parametrize("kind", KINDS)
def test_every_optimiser_has_schedules_and_decay(kind: str) -> None:
    """In its own numbers, swept ones among them."""
    optimizer = {"kind": kind, "step_size": 0.001, "warmup_steps": 7} | KINDS[kind]
    told = {"schedule": "cosine", "schedule_steps": 30, "schedule_factor": {"values": [0.1, 0.5]}}
    decay = {"weight_decay": {"values": [0, 0.2]}, "weight_decay_until": 40, "decoupled_weight_decay": True}
    grid = grid_of(optimizer=optimizer | told | decay)
    assert [axis.name for axis in grid.axes] == ["schedule_factor", "weight_decay"]
    assert [run.step_shape for run in grid.runs()] == [
        Decline(start=7, steps=30, end=factor, is_cosine=True) for factor in (0.1, 0.1, 0.5, 0.5)
    ]
    decays = WeightDecay(rate=0.2, until=40, is_decoupled=True)
    assert [run.weight_decay for run in grid.runs()] == [NO_DECAY, decays] * 2
    assert len({run.key for run in grid.runs()}) == 4


def test_a_run_without_decay_is_one_run_however_its_sweep_is_written() -> None:
    """Until when nothing decays makes no other run."""
    swept = {"step_size": 0.001, "weight_decay": {"values": [0, 0.2]}, "weight_decay_until": 40}
    assert grid_of(optimizer=swept).run(0).key == grid_of(optimizer={"step_size": 0.001}).run(0).key


def test_heavy_ball_without_momentum_has_the_seed_of_gradient_descent_with_the_same_schedule() -> None:
    """It takes its steps, and so its perturbations."""
    told = {"step_size": 0.001, "schedule": "exponential", "schedule_steps": 9, "schedule_factor": 0.5}
    decay = {"weight_decay": 0.1}
    ball, plain = (grid_of(optimizer=told | decay | own).run(0) for own in ({"kind": "heavy_ball", "momentum": 0}, {}))
    assert ball.seed == plain.seed
    assert ball.seed != grid_of(optimizer=told).run(0).seed


def test_parts_of_the_budget_are_steps() -> None:
    """Rounded up; powers of one factor, or a factor each."""
    told = {"step_size": 0.001, "schedule": "piecewise", "schedule_at_fractions": [0.25, 0.5001]}
    stopping = {"max_steps": 1000}
    powers = grid_of(optimizer=told | {"schedule_factor": 0.1}, stopping=stopping).run(0).step_shape
    each = grid_of(optimizer=told | {"schedule_factors": [3, 0.2]}, stopping={"steps": 1000}).run(0).step_shape
    assert powers == Stages(changes=(250, 501), factors=(0.1, 0.1**2))
    assert each == Stages(changes=(250, 501), factors=(3.0, 0.2))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schedule": "cosine"}, "schedule cosine takes schedule_steps, schedule_factor; given: nothing"),
    ({"schedule_steps": 5}, "schedule constant takes nothing; given: schedule_steps"),
    (
        {"schedule": "piecewise", "schedule_at_steps": [5]},
        "schedule piecewise takes schedule_at_steps, schedule_factor or",
    ),
    ({"schedule": "piecewise", "schedule_at_steps": [5, 5], "schedule_factor": 0.1}, "should ascend"),
    ({"schedule": "piecewise", "schedule_at_steps": [5, 9], "schedule_factors": [1]}, "2 places, and there are 1"),
    ({"schedule": "piecewise", "schedule_at_steps": [5], "schedule_factor": 0}, "is for cosine alone"),
    ({"schedule": "exponential", "schedule_steps": 5, "schedule_factor": 0}, "is for cosine alone"),
    ({"schedule": "doubling", "schedule_steps": 5, "schedule_factor": 0.5}, "doubles up to schedule_factor"),
    ({"schedule": "doubling", "schedule_steps": 5, "schedule_factor": 1 + 1e-13}, "doubles up to schedule_factor"),
    ({"schedule": "cosine", "schedule_steps": 5, "schedule_factor": 0}, "give stopping.steps"),
    ({"schedule": "piecewise", "schedule_at_steps": [*range(1, 400)], "schedule_factor": 10}, "leaves its size by"),
    ({"weight_decay_until": 5}, "weight_decay is 0"),
    ({"decoupled_weight_decay": True}, "weight_decay is 0"),
    ({"weight_decay": 1001}, "turn the signs"),
    ({"weight_decay": -1}, "greater than or equal to 0"),
    ({"schedule": "piecewise", "schedule_at_fractions": [1.5], "schedule_factor": 2}, "less than or equal"),
    ({"schedule": "linear"}, "constant"),
]


@pytest.mark.parametrize(("told", "said"), WRONG)
def test_nonsense_is_refused_with_a_reason(told: dict[str, Any], said: str) -> None:
    """Whatever field it is in."""
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        ExperimentSpec.model_validate(document(optimizer={"step_size": 0.001} | told))


def test_what_needs_interpolators_or_a_warm_up_alone_is_refused() -> None:
    """A search for what converges, with decay for ever; release by exact arithmetic, with either."""
    search = {"step_size": {"largest_convergent": {}}, "weight_decay": 0.1}
    with pytest.raises(ValidationError, match="end the weight_decay"):
        Grid(ExperimentSpec.model_validate(document(optimizer=search)))
    assert len(grid_of(optimizer=search | {"weight_decay_until": 9})) == 1
    for told in ({"weight_decay": 0.1}, {"schedule": "doubling", "schedule_steps": 9}):
        with pytest.raises(ValidationError, match="leave out schedule and weight_decay"):
            ExperimentSpec.model_validate(
                document(optimizer={"step_size": 0.001} | told, stopping={"release": "exact"})
            )
