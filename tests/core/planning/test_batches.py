"""Forming of batches."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.planning.batches import BATCHES_WANTED, LEAST_SECONDS, MOST_LANES, MOST_SECONDS, Batch, RunCosts, form_batches
from core.planning.cost import COMPILED, NUMPY, SECONDS_PER_BATCH, KernelCost
from core.tiles import TILE

STEPS = st.lists(st.floats(1, 1e9), min_size=1, max_size=400)
KERNELS = st.sampled_from([COMPILED, NUMPY])


def batches_of(
    steps: list[float], kernel: KernelCost = COMPILED, *, entries: int = 5000, dimension: int = 100, lanes: int = 1
) -> list[Batch]:
    """Runs numbered in order, packed."""
    nothing = np.zeros(len(steps))
    costs = RunCosts(
        steps=np.array(steps), overhead=nothing, returns=nothing, entries=entries, dimension=dimension, lanes=lanes
    )
    return form_batches(range(len(steps)), costs, kernel)


@given(steps=STEPS, kernel=KERNELS, lanes=st.sampled_from([1, 2, 16, MOST_LANES]))
def test_every_run_is_packed_exactly_once(steps: list[float], kernel: KernelCost, lanes: int) -> None:
    """Batches partition the runs, are never too wide nor empty, and no work is lost."""
    batches = batches_of(steps, kernel, lanes=lanes)
    assert sorted(index for batch in batches for index in batch.indices) == list(range(len(steps)))
    assert all(1 <= len(batch.indices) <= MOST_LANES // lanes for batch in batches)
    in_company = lanes * kernel.step(5000) * sum(steps)
    assert sum(batch.work for batch in batches) >= in_company * (1 - 1e-9)


@given(steps=STEPS, kernel=KERNELS)
def test_longest_runs_come_first_and_like_goes_with_like(steps: list[float], kernel: KernelCost) -> None:
    """No run of a later batch is longer than any run of an earlier one."""
    batches = batches_of(steps, kernel)
    assert batches
    for earlier, later in itertools.pairwise(batches):
        assert min(steps[index] for index in earlier.indices) >= max(steps[index] for index in later.indices)


@given(steps=STEPS, kernel=KERNELS)
def test_a_batch_is_long_only_where_its_runs_are(steps: list[float], kernel: KernelCost) -> None:
    """Beyond the fewest lanes, only for two seconds and the little that would be left over."""
    batches = batches_of(steps, kernel)
    assert batches
    for batch in batches:
        beyond = kernel.step(5000) * sum(steps[index] for index in batch.indices[kernel.fewest :])
        assert beyond <= (MOST_SECONDS + LEAST_SECONDS) * (1 + 1e-9)


def test_short_work_stays_in_one_batch_and_long_work_is_spread() -> None:
    """Sixty runs of a millisecond are one batch; of a tenth of a second, eight and more; of ten, the narrowest ones."""
    step = COMPILED.step(5000)
    assert len(batches_of([1e-3 / step] * 60)) == 1
    widths = [len(batch.indices) for batch in batches_of([0.1 / step] * 64)]
    assert widths[:5] == [64 // BATCHES_WANTED] * 5
    assert max(widths[5:]) < 64 // BATCHES_WANTED
    assert min(widths) == COMPILED.fewest
    assert {len(batch.indices) for batch in batches_of([10 / step] * 60)} == {COMPILED.fewest}
    assert {len(batch.indices) for batch in batches_of([10 / step] * 64, NUMPY)} == {TILE}


@pytest.mark.parametrize("seconds", [2e-3, 5e-3, 0.01, 0.02, 0.05])
@pytest.mark.parametrize("runs", range(40, 400, 20))
def test_the_end_is_not_the_longest(seconds: float, runs: int) -> None:
    """What is left takes a batch of its own, or is less than half of one: everybody else waits for the last one."""
    batches = batches_of([seconds / COMPILED.step(5000)] * runs)
    if len(batches) > 1:
        assert batches[-1].work < 5 / 3 * batches[-2].work


def test_a_few_long_runs_are_not_held_up_by_many_short_ones() -> None:
    """They are by themselves, and begin first."""
    first, *others = batches_of([1e7] * 4 + [1e5] * 400)
    assert first.indices == (0, 1, 2, 3)
    assert all(LEAST_SECONDS / 2 < batch.work < 2 * MOST_SECONDS for batch in others)


def test_the_work_of_few_lanes_is_what_they_cost() -> None:
    """One lane takes as long as three; a second and a third of the same length are for nothing."""
    alone = SECONDS_PER_BATCH + 1e5 * COMPILED.seconds_per_turn
    one, two, three, four = (batches_of([1e5] * runs)[0].work - alone for runs in (1, 2, 3, 4))
    assert one == pytest.approx(two) == pytest.approx(three) == pytest.approx(0.75 * four)


@pytest.mark.parametrize(("dimension", "lanes"), [(4, 496), (12, 160), (100, 128), (25_000, 80), (1_000_000, 16)])
def test_the_states_of_a_batch_fit_into_memory(dimension: int, lanes: int) -> None:
    """128 lanes, more of the smallest states, or as many whole tiles as have 2,000,000 entries, or one tile."""
    assert len(batches_of([1.0] * 1000, dimension=dimension)[0].indices) == lanes


@pytest.mark.parametrize(("dimension", "runs"), [(100, 8), (25_000, 5), (1_000_000, 1)])
def test_searches_of_sixteen_lanes_fit_into_memory(dimension: int, runs: int) -> None:
    """128 lanes are eight searches; where the states are large there are fewer, and always one."""
    assert len(batches_of([1.0] * 100, dimension=dimension, lanes=TILE)[0].indices) == runs


def test_no_runs_are_no_batches() -> None:
    """As where all runs are stored already."""
    assert batches_of([]) == []
