"""How long an interpolating run stays where it is while its step size grows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.training.delayed_instability import release_step


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
