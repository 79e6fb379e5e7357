"""Rates, and when they are back."""

import pytest

from tests.faults.throughput import back_after, finished_by, is_short, rate

STEADY = [(float(second), 3 * second) for second in range(20)]
INTERRUPTED = [(float(second), 2 * (min(second, 10) + max(second - 16, 0))) for second in range(40)]
"""Two a second, but for the seconds 10 to 16."""


def test_a_count_between_two_samples_is_on_the_line_between_them() -> None:
    """Before the first and after the last it stands still."""
    assert finished_by(2.5, STEADY) == pytest.approx(7.5)
    assert (finished_by(-1.0, STEADY), finished_by(99.0, STEADY)) == (0, 57)


def test_a_rate_is_a_difference_by_time() -> None:
    """Whatever the samples are."""
    assert rate(STEADY, 1.2, 7.9) == pytest.approx(3.0)
    assert rate(INTERRUPTED, 8.0, 12.0) == pytest.approx(1.0)


def test_a_rate_is_back_at_the_start_of_the_first_window_that_has_it() -> None:
    """Nine tenths of it are there a tenth of the window earlier."""
    assert back_after(INTERRUPTED, 10.0, 2.0, window=5.0) == pytest.approx(6.0)
    assert back_after(INTERRUPTED, 10.0, 1.6, window=5.0) == pytest.approx(5.0)
    assert back_after(INTERRUPTED, 10.0, 2.1, window=5.0) is None
    assert back_after(STEADY, 3.0, 3.0, window=5.0) == 0.0


def test_too_low_is_what_the_spread_does_not_explain() -> None:
    """One ratio of a noisy machine tells nothing, many of the same size do."""
    quiet = [0.9, 1.17, 0.9, 1.05]
    assert not is_short([0.85], quiet, least=0.95)
    assert is_short([0.85, 0.8, 0.9] * 10, quiet, least=0.95)
    assert not is_short([0.94, 0.97, 0.95], [1.0, 1.01, 0.99], least=0.95)
    assert not is_short([0.1], [], least=0.95)
