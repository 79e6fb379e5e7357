"""Differences of numbers, and which are worth taking."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jobs.number_differences import Differences, Stretches

TABLES = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=4)


def _stretches(values: Sequence[int]) -> Stretches:
    return np.array(values, dtype=np.int64)


def _plain(numbers: np.ndarray, differences: Differences) -> np.ndarray:
    """The same, number by number: order k begins with the number of place k, and of run k."""
    bits = 8 * numbers.itemsize
    left = [[int(number) for number in row] for row in numbers]
    start = 0
    for length, along, across in zip(differences.lengths, differences.along, differences.across, strict=True):
        own = left[start : start + length]
        for order in range(1, along + 1):
            own = own[:order] + [
                [this - last for this, last in zip(own[place], own[place - 1], strict=True)]
                for place in range(order, length)
            ]
        for order in range(1, across + 1):
            own = [row[:order] + [row[run] - row[run - 1] for run in range(order, len(row))] for row in own]
        if along or across:
            signed = [[(each + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1) for each in row] for row in own]
            own = [[2 * each if each >= 0 else -2 * each - 1 for each in row] for row in signed]
        left[start : start + length] = own
        start += length
    return np.array(left, dtype=numbers.dtype)


@settings(deadline=None)
@given(TABLES, st.integers(1, 7), st.sampled_from(["<u4", "<u8"]), st.data())
def test_differences_are_those_taken_one_by_one_and_can_be_undone(
    table: list[tuple[int, int, int]], runs: int, kind: str, data: st.DataObject
) -> None:
    """Of any bits, in any orders, also where there are fewer runs or places than the order asks for."""
    lengths, along, across = (_stretches(column) for column in zip(*table, strict=True))
    numbers = data.draw(arrays.arrays(kind, (int(lengths.sum()), runs)))
    differences = Differences(lengths=lengths, along=along, across=across)
    left = differences.of(numbers)
    np.testing.assert_array_equal(left, _plain(numbers, differences))
    np.testing.assert_array_equal(differences.undone(left), numbers)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 7), st.sampled_from(["<u4", "<u8"]), st.data()
)
def test_what_is_worth_taking_loses_nothing(lengths: list[int], runs: int, kind: str, data: st.DataObject) -> None:
    """Whatever the numbers are."""
    numbers = data.draw(arrays.arrays(kind, (sum(lengths), runs)))
    differences = Differences.worth_taking(numbers, _stretches(lengths))
    np.testing.assert_array_equal(differences.undone(differences.of(numbers)), numbers)


def test_of_smooth_curves_differences_are_taken_and_of_noise_none() -> None:
    """A curve along itself, a number that falls from run to run across them; noise is left as it is."""
    curve = np.exp(-np.linspace(0.0, 3.0, 50)).astype("<f4").view("<u4")
    noise = np.frombuffer(np.random.default_rng(5).bytes(4 * 50 * 40), dtype="<u4").reshape(50, 40)
    falling = np.exp(-np.linspace(0.0, 0.1, 40)).astype("<f4").view("<u4")
    alone = Differences.worth_taking(np.concatenate([curve, noise[:, 0]])[:, np.newaxis], _stretches([50, 50]))
    assert (alone.along[0] > 0, alone.along[1]) == (True, 0)
    assert alone.across.tolist() == [0, 0]
    several = Differences.worth_taking(np.concatenate([falling[np.newaxis], noise]), _stretches([1, 50]))
    assert (several.across[0] > 0, several.across[1]) == (True, 0)
    assert several.along.tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(0, 3), (0, 1)])
def test_nothing_is_made_of_no_numbers(shape: tuple[int, int]) -> None:
    """No stretches, no differences."""
    differences = Differences.worth_taking(np.zeros(shape, dtype="<u8"), _stretches([]))
    assert differences.of(np.zeros(shape, dtype="<u8")).shape == shape
