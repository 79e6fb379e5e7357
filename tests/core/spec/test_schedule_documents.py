"""Schedules and weight decay as documents."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.descent.schedule import Decline, Stages, first_reaching, scheduled
from core.descent.weight_decay import NO_DECAY, WeightDecay
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from core.sweep.grid_run import Run
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


def test_factors_take_turns_every_so_many_steps_behind_the_warm_up() -> None:
    """The time between them is swept, as that of other schedules is."""
    told = {"step_size": 0.001, "warmup_steps": 7, "schedule": "piecewise", "schedule_factors": [3, 0.2]}
    grid = grid_of(optimizer=told | {"schedule_steps": {"values": [10, 40]}})
    assert [run.step_shape for run in grid.runs()] == [
        Stages(changes=changes, factors=(3.0, 0.2)) for changes in ((17, 27), (47, 87))
    ]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schedule": "cosine"}, "schedule cosine takes schedule_steps, schedule_factor; given: nothing"),
    ({"schedule_steps": 5}, "schedule constant takes nothing; given: schedule_steps"),
    ({"schedule": "piecewise", "schedule_at_steps": [5]}, "takes schedule_at_steps, schedule_factor or schedule_at_st"),
    (
        {"schedule": "piecewise", "schedule_steps": 5, "schedule_factor": 2},
        "or schedule_steps, schedule_factors; ",
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


TURNS: list[tuple[dict[str, Any], int, float]] = [
    ({}, 0, 1.0),
    ({"warmup_steps": 10, "step_size": 20}, 4, 0.5),
    ({"step_size": 4, "schedule": "piecewise", "schedule_at_steps": [3, 7], "schedule_factor": 2}, 7, 4.0),
    ({"step_size": 4, "schedule": "piecewise", "schedule_at_steps": [3, 7], "schedule_factors": [3, 0.1]}, 3, 3.0),
    ({"step_size": 4, "schedule": "piecewise", "schedule_at_fractions": [0.5], "schedule_factor": 3}, 10, 3.0),
    (
        {"step_size": 8, "schedule": "piecewise", "schedule_at_steps": [3], "schedule_factor": 2, "warmup_steps": 8},
        4,
        1.25,
    ),
    ({"step_size": 1, "schedule": "doubling", "schedule_steps": 4, "warmup_steps": 2}, 18, 16.0),
    ({"step_size": 9, "schedule": "doubling", "schedule_steps": 3, "schedule_factor": 1.5}, 3, 1.5),
    ({"step_size": 1, "schedule": "exponential", "schedule_steps": 8, "schedule_factor": 100}, 4, 10.0),
    ({"step_size": 5, "schedule": "cosine", "schedule_steps": 8, "schedule_factor": 3}, 4, 2.0),
]
"""With λ = 0.1 and 20 steps, the first at which η_tλ ≥ 1, and the factor of η there."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("told", "step", "factor"), TURNS)
def test_a_step_that_would_turn_signs_is_refused_by_its_number(
    kind: str, told: dict[str, Any], step: int, factor: float
) -> None:
    """With the step size there; just below it, by fewer steps or where the decay ends, nothing turns."""
    optimizer = {"kind": kind, "step_size": 10, "weight_decay": 0.1} | KINDS[kind] | told
    size = optimizer["step_size"]
    said = f"step_size × weight_decay is {size * factor:g} × 0.1 at step {step}: 1 or more would turn the signs"
    with pytest.raises(ValidationError, match=said):
        grid_of(optimizer=optimizer, stopping={"steps": 20})
    if step:
        assert len(grid_of(optimizer=optimizer | {"weight_decay_until": step}, stopping={"steps": 20})) == 1
        if "schedule_at_fractions" not in told:
            assert len(grid_of(optimizer=optimizer, stopping={"steps": step})) == 1
    with pytest.raises(ValidationError, match="turn the signs"):
        grid_of(optimizer=optimizer | {"weight_decay_until": step + 1}, stopping={"steps": 20})


@given(
    kind=st.sampled_from(["constant", "piecewise", "exponential", "cosine", "doubling"]),
    warmup=st.integers(0, 12),
    steps=st.integers(1, 9),
    factor=st.floats(0.2, 6.0),
    limit=st.floats(0.05, 6.0),
)
def test_the_first_step_that_reaches_a_factor_is_that_of_a_search_step_by_step(
    kind: str, warmup: int, steps: int, factor: float, limit: float
) -> None:
    """Rising, falling, within the warm-up or behind."""
    told: dict[str, Any] = {"step_size": 1.0, "warmup_steps": warmup, "schedule": kind}
    if kind == "piecewise":
        told |= {"schedule_at_steps": [steps, 2 * steps], "schedule_factor": factor}
    elif kind != "constant":
        told |= {"schedule_steps": steps, "schedule_factor": factor + 1 if kind == "doubling" else factor}
    shape = grid_of(optimizer=told).run(0).step_shape
    sizes = scheduled(np.ones(1), np.array([warmup]), [shape], 0, 30)[:, 0]
    expected = next(((step, size) for step, size in enumerate(sizes.tolist()) if size >= limit), None)
    assert first_reaching(limit, warmup, shape, 30) == expected


