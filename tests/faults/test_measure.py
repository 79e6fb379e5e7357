"""What is measured: moments, percentiles and the bound."""

import math

import pytest

from tests.faults.faults import KINDS, Mode, kinds_of, sequence
from tests.faults.measure import first_after, percentile, upper_bound


def test_the_first_moment_after_another_is_later() -> None:
    """A moment is not after itself, and after the last there is none."""
    assert first_after(2.0, [1.0, 2.0, 3.0, 4.0]) == 3.0
    assert first_after(4.0, [1.0, 2.0, 3.0, 4.0]) is None


def test_percentiles_are_numbers_that_were_measured() -> None:
    """By the nearest rank: 1 per cent of a hundred numbers exceed the 99th."""
    numbers = [float(number) for number in range(100, 0, -1)]
    assert [percentile(numbers, percent) for percent in (0, 50, 99, 100)] == [1.0, 50.0, 99.0, 100.0]
    assert math.isnan(percentile([], 50))


@pytest.mark.parametrize("trials", [1, 20, 200, 2000])
def test_with_the_bound_as_its_probability_harm_is_absent_in_one_campaign_of_twenty(trials: int) -> None:
    """(1 − p)^n = 0.05; about 3/n for many."""
    bound = upper_bound(trials)
    assert (1.0 - bound) ** trials == pytest.approx(0.05)
    assert bound < 3.0 / trials


@pytest.mark.parametrize("mode", list(Mode))
def test_every_kind_of_a_mode_comes_equally_often_and_as_the_seed_says(mode: Mode) -> None:
    """Over whole rounds of the table; another seed gives another order."""
    kinds = kinds_of(mode)
    faults = sequence(kinds, 3 * len(kinds), seed=1)
    assert sorted(fault.kind for fault in faults) == sorted(3 * kinds)
    assert faults == sequence(kinds, 3 * len(kinds), seed=1)
    assert faults != sequence(kinds, 3 * len(kinds), seed=2)
    assert all(KINDS[each.kind].seconds[0] <= each.seconds <= KINDS[each.kind].seconds[1] for each in faults)
