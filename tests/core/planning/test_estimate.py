"""What experiments are predicted to cost."""

import heapq
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.networks.network import Diagonal
from core.planning.batches import form_batches
from core.planning.cost import COMPILED
from core.planning.estimate import MOST_KINDS, Estimate, estimate
from core.planning.problem_facts import ProblemFacts, Provenance
from core.planning.run_table import RunTable
from core.presets import PRESETS
from core.sweep.grid import Grid
from tests.core.specs import grid_of


def estimated(grid: Grid, max_stable_step: float | None = 0.008) -> Estimate:
    """The estimate on the default data."""
    facts = ProblemFacts(
        samples=50,
        dimension=100,
        network=Diagonal(depth=2),
        max_stable_step=max_stable_step,
        provenance=Provenance.GUESSED,
    )
    return estimate(grid, {facts: grid.problems}, COMPILED)


@given(counts=st.lists(st.integers(1, 40), min_size=2, max_size=2, unique=True), seeds=st.integers(1, 3))
def test_more_runs_cost_more(counts: list[int], seeds: int) -> None:
    """In steps, seconds and bytes."""

    def of(count: int) -> Estimate:
        scales = [0.01 * (number + 1) for number in range(count)]
        return estimated(
            grid_of(data={"seed": {"values": list(range(seeds))}}, initialization={"scale": {"values": scales}})
        )

    fewer, more = of(min(counts)), of(max(counts))
    assert (more.runs, more.problems) == (max(counts) * seeds, seeds)
    assert fewer.predicted_steps < more.predicted_steps
    assert fewer.predicted_seconds < more.predicted_seconds
    assert fewer.bytes < more.bytes


@given(budgets=st.lists(st.integers(10, 10**8), min_size=2, max_size=2).map(sorted), points=st.integers(0, 300))
def test_a_larger_budget_never_costs_fewer_steps_nor_more_records_fewer_bytes(budgets: list[int], points: int) -> None:
    """Records are spaced over the budget, so that a larger one may spread them thinner."""
    small, large = (estimated(grid_of(stopping={"max_steps": budget})) for budget in budgets)
    assert small.predicted_steps <= large.predicted_steps
    few, many = (estimated(grid_of(recording={"points": number})) for number in (points, points + 100))
    assert few.bytes < many.bytes
    assert few.predicted_seconds < many.predicted_seconds


def test_searches_twins_and_noise_are_counted() -> None:
    """Each costs more than the run without."""
    plain, some, twin = (
        estimated(
            grid_of(optimizer={"step_size": {"fractions_of_max_stable": [0.9]}}, recording={"sensitivity": wanted})
        )
        for wanted in (False, "auto", True)
    )
    search = estimated(grid_of(optimizer={"step_size": {"largest_convergent": {}}}))
    assert twin.predicted_steps == 2 * plain.predicted_steps
    assert 1.1 * plain.predicted_steps < some.predicted_steps < twin.predicted_steps
    assert search.predicted_steps > 10 * plain.predicted_steps
    quiet = estimated(grid_of(optimizer={"step_size": 0.004, "warmup_steps": 50_000}, recording={"sensitivity": False}))
    noise = {"kind": "label_noise", "noise_variance": 0.1, "noise_steps": 50_000, "step_size": 0.004}
    assert estimated(grid_of(optimizer=noise)).predicted_seconds > 2 * quiet.predicted_seconds
    batches = {"kind": "sgd", "batch_size": 5, "step_size": 0.004, "warmup_steps": 50_000}
    assert estimated(grid_of(optimizer=batches)).predicted_seconds > 2 * quiet.predicted_seconds
    heavy = {"kind": "heavy_ball", "momentum": 0.5, "step_size": 0.012}
    assert estimated(grid_of(optimizer=heavy)).predicted_steps > 0


@pytest.mark.parametrize(
    ("sensitivity", "trainings"), [(False, 1), ("auto", 2), (True, 2)], ids=["no twin", "perhaps a twin", "a twin"]
)
@pytest.mark.parametrize("stop", ["max_steps", "steps"])
def test_no_training_is_predicted_to_exceed_its_budget(sensitivity: Any, trainings: int, stop: str) -> None:
    """A twin is a training of its own, which has that of its run."""
    grid = grid_of(stopping={stop: 1000}, recording={"sensitivity": sensitivity})
    assert estimated(grid, None).predicted_steps <= 1000 * trainings
    heavy = {"kind": "heavy_ball", "momentum": 0.5, "step_size": 0.01}
    beside = grid_of(optimizer=heavy, stopping={stop: 1000}, recording={"sensitivity": sensitivity})
    assert estimated(beside, None).predicted_steps == 1000 * trainings


