"""When completion is tried again, and when a limit is believed."""

import numpy as np
import pytest

from core.completion.completion import Completion
from core.training.completion_attempts import CONFIRMED_AFTER, EARLY, NEARLY_PROVEN, CompletionAttempts
from tests.core.trainings import planned

TOLERANCE = 1e-7


def attempts() -> CompletionAttempts:
    """One run of three dimensions, due at the first check at which any is."""
    return CompletionAttempts.begin([planned(warmup_steps=0, completion_tolerance=TOLERANCE)], 3)


def limit(*, estimate: float, bound: float = np.inf, off: float = 0.0) -> Completion:
    """A limit near β = 1, with an error that is claimed."""
    predictor = np.ones(3) + off
    return Completion(
        theta=np.ones((2, 3)),
        predictor=predictor,
        multipliers=np.zeros(1),
        residual=0.0,
        sharpness=1.0,
        sharpness_error=0.0,
        estimate=estimate,
        bound=bound,
    )


def test_the_first_attempt_is_made_at_any_loss() -> None:
    """Nothing is known of the error before; the next one is 8 % of the steps later."""
    tried = attempts()
    assert tried.is_ripe(0, 1024, 1e9)
    assert tried.due[0] == 1152  # a multiple of 64


@pytest.mark.parametrize(("error", "fall"), [(4.0, 0.5 * EARLY), (100.0, 0.1 * EARLY), (1e9, 0.01), (np.inf, 0.01)])
def test_after_a_failure_the_loss_must_fall_by_the_root_of_the_error(error: float, fall: float) -> None:
    """Nearly, but never by more than a hundred: an error out of reach of float64 says nothing of the next one."""
    tried = attempts()
    tried.has_failed(0, 1.0, error * TOLERANCE, TOLERANCE)
    assert not tried.is_ripe(0, 2048, 1.01 * fall)
    assert tried.is_ripe(0, 4096, 0.99 * fall)


def test_a_proven_limit_is_believed_at_once() -> None:
    """Whatever its estimate."""
    assert attempts().believes(0, 2048, 1.0, limit(estimate=1e-3, bound=TOLERANCE), TOLERANCE)


@pytest.mark.parametrize(("off", "believed"), [(0.0, True), (0.5 * TOLERANCE, False)])
def test_a_limit_that_is_not_proven_is_found_twice(off: float, *, believed: bool) -> None:
    """By an attempt at a step smaller by a quarter, to a tenth of the tolerance."""
    tried = attempts()
    assert not tried.believes(0, 2000, 1.0, limit(estimate=TOLERANCE), TOLERANCE)
    assert not tried.believes(0, 2400, 1.0, limit(estimate=TOLERANCE, off=off), TOLERANCE)
    assert tried.believes(0, 2500, 1.0, limit(estimate=TOLERANCE, off=off), TOLERANCE) is believed


def test_a_limit_that_only_lacks_confirmation_is_looked_for_when_it_can_be_confirmed() -> None:
    """Unless its bound is about to prove it."""
    for bound, waits in ((1e3 * TOLERANCE, True), (0.9 * NEARLY_PROVEN * TOLERANCE, False)):
        tried = attempts()
        assert tried.is_ripe(0, 6400, 1.0)
        ordinary = int(tried.due[0])
        assert not tried.believes(0, 6400, 1.0, limit(estimate=TOLERANCE, bound=bound), TOLERANCE)
        assert tried.due[0] == (CONFIRMED_AFTER * 6400 if waits else ordinary)


def test_a_limit_of_too_large_an_estimate_is_remembered_and_put_off() -> None:
    """Its loss must fall by the root of four; then it is confirmed by what was remembered."""
    tried = attempts()
    assert not tried.believes(0, 2000, 1.0, limit(estimate=4 * TOLERANCE), TOLERANCE)
    assert not tried.is_ripe(0, 2200, 0.51 * EARLY)
    assert tried.is_ripe(0, 2500, 0.49 * EARLY)
    assert tried.believes(0, 2500, 0.49, limit(estimate=TOLERANCE), TOLERANCE)