TWO = {"values": [1, 5]}
PAIR = ["step_size", "schedule_factor"]
SWEPT: list[tuple[dict[str, Any], list[list[str]], float]] = [
    ({"step_size": TWO, "schedule_factor": {"values": [1.5, 3]}}, [], 1.5),
    ({"step_size": TWO, "schedule_factor": {"values": [3, 1.5]}}, [PAIR], 0.75),
    ({"step_size": TWO, "schedule_factor": {"values": [1.5, 3]}}, [PAIR[::-1]], 1.5),
    ({"weight_decay": {"values": [0.01, 0.1]}}, [], 1.5),
    ({"weight_decay": {"values": [0.01, 0.05]}}, [], 0.75),
    ({"warmup_steps": {"values": [15, 18]}}, [], 1.0),
    ({"warmup_steps": {"values": [20, 25]}}, [], 0.5),
    ({"schedule_steps": {"values": [100, 8]}}, [], 1.5),
    ({"schedule_steps": {"values": [100, 57]}}, [], 0.75),
    ({"weight_decay_until": {"values": [3, 5]}}, [], 1.0),
    ({"weight_decay_until": {"values": [1, 3]}}, [], 0.5 + 0.5 * (1 - 0.5**0.5)),
    (
        {"schedule_factor": {"values": [1.5, 3]}, "weight_decay": {"values": [0.1, 0.05]}},
        [["weight_decay", "schedule_factor"]],
        0.75,
    ),
    (
        {"kind": "heavy_ball", "momentum": {"values": [0.9, 0.5]}, "step_size": {"effective_step_sizes": [10, 20]}},
        [],
        1.5,
    ),
    (
        {"kind": "heavy_ball", "momentum": {"values": [0.5, 0.9]}, "step_size": {"effective_step_sizes": [2, 20]}},
        [["momentum", "effective_step_size"]],
        0.15,
    ),
]
"""Along a cosine to `schedule_factor` 3 over 8 of 20 steps at η = 5 and λ = 0.1, with the largest η_tλ of the grid."""


@pytest.mark.parametrize(("told", "links", "most"), SWEPT)
def test_of_axes_it_is_the_numbers_of_a_run_that_meet(
    told: dict[str, Any], links: list[list[str]], most: float
) -> None:
    """Some run of the grid that is refused has η_tλ ≥ 1, and none of one that is taken."""
    cosine = {"schedule": "cosine", "schedule_steps": 8, "schedule_factor": 3}
    optimizer = {"step_size": 5, "weight_decay": 0.1} | cosine | told
    whole = document(optimizer=optimizer, stopping={"steps": 20}) | {"zip": links}
    little = whole["optimizer"] | {"weight_decay": _in_units(1e-6, optimizer["weight_decay"])}
    grid = Grid(ExperimentSpec.model_validate(whole | {"optimizer": little}))
    assert max(_largest(run) for run in grid.runs()) * 1e6 == pytest.approx(most, rel=1e-12)
    if most >= 1:
        with pytest.raises(ValidationError, match="turn the signs"):
            ExperimentSpec.model_validate(whole)
    else:
        assert len(Grid(ExperimentSpec.model_validate(whole))) == len(grid)


@pytest.mark.parametrize(("largest", "is_taken"), [(0.4, True), (0.9, False)])
def test_of_two_groups_of_links_no_run_is_passed_over(largest: float, *, is_taken: bool) -> None:
    """However many meet: the last of more runs than are looked at one by one has the largest step size and decay."""
    sizes, rates = [*np.linspace(0.1, 0.3, 399).tolist(), largest], np.linspace(0.1, 2.0, 400).tolist()
    optimizer = {
        "step_size": {"values": sizes},
        "warmup_steps": {"values": list(range(400, 0, -1))},
        "weight_decay": {"values": rates},
        "weight_decay_until": {"values": list(range(1000, 1400))},
    }
    links = [["step_size", "warmup_steps"], ["weight_decay", "weight_decay_until"]]
    whole = document(optimizer=optimizer) | {"zip": links}
    if is_taken:
        assert len(Grid(ExperimentSpec.model_validate(whole))) == 400**2
    else:
        with pytest.raises(ValidationError, match="at more than 100000 places of linked axes: lower either"):
            ExperimentSpec.model_validate(whole)


def _in_units(unit: float, told: Any) -> Any:
    return {"values": [unit * value for value in told["values"]]} if isinstance(told, dict) else unit * told


def _largest(run: Run) -> float:
    """The largest η_tλ of the steps that decay."""
    size, warmup = np.array([run.step_size]), np.array([run.warmup_steps])
    sizes = scheduled(size, warmup, [run.step_shape], 0, min(20, run.weight_decay.until or 20))
    return float(sizes.max()) * run.weight_decay.rate


def test_step_sizes_that_an_analysis_finds_are_not_judged_by_the_spec() -> None:
    """What they are is not known before; of a run whose signs turned it is said."""
    told = {"step_size": {"fractions_of_max_stable": [0.5]}, "weight_decay": 1e6}
    assert len(grid_of(optimizer=told)) == 1
