"""Choices that several figures share."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.selection import (
    columns_of,
    evenly_spaced,
    fixings,
    replicates,
    run_at,
    spread,
    step_axis,
    swept,
    swept_axes,
)
from tests.core.specs import SCALES, fan, grid_of


@given(st.integers(1, 200), st.integers(2, 12))
def test_positions_are_spaced_evenly_from_the_first_to_the_last(count: int, most: int) -> None:
    """All of a few; of many as many as asked, with gaps that differ by one at most."""
    chosen = evenly_spaced(count, most)
    assert len(chosen) == min(count, most)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(chosen)]
    assert not gaps or (min(gaps) >= 1 and max(gaps) - min(gaps) <= 1)


def test_values_are_spread_by_rank_and_come_in_ascending_order() -> None:
    """However they are swept; of no values there are none."""
    assert spread([5.0, 1.0, 100.0, 2.0, 3.0], 3) == (1.0, 3.0, 100.0)
    assert spread([2.0, 1.0], 3) == (1.0, 2.0)
    assert spread((), 3) == ()


def test_up_to_three_panels_are_a_row_and_more_are_two() -> None:
    """Six are two rows of three."""
    assert [columns_of(panels) for panels in range(1, 7)] == [1, 2, 3, 2, 3, 3]


def test_an_axis_of_one_value_counts_as_swept_only_where_no_other_is() -> None:
    """It is as good as a plain number."""
    one = {"scale": {"values": [0.1]}}
    assert [axis.name for axis in swept(grid_of(initialization=one))] == ["init_scale"]
    assert swept_axes(grid_of(initialization=one)) == {}
    both = grid_of(initialization=one, optimizer={"step_size": {"values": [0.001, 0.002]}})
    assert list(swept_axes(both)) == [axis.name for axis in swept(both)] == ["step_size"]


def test_the_first_of_the_swept_seeds_is_aggregated() -> None:
    """The data seed where none is."""
    assert replicates(grid_of()) == "seed"
    random = {"kind": "normal", "seed": {"values": [0, 1]}}
    assert replicates(grid_of(initialization=random)) == "init_seed"
    assert replicates(grid_of(initialization=random, data={"seed": {"values": [0, 1]}})) == "seed"


def test_the_axis_of_step_sizes_may_be_one_of_fractions() -> None:
    """And must be there."""
    fractions = grid_of(optimizer={"step_size": {"fractions_of_max_stable": [0.5, 0.9]}})
    assert step_axis(fractions).name == "step_size_fraction"
    with pytest.raises(UnsuitableFigure, match="sweeps the step size"):
        step_axis(grid_of(optimizer={"step_size": {"values": [0.1]}}))


def test_every_combination_of_values_is_fixed_once_and_not_too_many_are() -> None:
    """The refusal says what they would be."""
    axes = [axis for axis in fan().axes if axis.name != "seed"]
    found = fixings(axes)
    assert len({tuple(where.items()) for where in found}) == len(found) == 6
    assert fixings([]) == [{}]
    with pytest.raises(UnsuitableFigure, match=r"6 lines, one for each value of init_scale, step_size; 5 are the most"):
        fixings(axes, most=5, of="lines")


def test_a_run_is_found_by_its_values_and_the_first_ones_of_all_other_axes() -> None:
    """As the grid counts them."""
    grid = fan()
    found = grid.coordinates(run_at(grid, {"init_scale": SCALES[2]}))
    assert found == {"seed": 0, "init_scale": SCALES[2], "step_size": 0.001}
    assert run_at(grid_of(), {}) == 0
