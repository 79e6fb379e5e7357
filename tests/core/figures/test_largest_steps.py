"""The largest stable steps of runs."""

import numpy as np
import pytest

from core.figures.largest_steps import distinct_steps, is_in_reach, largest_steps
from tests.core.made_up import LARGEST_STEP, made_up_analyses, results_of
from tests.core.specs import grid_of


@pytest.mark.parametrize(("step", "near"), [(0.9, True), (3.2, True), (0.5, False), (5.0, False), (np.nan, False)])
def test_a_step_is_in_reach_if_it_is_not_far_from_those_taken(step: float, *, near: bool) -> None:
    """Half as far again; one that is not known is not."""
    assert is_in_reach(step, [1.0, 3.0]) is near


def test_the_largest_steps_of_runs_are_medians_over_their_problems() -> None:
    """In units of the first one, if asked; NaN before any analysis, and on axes in yet another unit."""
    grid = grid_of(
        data={"seed": {"values": [0, 1, 2]}},
        model={"kind": "diagonal", "depth": 3},
        optimizer={"kind": "heavy_ball", "momentum": 0.5, "step_size": 0.001},
    )
    every = np.arange(3)
    expected = LARGEST_STEP / 1.02 * 1.5
    assert largest_steps(results_of(grid), every, axis="step_size") == pytest.approx([expected, expected / 0.8])
    assert largest_steps(results_of(grid), every, axis="step_size_fraction") == pytest.approx([1, 1 / 0.8])
    analyses = made_up_analyses(grid)
    del analyses[grid.run(1).problem_key]
    some = largest_steps(results_of(grid, analyses=analyses), every, axis="step_size")
    assert some[0] == pytest.approx(1.5 * LARGEST_STEP * (1 + 1 / 1.04) / 2)
    assert np.isnan(largest_steps(results_of(grid, analyses={}), every, axis="step_size")).all()
    assert np.isnan(largest_steps(results_of(grid), every, axis="flow_step_multiple")).all()


def test_the_step_for_any_sign_is_another_one_only_where_it_is_larger() -> None:
    """And what is not known is not drawn."""
    assert [line.tolist() for line in distinct_steps(np.array([[1.0, 2.0], [1.0, 2.0]]))] == [[1, 2]]
    assert [line.tolist() for line in distinct_steps(np.array([[1.0, 2.0], [1.0, 2.5]]))] == [[1, 2], [1, 2.5]]
    assert distinct_steps(np.full((2, 2), np.nan)) == []