def test_a_run_is_predicted_to_end_with_its_stream() -> None:
    """A pass over 50 samples, by 5 and by 10 of them, and ten given steps; a budget that is less ends it first."""
    shared, alone = {"kind": "sgd", "step_size": 0.001}, {"sensitivity": False}
    one_pass = shared | {"batch_size": {"values": [5, 10]}, "sampling": "one_pass"}
    assert estimated(grid_of(optimizer=one_pass, recording=alone), None).predicted_steps == 10 + 5
    given = shared | {"batch_size": 1, "sampling": "indices", "indices": [[0]] * 10}
    assert estimated(grid_of(optimizer=given, recording=alone), None).predicted_steps == 10
    short = grid_of(optimizer=given, recording=alone, stopping={"steps": 3})
    assert estimated(short, None).predicted_steps == 3


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_estimated(name: str) -> None:
    """In every size, within what a person may wait for: half a day of one core."""
    assert {"quick", "full"} <= PRESETS[name].sizes.keys()
    for spec in PRESETS[name].sizes.values():
        found = estimated(Grid(spec))
        assert 0 < found.predicted_seconds < 50_000
        assert found.batches <= found.runs


def test_an_estimate_is_the_sum_over_problems_of_what_their_batches_take() -> None:
    """Batches, seconds and bytes, put together by hand; problems of other facts cost something else."""
    grid = grid_of(data={"seed": {"values": [0, 1, 2]}}, initialization={"scale": {"values": [0.01, 0.1, 1.0]}})
    facts = [
        ProblemFacts(samples=50, dimension=dimension, network=Diagonal(2), max_stable_step=0.008)
        for dimension in (100, 10_000)
    ]
    found = estimate(grid, {facts[0]: 2, facts[1]: 1}, COMPILED)
    forecasts = [RunTable.at(grid, range(3)).forecast(fact) for fact in facts]
    batches = [form_batches(range(3), forecast.costs, COMPILED) for forecast in forecasts]
    seconds = [sum(batch.work for batch in formed) for formed in batches]
    assert found.batches == 2 * len(batches[0]) + len(batches[1])
    assert found.predicted_seconds == pytest.approx(2 * seconds[0] + seconds[1])
    assert found.bytes == pytest.approx(2 * forecasts[0].bytes.sum() + forecasts[1].bytes.sum())
    assert found.max_stable_steps == {"known": 3, "guessed": 0, "unknown": 0}


@given(processes=st.integers(1, 40), seeds=st.integers(1, 12), is_known=st.booleans())
def test_wall_time_is_that_of_processes_that_take_batches_as_they_become_free(
    *, processes: int, seeds: int, is_known: bool
) -> None:
    """All analyses, as planning does, then batches, longest first: carried out by hand."""
    grid = grid_of(data={"seed": {"values": list(range(seeds))}}, stopping={"steps": 10**6}, recording={"points": 0})
    facts = ProblemFacts(
        samples=50,
        dimension=100,
        network=Diagonal(depth=2),
        max_stable_step=0.008,
        provenance=Provenance.KNOWN if is_known else Provenance.GUESSED,
    )
    found = estimate(grid, {facts: seeds}, COMPILED)
    costs = RunTable.at(grid, range(grid.runs_per_problem)).forecast(facts).costs
    batches = [batch.work for batch in form_batches(range(grid.runs_per_problem), costs, COMPILED)]
    analysis = 0.0 if is_known else (found.predicted_seconds - seeds * sum(batches)) / seeds
    free = [0.0] * processes
    for phase in ([analysis] * seeds, sorted(batches * seeds, reverse=True)):
        free = [max(free)] * processes
        for work in phase:
            heapq.heapreplace(free, free[0] + work)
    assert found.wall_seconds(1) == pytest.approx(found.predicted_seconds)
    assert found.wall_seconds(processes) <= max(free) * (1 + 1e-9) <= found.wall_seconds(processes) + found.longest


def test_of_very_many_kinds_of_problems_some_stand_for_all() -> None:
    """Evenly spread: twice as many alike cost twice as much."""
    grid = grid_of()
    kinds = {
        ProblemFacts(samples=50, dimension=100, network=Diagonal(2), max_stable_step=0.008 + 1e-9 * number): 1
        for number in range(4 * MOST_KINDS)
    }
    few = dict(list(kinds.items())[:MOST_KINDS])
    assert estimate(grid, kinds, COMPILED).predicted_steps == pytest.approx(
        4 * estimate(grid, few, COMPILED).predicted_steps, rel=1e-3
    )
