"""Bounds on the sharpness that need no eigenvalue."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bounds import sharpness_upper_bound, stability_chain, stability_measure, stability_threshold, weighted_norm
from core.regression import Dataset
from core.sharpness import gram_matrix, interpolator_sharpness
from tests.core.problems import paper_problem, small_problem, small_problems


def test_each_bound_is_its_sum() -> None:
    """By hand: column means 2 and −1, mean squares 5 and 1."""
    X = np.array([[1.0, -1.0], [3.0, -1.0]])
    u_plus, u_minus = np.array([1.0, 2.0]), np.array([3.0, 0.0])
    assert stability_measure(X, u_plus, u_minus) == 4 * (10 * 4 + 4 * 1)
    assert sharpness_upper_bound(X, u_plus, u_minus) == 4 * (10 * 5 + 4 * 1)
    assert weighted_norm(X, np.array([-8.0, 4.0])) == 4 * (8 * 4 + 4 * 1)


def test_stability_threshold_is_two_over_the_step_size() -> None:
    """For one step size and for many."""
    assert stability_threshold(np.array([0.5, 0.01])).tolist() == [4, 200]


@settings(max_examples=50)
@given(data=small_problems(), seed=st.integers(0, 1000))
def test_bounds_are_in_order(data: Dataset, seed: int) -> None:
    """Weighted norm ≤ stability measure ≤ sharpness ≤ trace, at any parameters."""
    u_plus, u_minus = np.random.default_rng(seed).standard_normal((2, data.X.shape[1]))
    chain = [
        weighted_norm(data.X, u_plus**2 - u_minus**2),
        stability_measure(data.X, u_plus, u_minus),
        interpolator_sharpness(data.X, u_plus, u_minus).value,
        sharpness_upper_bound(data.X, u_plus, u_minus),
    ]
    assert all(low <= high * (1 + 1e-12) for low, high in pairwise(chain))


def test_the_upper_bound_is_the_trace_and_the_lower_one_a_rayleigh_quotient() -> None:
    """The lower bound is the Gram matrix at the constant vector."""
    data = small_problem(5)
    u_plus, u_minus = np.random.default_rng(5).standard_normal((2, 7))
    gram = gram_matrix(data.X, u_plus**2 + u_minus**2)
    assert sharpness_upper_bound(data.X, u_plus, u_minus) == pytest.approx(np.trace(gram), rel=1e-13)
    assert stability_measure(data.X, u_plus, u_minus) == pytest.approx(gram.sum() / 3, rel=1e-12)


def test_the_chain_says_which_link_breaks() -> None:
    """A step size above 2/measure breaks the second link and never the first."""
    data = paper_problem()
    u_plus, u_minus = np.random.default_rng(0).random((2, 2, 100))
    measure = stability_measure(data.X, u_plus, u_minus)
    chain = stability_chain(data.X, u_plus, u_minus, 2 / (measure * np.array([1.1, 0.9])))
    assert chain.norm_within_measure.tolist() == [True, True]
    assert chain.measure_within_threshold.tolist() == [True, False]


def test_bounds_of_a_run_do_not_depend_on_its_company() -> None:
    """Bit for bit, alone and among five."""
    data = paper_problem()
    u_plus, u_minus = np.random.default_rng(1).standard_normal((2, 5, 100))
    for bound in (stability_measure, sharpness_upper_bound):
        alone = [float(bound(data.X, p, m)) for p, m in zip(u_plus, u_minus, strict=True)]
        assert bound(data.X, u_plus, u_minus).tolist() == alone
