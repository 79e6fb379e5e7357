"""Tests of the largest stable step size, against descent itself on a loss of known sharpness."""

import math

import numpy as np
import pytest

from core.stability.max_stable_step import max_stable_step


@pytest.mark.parametrize("sharpness", [1e-3, 1.0, 250.17])
def test_descent_near_a_minimum_shrinks_below_and_grows_above_it(sharpness: float) -> None:
    """One step on ½λx² multiplies x by 1 − ηλ."""
    largest = max_stable_step(sharpness)
    x = np.ones(2)
    for _ in range(1000):
        x -= np.array([0.99, 1.01]) * largest * sharpness * x
    assert abs(x[0]) < 1e-3
    assert abs(x[1]) > 1e3


def test_where_nothing_curves_every_step_is_stable() -> None:
    """Data of zeros have a sharpness of zero."""
    assert max_stable_step(0.0) == math.inf
