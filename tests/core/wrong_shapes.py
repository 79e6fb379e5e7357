"""What is refused where the annotations of core are checked: tests for that job alone, which fail in any other."""

from typing import cast

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from core.descent.batch_descent import BatchState
from core.networks.network import Diagonal
from core.record_plan import record_steps
from core.stability.bounds import second_moments, stability_measure


def test_a_call_with_an_array_of_the_wrong_shape_is_refused() -> None:
    """A vector is no matrix, and two arguments agree on the axis that both name."""
    with pytest.raises(TypeCheckError, match="sample dim"):
        second_moments(np.ones(3))
    with pytest.raises(TypeCheckError, match="dim=3"):
        stability_measure(np.ones((2, 3)), np.ones(4))


def test_numbers_of_another_kind_are_refused() -> None:
    """Single precision is not double, and text is no number of steps; a whole number is a real one."""
    with pytest.raises(TypeCheckError, match="Float64"):
        second_moments(np.ones((2, 3), dtype=np.float32))
    with pytest.raises(TypeCheckError, match="max_steps"):
        record_steps(3, cast("int", "100"))


def test_a_record_whose_arrays_disagree_is_refused() -> None:
    """The runs of θ are those of the residuals."""
    with pytest.raises(TypeCheckError, match="run=5"):
        BatchState(theta=np.ones((2, 5, 3)), residual_sum=np.zeros((4, 7)))


def test_a_result_is_held_to_its_annotation() -> None:
    """A function that returns what it does not promise is caught at the return."""
    with pytest.raises(TypeCheckError, match="return value"):
        Diagonal(2).jacobian(np.ones((4, 3)))
