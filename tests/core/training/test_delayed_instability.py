"""How long an interpolating run stays where it is while its step size grows."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.descent.optimizers import Minibatch
from core.training.batch import Batch
from core.training.delayed_instability import DelayedInstability, release_step
from core.training.verdict import Evidence
from tests.core.training.evidence_at import batch_of, checks
from tests.core.trainings import planned


def first_regrowth(step_size: float, warmup_steps: int, step: int, sharpness: float) -> int:
    """By hand: multiply |1 − η_tλ| step after step until the product is back at 1, or the warm-up is over."""
    exponent = 0.0
    for t in range(step, warmup_steps):
        exponent += math.log(abs(1 - step_size * (t + 1) / warmup_steps * sharpness) or 1e-300)
        if t > step and exponent >= 0:
            return t + 1
    return warmup_steps


@given(start=st.floats(1.2, 1.99), final=st.floats(2.05, 6.0))
def test_a_residual_is_back_when_the_product_of_its_factors_is(start: float, final: float) -> None:
    """The closed form agrees with the plain product to one step in a thousand."""
    warmup = 20_000
    step = int(start / final * warmup)
    until = release_step(step_size=0.01, warmup_steps=warmup, since=step, sharpness=final / 0.01)
    assert until == pytest.approx(first_regrowth(0.01, warmup, step, final / 0.01), rel=1e-3, abs=30)


def test_a_stable_interpolator_is_kept_until_the_warm_up_is_over() -> None:
    """ηλ < 2 at full step size: nothing ever grows."""
    assert release_step(step_size=0.01, warmup_steps=1000, since=500, sharpness=190.0) == 1000


def test_an_unstable_interpolator_is_left_at_once() -> None:
    """η_tλ ≥ 2 already: there is nothing to win back."""
    assert release_step(step_size=0.01, warmup_steps=1000, since=500, sharpness=500.0) == 500


def following(*warmup_steps: int, scale: float = 3.0, **changes: Any) -> tuple[Batch, DelayedInstability]:
    """Runs with these warm-ups, of which nothing has been seen."""
    settings = {"holds": True} | changes
    runs = [planned(k, init_scale=scale, warmup_steps=steps, **settings) for k, steps in enumerate(warmup_steps)]
    return batch_of(*runs), DelayedInstability.begin(len(runs))


def test_the_time_near_an_interpolator_is_counted_from_the_last_check_away_from_it() -> None:
    """Every run has its own; a loss that is no number is away."""
    _, instability = following(10_000, 10_000, 10_000)
    instability.note(checks([1, 0, np.nan], [1, 0, 0], [0, 0, 0], last=192), near=1e-6)
    assert instability.away.tolist() == [128, 0, 64]
    instability.note(checks([0, 1, 0], last=256), near=1e-6)
    assert instability.away.tolist() == [128, 256, 64]


def test_a_loss_of_a_millionth_of_that_of_zero_is_near() -> None:
    """From there on the modes evolve by themselves."""
    evidence, batch = Evidence.begin([planned()], 2, 7), batch_of(planned())
    evidence.verdicts(batch, checks([1.5e-6], [0.9e-6], last=640), None)
    assert evidence.instability.away.tolist() == [576]


@pytest.mark.parametrize(
    ("relative_loss", "step", "changes"),
    [
        pytest.param(1e-21, 6400, {}, id="that is not frozen"),
        pytest.param(1.5e-22, 6400, {}, id="that is nearly frozen"),
        pytest.param(0.0, 6400, {}, id="without a residual that could grow"),
        pytest.param(1e-23, 10_048, {}, id="after its warm-up"),
        pytest.param(1e-23, 6400, {"max_steps": 6400}, id="out of budget"),
        pytest.param(1e-23, 6400, {"holds": False}, id="of plain float64"),
        pytest.param(1e-23, 6400, {"optimizer": Minibatch(batch_size=2)}, id="of random steps"),
    ],
)
def test_a_run_does_not_wait(relative_loss: float, step: int, changes: dict[str, Any]) -> None:
    """Each condition by itself; without it, it waits (the next test)."""
    batch, instability = following(10_000, scale=0.5, **changes)
    instability.let_wait(batch, step, np.array([relative_loss * batch.problem.zero_loss]))
    assert instability.waits_until.tolist() == [0]
    assert instability.next_release(step) is None


def test_a_frozen_run_waits_as_long_as_exact_arithmetic_takes() -> None:
    """As `release_step` says of its own step size, sharpness and time near the interpolator."""
    batch, instability = following(10_000, 40_000, scale=0.7)
    instability.note(checks([1, 0], [0, 1], last=640), near=1e-6)
    instability.let_wait(batch, 704, np.full(2, 1e-23 * batch.problem.zero_loss))
    expected = [
        release_step(step_size=0.3, warmup_steps=steps, since=since, sharpness=batch.interpolator_sharpness(index))
        for index, (steps, since) in enumerate([(10_000, 576), (40_000, 640)])
    ]
    assert instability.waits_until.tolist() == expected
    assert instability.held_steps.tolist() == [until - 704 for until in expected]
    assert instability.next_release(704) == min(expected)
    assert instability.waits(0, expected[0] - 1)
    assert not instability.waits(0, expected[0])


def test_a_run_is_released_once_and_is_near_anew() -> None:
    """At the step that it waits for, and not where its warm-up is over: there it is judged like any other."""
    batch, instability = following(10_000, 10_000)
    instability.waits_until[:] = 6400, 10_000
    assert instability.release(batch.limits, 6399) == []
    assert instability.release(batch.limits, 6400) == [0]
    assert instability.release(batch.limits, 6464) == []
    assert (instability.waits_until.tolist(), instability.away.tolist()) == ([0, 10_000], [6400, 0])
    assert instability.release(batch.limits, 10_048) == []


def test_a_waiting_run_is_no_event() -> None:
    """Its loss is small at every check; a run that waits no more can freeze again."""
    batch, instability = following(10_000, 10_000)
    instability.waits_until[0] = 6400
    assert instability.event_until(batch.limits).tolist() == [0, 10_000]
