"""Forming of batches."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.batching import MOST_LANES, form_batches, predicted_steps
from core.descent import TILE

STEPS = st.lists(st.floats(1, 1e9), min_size=1, max_size=400)


@given(steps=STEPS)
def test_every_run_is_packed_exactly_once(steps: list[float]) -> None:
    """Batches partition the runs, are never too wide, and their work adds up."""
    indices = [3 * place + 1 for place in range(len(steps))]
    batches = form_batches(indices, steps, entries=5000)
    assert sorted(index for batch in batches for index in batch.indices) == indices
    assert all(len(batch.indices) <= MOST_LANES for batch in batches)
    assert abs(sum(batch.work for batch in batches) - sum(steps)) <= 1e-9 * sum(steps)


@given(steps=STEPS)
def test_longest_runs_come_first_and_like_goes_with_like(steps: list[float]) -> None:
    """No run of a later batch is longer than any run of an earlier one."""
    batches = form_batches(range(len(steps)), steps, entries=5000)
    for earlier, later in itertools.pairwise(batches):
        assert min(steps[index] for index in earlier.indices) >= max(steps[index] for index in later.indices)


def test_short_work_stays_in_one_batch_and_long_work_is_spread() -> None:
    """Sixty runs of a minute are spread over the cores in whole tiles; sixty of a millisecond are not."""
    assert len(form_batches(range(60), [1e3] * 60, entries=5000)) == 1
    assert [len(batch.indices) for batch in form_batches(range(60), [1e7] * 60, entries=5000)] == [TILE, TILE, TILE, 12]


@pytest.mark.parametrize(("dimension", "lanes"), [(100, 128), (25_000, 80), (1_000_000, 16)])
def test_the_states_of_a_batch_fit_into_memory(dimension: int, lanes: int) -> None:
    """128 lanes, or as many whole tiles as have 2,000,000 entries, or one tile."""
    batches = form_batches(range(1000), [1.0] * 1000, entries=dimension, dimension=dimension)
    assert len(batches[0].indices) == lanes
    assert form_batches(range(1000), [1.0] * 1000, entries=dimension) == batches


@given(steps=STEPS, lanes=st.sampled_from([1, 2, 16, MOST_LANES]))
def test_runs_of_several_lanes_are_packed_to_the_same_width(steps: list[float], lanes: int) -> None:
    """Every run once, as many as there is room for, and at least one."""
    batches = form_batches(range(len(steps)), steps, entries=5000, lanes=lanes)
    assert sorted(index for batch in batches for index in batch.indices) == list(range(len(steps)))
    assert all(1 <= len(batch.indices) <= MOST_LANES // lanes for batch in batches)


@pytest.mark.parametrize(("dimension", "runs"), [(100, 8), (25_000, 5), (1_000_000, 1)])
def test_searches_of_sixteen_lanes_fit_into_memory(dimension: int, runs: int) -> None:
    """128 lanes are eight searches; where the states are large there are fewer, and always one."""
    batches = form_batches(range(100), [1.0] * 100, entries=dimension, dimension=dimension, lanes=TILE)
    assert len(batches[0].indices) == runs


def test_predictions_grow_towards_both_ends_of_the_step_size() -> None:
    """Small steps take long, the edge takes long, and no prediction exceeds the budget."""

    def steps(fraction: float | None) -> float:
        return predicted_steps(fraction=fraction, loss_tolerance=1e-8, warmup_steps=0, max_steps=10**7)

    assert steps(0.01) > steps(0.1) > steps(0.5)
    assert steps(0.999) > steps(0.9)
    assert steps(None) == steps(1e-9) == 10**7
    assert steps(1.1) <= 10**5
