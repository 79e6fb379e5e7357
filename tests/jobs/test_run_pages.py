"""Pages of what is stored of several runs."""

import struct
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.array_block import Numbers, bare_arrays, numbers_in_block, unpack_arrays
from core.results.result import encode_summary, numbers_in_summary
from jobs.run_pages import packed_page, unpacked_page

VALUES = st.lists(st.one_of(st.binary(max_size=40), st.binary(min_size=7, max_size=7)), max_size=12)


@settings(deadline=None)
@given(VALUES)
def test_a_page_reads_back_as_it_was(values: list[bytes]) -> None:
    """Values of any lengths, in their order."""
    assert unpacked_page(packed_page(values)) == values


@st.composite
def _values_with_numbers(draw: st.DrawFn) -> tuple[list[bytes], dict[int, tuple[Numbers, ...]]]:
    """Any bytes; those of one length have numbers at the same places."""
    layouts: dict[int, tuple[Numbers, ...]] = {}
    for _ in range(draw(st.integers(1, 3))):
        numbers, start = list[Numbers](), 0
        for gap, length, itemsize in draw(
            st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from([4, 8])), max_size=4)
        ):
            numbers.append(Numbers(start + gap, length, itemsize))
            start += gap + length * itemsize
        layouts[start + draw(st.integers(0, 3))] = tuple(numbers)
    lengths = draw(st.lists(st.sampled_from(sorted(layouts)), max_size=9))
    return [draw(st.binary(min_size=length, max_size=length)) for length in lengths], layouts


@settings(deadline=None)
@given(_values_with_numbers())
def test_values_with_numbers_in_them_read_back_as_they_were(
    known: tuple[list[bytes], dict[int, tuple[Numbers, ...]]],
) -> None:
    """Wherever the numbers lie, of whatever size, with other bytes before, between and behind them."""
    values, layouts = known
    assert unpacked_page(packed_page(values, lambda value: layouts[len(value)])) == values


def _neighbours(runs: int) -> list[dict[str, np.ndarray]]:
    """Runs beside each other on a grid: their curves, the steps of these, and where they ended."""
    steps = np.arange(50)
    rates = np.geomspace(0.01, 0.02, runs)
    return [
        {"loss": np.exp(-rate * steps).astype("<f4"), "record_step": steps, "u": np.array([rate, np.exp(-50 * rate)])}
        for rate in rates.tolist()
    ]


def test_neighbours_on_a_grid_take_far_less_than_their_numbers() -> None:
    """Of the 616 bytes of a run's numbers less than 80 are left: one for a point of its curve, and those of its end."""
    blocks = [bare_arrays(arrays) for arrays in _neighbours(100)]
    page = packed_page(blocks, numbers_in_block)
    assert len(page) < 100 * 80
    assert 2 * len(page) < len(packed_page(blocks))
    for block, arrays in zip(unpacked_page(page), _neighbours(100), strict=True):
        read = unpack_arrays(block)
        assert {name: values.tobytes() for name, values in read.items()} == {
            name: values.tobytes() for name, values in arrays.items()
        }


def test_summaries_of_neighbours_take_less_than_without_a_look_at_their_numbers() -> None:
    """What is the same of all is there once, what differs as its difference."""
    summaries = [
        encode_summary({"step_size": rate, "sharpness": np.exp(rate), "steps": 64, "outcome": "converged"})
        for rate in np.geomspace(0.01, 0.02, 100).tolist()
    ]
    page = packed_page(summaries, numbers_in_summary)
    assert unpacked_page(page) == summaries
    assert len(page) < 0.8 * len(packed_page(summaries))


def test_what_many_have_in_common_is_there_once() -> None:
    """A hundred values that differ in two bytes of a thousand take less than an eighth of what they take alone."""
    common = bytes(range(250)) * 4
    values = [common + number.to_bytes(2, "little") for number in range(100)]
    assert 8 * len(packed_page(values)) < sum(len(packed_page([value])) for value in values)


def test_a_page_in_the_form_before_is_read() -> None:
    """How many values, their lengths, and of neighbours of one length the first bytes of all, then the second ones."""
    content = struct.pack("<5I", 4, 3, 3, 2, 3) + b"aAbBcC" + b"xy" + b"123"
    assert unpacked_page(zlib.compress(content)) == [b"abc", b"ABC", b"xy", b"123"]
    assert unpacked_page(zlib.compress(struct.pack("<I", 0))) == []
