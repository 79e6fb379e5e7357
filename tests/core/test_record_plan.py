"""At which steps a run is recorded, other than log-spaced ones."""

import numpy as np
import pytest

from core.record_plan import RecordPlan, Spacing, VectorQuantity, in_order, record_steps


def test_without_a_plan_steps_are_log_spaced_over_the_budget() -> None:
    """As they were before there were plans."""
    for points, max_steps in ((0, 10), (1, 10), (2, 10), (7, 12_345), (100, 50)):
        np.testing.assert_array_equal(RecordPlan().steps(points, max_steps), record_steps(points, max_steps))


@pytest.mark.parametrize(
    ("points", "max_steps", "expected"),
    [(5, 1000, [0, 250, 500, 750, 1000]), (1, 1000, [1000]), (2, 9, [0, 9]), (9, 3, [0, 1, 2, 3]), (0, 9, [])],
)
def test_linear_steps_are_evenly_spaced_from_the_start_to_the_budget(
    points: int, max_steps: int, expected: list[int]
) -> None:
    """As whole numbers, none twice; one point is the end."""
    assert RecordPlan(spacing=Spacing.LINEAR).steps(points, max_steps).tolist() == expected


def test_given_steps_are_those_within_the_budget() -> None:
    """A trial of a search that is not recorded has none of them."""
    plan = RecordPlan(at=(0, 3, 70, 900))
    assert plan.steps(4, 500).tolist() == [0, 3, 70]
    assert plan.steps(4, 900).tolist() == [0, 3, 70, 900]
    assert plan.steps(0, 900).size == 0


def test_quantities_have_one_order_and_none_is_there_twice() -> None:
    """However they were written, so that equal documents have one hash."""
    given = (VectorQuantity.BALANCE, VectorQuantity.PREDICTOR, VectorQuantity.BALANCE)
    assert in_order(given) == (VectorQuantity.PREDICTOR, VectorQuantity.BALANCE)
