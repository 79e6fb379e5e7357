"""Plateaus and cycles by whole windows, made by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.descent.optimizers import Minibatch
from core.training.limits import Limits
from core.training.oscillation import CYCLE_WINDOWS, PLATEAU_WINDOWS, WINDOW, Oscillation
from tests.core.training.evidence_at import checks
from tests.core.trainings import planned, problem_of

LOSS = problem_of().zero_loss


def windows_until_found(
    *,
    loss: Callable[[int], float] = lambda _: 0.5,
    swing: float = 0.1,
    drift: float = 0.0,
    growth: float = 0.0,
    impossible: bool = False,
    **changes: Any,
) -> int | None:
    """After how many windows one run is found to oscillate; None if it is not in twelve.

    Its θ alternates by `swing`, two steps lead away by `drift`, and a coordinate grows by `growth` a window.
    """
    limits = Limits.of(problem_of(), [planned(**({"warmup_steps": 0} | changes))])
    oscillation = Oscillation.begin(1, 2, 7)
    for window in range(1, 13):
        oscillation.note(checks([loss(window)], last=window * WINDOW))
        start = np.ones((1, 2, 7))
        start[0, 0, 0] *= 1e-3 * (1 + growth) ** window
        found = oscillation.at_window_end(
            limits,
            window * WINDOW,
            np.array([loss(window) * LOSS]),
            (start, start + swing, start + drift),
            np.array([impossible]),
        )
        if found[0]:
            return window
    return None


def test_a_cycle_of_period_two_at_rest_is_an_oscillation() -> None:
    """After four windows that each end as the one before."""
    assert windows_until_found() == CYCLE_WINDOWS + 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"drift": 0.002}, id="that still drifts"),
        pytest.param({"swing": 1e-10}, id="that does not swing"),
        pytest.param({"growth": 1e-5}, id="near a saddle, where a coordinate grows"),
        pytest.param({"loss": lambda window: 0.5 + 1e-5 * window}, id="whose loss changes"),
        pytest.param({"loss": lambda _: 1e-7}, id="below the tolerance"),
        pytest.param({"optimizer": Minibatch(batch_size=2)}, id="by chance"),
        pytest.param({"warmup_steps": 12 * WINDOW}, id="in its warm-up"),
    ],
)
def test_a_run_that_only_looks_like_a_cycle_goes_on(changes: dict[str, Any]) -> None:
    """Each condition by itself spares it."""
    assert windows_until_found(**changes) is None


def test_where_no_interpolator_is_stable_a_plateau_is_an_oscillation() -> None:
    """After three windows whose lowest loss is hardly below that of the one before."""
    assert windows_until_found(impossible=True, drift=1.0) == PLATEAU_WINDOWS + 1
    assert windows_until_found(impossible=False, drift=1.0) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"loss": lambda window: 0.5 * 0.89**window}, id="whose loss falls"),
        pytest.param({"loss": lambda window: 0.5 * (0.1 if window % 3 == 0 else 1) ** window}, id="now and then"),
        pytest.param({"warmup_steps": 12 * WINDOW}, id="in its warm-up"),
    ],
)
def test_a_run_that_makes_progress_goes_on_even_there(changes: dict[str, Any]) -> None:
    """It may yet diverge, or the bound be wrong by rounding."""
    assert windows_until_found(impossible=True, drift=1.0, **changes) is None


def test_a_window_is_judged_once_it_is_whole_at_full_step_size() -> None:
    """One that began in the warm-up does not count."""
    assert windows_until_found(warmup_steps=WINDOW + 1) == CYCLE_WINDOWS + 3 - 1


def test_the_lowest_loss_of_a_window_is_of_all_its_checks() -> None:
    """NaN left out."""
    oscillation = Oscillation.begin(2, 2, 7)
    oscillation.note(checks([3, np.nan], [2, 5], last=128))
    oscillation.note(checks([4, np.nan], last=192))
    np.testing.assert_allclose(oscillation.lowest_loss, [2 * LOSS, 5 * LOSS])
