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
    turns: bool = True,
    varies: float = 1.0,
    small: float = 1e-3,
    **changes: Any,
) -> int | None:
    """After how many windows one run is found to oscillate; None if it is not in twelve.

    Its θ alternates by `swing`, two steps lead away by `drift`, and a coordinate grows by `growth` a window. One that
    does not turn takes two steps of `swing` in one direction.
    """
    limits = Limits.of(problem_of(), [planned(**({"warmup_steps": 0} | changes))])
    oscillation = Oscillation.begin(1, 2, 7)
    for window in range(1, 13):
        oscillation.note(checks([loss(window) / varies], [loss(window)], last=window * WINDOW))
        start = np.ones((1, 2, 7))
        start[0, 0, 0] *= small * (1 + growth) ** window
        found = oscillation.at_window_end(
            limits,
            window * WINDOW,
            np.array([loss(window) * LOSS]),
            (start, start + swing, start + (drift if turns else 2 * swing)),
            np.array([impossible]),
        )
        if found.cycles:
            return window
    return None


def test_a_cycle_of_period_two_at_rest_is_an_oscillation() -> None:
    """After four windows that each end as the one before, where a coordinate is 0 as well."""
    assert windows_until_found() == CYCLE_WINDOWS + 1
    assert windows_until_found(small=0.0) == CYCLE_WINDOWS + 1


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
    assert windows_until_found(impossible=True, drift=0.05) == PLATEAU_WINDOWS + 1
    assert windows_until_found(impossible=False, drift=0.05) is None


def test_a_plateau_without_turns_is_none() -> None:
    """A run that waits at a saddle goes on in one direction, its loss hardly falling; where losses vary, it moves."""
    assert windows_until_found(impossible=True, turns=False) is None
    assert windows_until_found(impossible=True, turns=False, varies=1.4) is None
    assert windows_until_found(impossible=True, turns=False, varies=2.0) == PLATEAU_WINDOWS + 1


def test_a_cycle_comes_with_its_period_and_its_amplitude() -> None:
    """‖Δθ‖/‖θ‖ of a step; no period where two steps do not lead back."""
    oscillation, limits = Oscillation.begin(1, 1, 2), Limits.of(problem_of(), [planned(warmup_steps=0)])
    start = np.array([[[3.0, 4.0]]])
    for window in range(1, CYCLE_WINDOWS + 2):
        oscillation.note(checks([0.5], last=window * WINDOW))
        steps = (start, start + np.array([0.3, 0.4]), start)
        found = oscillation.at_window_end(limits, window * WINDOW, np.array([LOSS / 2]), steps, np.array([False]))
    assert found.cycles[0].period == 2
    assert found.cycles[0].amplitude == pytest.approx(0.1)
    assert not found.still.any()


def test_a_run_that_changes_no_bit_stands_still() -> None:
    """From the first whole window on; not by chance, and not within the tolerance."""

    def is_still(loss: float = 0.5, **changes: Any) -> bool:
        limits, theta = Limits.of(problem_of(), [planned(**({"warmup_steps": 0} | changes))]), np.ones((1, 2, 7))
        end = Oscillation.begin(1, 2, 7).at_window_end(
            limits, WINDOW, np.array([loss * LOSS]), (theta, theta.copy(), theta.copy()), np.array([False])
        )
        return bool(end.still[0])

    assert is_still()
    assert not is_still(loss=1e-7)
    assert not is_still(optimizer=Minibatch(batch_size=2))
    assert not is_still(warmup_steps=1)


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
    assert windows_until_found(impossible=True, drift=0.05, **changes) is None


def test_a_window_is_judged_once_it_is_whole_at_full_step_size() -> None:
    """One that began in the warm-up does not count."""
    assert windows_until_found(warmup_steps=WINDOW + 1) == CYCLE_WINDOWS + 3 - 1


def test_the_lowest_loss_of_a_window_is_of_all_its_checks() -> None:
    """NaN left out."""
    oscillation = Oscillation.begin(2, 2, 7)
    oscillation.note(checks([3, np.nan], [2, 5], last=128))
    oscillation.note(checks([4, np.nan], last=192))
    np.testing.assert_allclose(oscillation.lowest_loss, [2 * LOSS, 5 * LOSS])
