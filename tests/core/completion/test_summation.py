"""Sums over steps from three values, against plain sums."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.completion.summation import CHECKS, StepSums

COEFFICIENTS = st.lists(st.floats(-1, 1), min_size=6, max_size=6)


def values(coefficients: list[float], places: np.ndarray) -> np.ndarray:
    """A polynomial at places of a stretch of length 1."""
    return np.polynomial.polynomial.polyval(places, coefficients)


@given(steps=st.integers(3, 5000), stop=st.integers(0, 5000), coefficients=COEFFICIENTS)
def test_sums_of_quadratics_are_exact(steps: int, stop: int, coefficients: list[float]) -> None:
    """To any whole stop."""
    sums, quadratic = StepSums.over(float(steps)), coefficients[:3]
    found = sums.sums_to(np.array([stop / steps])) @ values(quadratic, sums.nodes)
    largest = max(1.0, (stop / steps) ** 2)
    assert found == pytest.approx(values(quadratic, np.arange(stop) / steps).sum(), abs=1e-11 * (stop + 1) * largest)


@given(steps=st.integers(3, 5000), coefficients=COEFFICIENTS)
def test_the_sum_over_all_steps_is_exact_to_degree_four(steps: int, coefficients: list[float]) -> None:
    """As that of Radau IIA is, of integrals."""
    sums, quartic = StepSums.over(float(steps)), coefficients[:5]
    found = sums.sums_to(np.ones(1)) @ values(quartic, sums.nodes)
    assert found == pytest.approx(values(quartic, np.arange(steps) / steps).sum(), abs=1e-11 * steps)


@given(steps=st.integers(4, 5000), coefficients=COEFFICIENTS)
def test_what_a_quadratic_misses_is_known_to_degree_five(steps: int, coefficients: list[float]) -> None:
    """From its values at the checks."""
    sums = StepSums.over(float(steps))
    at_nodes = values(coefficients, sums.nodes)
    missed = values(coefficients, CHECKS) - sums.values_at(CHECKS) @ at_nodes
    whole = values(coefficients, np.arange(steps) / steps).sum()
    found = sums.sums_to(np.ones(1)) @ at_nodes + sums.check_weights() @ missed
    assert found == pytest.approx([whole], abs=1e-10 * steps)


@given(steps=st.floats(3, 1e7))
def test_nodes_are_inside_and_the_last_at_the_end(steps: float) -> None:
    """In ascending order."""
    nodes = StepSums.over(steps).nodes
    assert 0 < nodes[0] < nodes[1] < nodes[2] == 1


def test_nodes_tend_to_those_of_radau() -> None:
    """(4 ∓ √6)/10 and 1 (Hairer & Wanner 1996, §IV.5)."""
    root = math.sqrt(6)
    assert StepSums.over(1e9).nodes == pytest.approx([(4 - root) / 10, (4 + root) / 10, 1], abs=1e-8)
