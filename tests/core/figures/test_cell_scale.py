"""The numbers along cells and colour bars."""

from hypothesis import given
from hypothesis import strategies as st

from core.figures.cell_scale import round_numbers


@given(st.floats(1e-9, 1e9), st.floats(1.05, 1e8))
def test_a_scale_has_at_least_two_round_numbers_on_it(least: float, ratio: float) -> None:
    """In order, inside it, and not so many that they touch."""
    numbers = round_numbers(least, least * ratio)
    assert numbers == sorted(set(numbers))
    assert 2 <= len(numbers) <= 12
    assert numbers[0] >= least * (1 - 1e-6)
    assert numbers[-1] <= least * ratio * (1 + 1e-6)
